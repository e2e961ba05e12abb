"""What waits for a person of this app."""

from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from clinical.lab_release import mine, unreviewed
from clinical.loops import OF_BIOPSIES, OF_NOTES, own_biopsies
from clinical.models import Biopsy, CorrectionNotice, Encounter, Hl7Message
from clinical.models.biopsy import COLLECT, REVIEW
from clinical.models.biopsy_clock import due
from clinical.models.encounter import COSIGN, WRITE
from clinical.models.message import MANAGE
from hospital.http import ActingPerson
from hospital.waiting import Waiting

TO_READ = (Biopsy.Status.RESULTED, *Biopsy.FAILED)


def biopsies(acting: ActingPerson) -> QuerySet:
    """What is overdue; and for the doctor what came back, or will not."""
    mine = Biopsy.objects.open().filter(own_biopsies(acting)).alias(first_due=due(1))
    late = Q(first_due__lte=Now())
    return mine.filter(late | Q(status__in=TO_READ)) if acting.may(REVIEW) else mine.filter(late)


WAITING = (
    Waiting(
        "messages",
        MANAGE,
        lambda acting: (Hl7Message.objects.waiting().seen_by(acting),),
        "waiting",
        on=("message:changed",),
    ),
    Waiting(
        "to-review",
        "clinical.order_tests",
        lambda acting: (
            unreviewed().filter(mine(acting.person)),
            CorrectionNotice.objects.open().filter(person=acting.person),
        ),
        "to review",
        on=("lab:result_ready", "lab_order:updated"),
    ),
    Waiting(
        "unsigned",
        WRITE,
        lambda acting: (Encounter.objects.unsigned().filter(provider=acting.person),),
        "unsigned",
        on=OF_NOTES,
    ),
    Waiting("biopsies", COLLECT, lambda acting: (biopsies(acting),), "to look after", on=OF_BIOPSIES),
    Waiting(
        "to-cosign",
        COSIGN,
        lambda acting: (Encounter.objects.to_cosign(acting.person),),
        "to co-sign",
        on=OF_NOTES,
    ),
)
