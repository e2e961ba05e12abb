"""What procedures that were done are charged as: a biopsy by its technique, others by the code that was recorded.

Source of the codes of biopsies: CPT, the surgery of the integumentary system, biopsies of the skin as they stand since
2019 (numbers only, the words are our own). In one session there is one first biopsy, of the technique that ranks
highest; each further one has the add-on code of its own technique. An excision is coded by its size and by what the
pathologist found, so it has a code of our own, and the claim waits until somebody writes the right one.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from uuid import UUID

from django.db import models

from billing.claims import undone
from billing.claims.drafting import local_day
from billing.claims.rules import OFFICE_VISITS
from billing.models import CONSULTATION, Account, Charge, Kind
from billing.models.charge import Charges
from billing.money import spoken
from clinical.models import Biopsy, Procedure, Visit
from hospital.models import Person
from hospital.seals import raw
from scheduling.models import Appointment

EXCISION = "excision"
WAIVED_ALREADY = "It is charged with the appointment, and was waived there."


@dataclass(frozen=True)
class Technique:
    first: str
    further: str
    name: str


# The one that ranks highest comes first.
TECHNIQUES: dict[str, Technique] = {
    Biopsy.Kind.INCISIONAL: Technique("11106", "11107", "Incisional biopsy of the skin"),
    Biopsy.Kind.PUNCH: Technique("11104", "11105", "Punch biopsy of the skin"),
    Biopsy.Kind.SHAVE: Technique("11102", "11103", "Shave biopsy of the skin"),
    Biopsy.Kind.EXCISIONAL: Technique(EXCISION, EXCISION, "Excision of a lesion of the skin"),
}
BIOPSY_CODES = {code for one in TECHNIQUES.values() for code in (one.first, one.further)}


def coded(biopsies: list[Biopsy]) -> list[tuple[Biopsy, str, str]]:
    """The code and the name of each of one session, in the order in which they are charged."""
    rank = list(TECHNIQUES)
    found = []
    for place, biopsy in enumerate(sorted(biopsies, key=lambda one: (rank.index(one.kind), one.collected_at, one.pk))):
        technique = TECHNIQUES[biopsy.kind]
        name = f"{technique.name}, one more" if place else technique.name
        found.append((biopsy, technique.further if place else technique.first, name))
    return found


def session_of(biopsy: Biopsy) -> list[Biopsy]:
    """What was taken in the same visit on the same day, whatever became of it since."""
    taken = Biopsy.objects.filter(visit=biopsy.visit_id, collected_at__isnull=False)
    return [one for one in taken if local_day(one.collected_at) == local_day(biopsy.collected_at)]


def charge_session(biopsy: Biopsy, *, by: Person | None) -> None:
    """One more was taken: what was the first biopsy so far may be a further one now. What the chart said of it counts no more."""
    Account.locked(biopsy.visit)
    for charge in charged_by_chart(biopsy.visit).filter(code__in=BIOPSY_CODES).select_related("visit"):
        undone.undo(charge, "The biopsy itself is charged.", by=by)
    for one, code, name in coded(session_of(biopsy)):
        charge_once(biopsy.visit, one.pk, code, name, why="Coded anew beside another biopsy.", by=by)


@raw()
def charge_recorded(visit: Visit, row: Procedure, *, why: str, by: Person | None) -> None:
    """By the code of the chart. The service of an appointment gives way; one that was waived stands for one row."""
    Account.locked(visit)
    waived = Counter(waived_services(visit).values_list("code", flat=True))
    for one in uncharged_first(visit, [row, *others_of(visit, row, waived)]):
        if waived[one.charged_as]:
            waived[one.charged_as] -= 1
            let_off(visit, one, by=by)
        else:
            code = "" if is_charged_as_biopsy(visit, one) else one.charged_as
            charge_once(visit, one.pk, code, one.text, why=why, by=by)
    charge_services(visit, by=by)


def waived_services(visit: Visit) -> Charges:
    """Of appointments, by the code: what they are for is not asked for again."""
    appointments = Appointment.objects.filter(visit=visit).values("pk")
    waived = Charge.objects.live().filter(waived_at__isnull=False, cancel_reason="", source_id__in=appointments)
    return waived.filter(visit=visit, kind=Kind.PROCEDURE)


def in_chart(visit: Visit) -> models.QuerySet[Procedure]:
    """What the chart says of this visit: each row had a charge there, whatever became of it."""
    charged = Charge.objects.filter(visit=visit, kind=Kind.PROCEDURE).values("source_id")
    return Procedure.objects.filter(pk__in=charged)


def others_of(visit: Visit, row: Procedure, waived: Counter[str]) -> list[Procedure]:
    """The other rows that a waived service can stand for."""
    return [one for one in in_chart(visit).exclude(pk=row.pk) if one.charged_as in waived] if waived else []


def uncharged_first(visit: Visit, rows: list[Procedure]) -> list[Procedure]:
    """In the order in which waived services stand for them: what is charged stays so while there are others."""
    charged = set(charged_by_chart(visit).values_list("source_id", flat=True))
    return sorted(rows, key=lambda row: (row.pk in charged, row.pk))


def let_off(visit: Visit, row: Procedure, *, by: Person | None) -> None:
    """The charge is cancelled, and not left out: who looks at the account reads why nothing is asked for this row."""
    if not charges_of(row.pk).exists():
        arise(visit, row.pk, row.charged_as, row.text)
    charge_once(visit, row.pk, "", row.text, why=WAIVED_ALREADY, by=by)


def is_charged_as_biopsy(visit: Visit, row: Procedure) -> bool:
    return row.charged_as in BIOPSY_CODES and Biopsy.objects.filter(visit=visit, collected_at__isnull=False).exists()


def charge_services(visit: Visit, *, now: Appointment | None = None, by: Person | None) -> None:
    """Of the completed appointments of this visit, where nothing else is charged for the same. `now`: the one that is completed, or taken back."""
    Account.locked(visit)
    stay = [waived.source_id for waived in waived_services(visit) if is_in_chart(visit, waived.code)]
    for one in Appointment.objects.filter(visit=visit).exclude(pk__in=stay).select_related("type"):
        service, is_over = service_of(one, visit, is_now=one == now), one.status == Appointment.Status.COMPLETED
        is_alone = is_charged_alone(service, visit)
        why = "The chart has it." if is_over and not is_alone else "The appointment is not completed as it was."
        charge_once(visit, one.pk, service if is_over and is_alone else "", one.type.name, why=why, by=by)


def service_of(appointment: Appointment, visit: Visit, *, is_now: bool) -> str:
    """The code of its type when it is completed. Afterwards it stays what it was charged as, whatever the type says by then."""
    former = Charge.objects.filter(kind=Kind.PROCEDURE, source_id=appointment.pk).order_by("-sequence").first()
    if former and not is_now:
        return former.code
    return appointment.type.service if is_now or visit.is_open else ""


def is_charged_alone(service: str, visit: Visit) -> bool:
    """Neither as the consultation, nor as the biopsy itself, nor by what the chart says of the same visit."""
    if service in BIOPSY_CODES or service == CONSULTATION or service.startswith(OFFICE_VISITS):
        return False
    return not is_in_chart(visit, service)


@raw()
def is_in_chart(visit: Visit, code: str) -> bool:
    """Charged by it, or let off because a waived service stands for it."""
    return charged_by_chart(visit).filter(code=code).exists() or any(one.charged_as == code for one in in_chart(visit))


def charged_by_chart(visit: Visit) -> Charges:
    """What was waived is charged too: nobody pays it, and nobody is asked for it again."""
    rows = Procedure.objects.filter(patient=visit.patient_id).values("pk")
    return Charge.objects.live().filter(visit=visit, kind=Kind.PROCEDURE, cancel_reason="", source_id__in=rows)


def to_be_charged(appointment: Appointment) -> str:
    """What checking out will put on the account: the code of the service, empty where nothing comes to what is charged already."""
    service, visit = appointment.type.service, appointment.visit
    is_over = appointment.status == Appointment.Status.COMPLETED
    return service if visit and service and not is_over and is_charged_alone(service, visit) else ""


def what_was_let_off(charge: Charge) -> str:
    """A discount or a waiver is of one charge. It goes with it, and who looks at the account reads that it did."""
    given = Charge.objects.with_balance().get(pk=charge.pk).written_off
    return f" {spoken(given)} had been let off of it." if given else ""


def charge_once(visit: Visit, source: UUID, code: str, text: str, *, why: str, by: Person | None) -> None:
    """The one charge of this source has this code; without a code nothing was done, and what was charged is taken back."""
    account = Account.locked(visit)
    standing = charges_of(source).live().filter(cancel_reason="").select_related("visit").first()
    if standing and code and (standing.code == code or standing.waived_at):
        return
    if standing:
        undone.undo(standing, why + what_was_let_off(standing), by=by)
    if code:
        arise(account.visit, source, code, text)
        Account(visit).settle()


def charges_of(source: UUID) -> Charges:
    return Charge.objects.filter(kind=Kind.PROCEDURE, source_id=source)


def arise(visit: Visit, source: UUID, code: str, text: str) -> Charge:
    """The next one of this source."""
    last = charges_of(source).aggregate(last=models.Max("sequence"))["last"] or 0
    return Charge.arise(visit, kind=Kind.PROCEDURE, code=code, text=text, source_id=source, sequence=last + 1)
