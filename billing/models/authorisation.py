"""A prior authorisation: an insurer is asked before a service, says how much of it and until when, and each unit is counted."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar, Self

from django.core.validators import MinValueValidator
from django.db import models, transaction
from django.db.models import Case, DecimalField, Exists, F, OuterRef, Q, Subquery, Sum, Value, When
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils import timezone

from billing.models.authorisation_answers import Answers
from billing.models.authorisation_clock import TIERS, Clock
from billing.models.authorisation_renewals import Renewals
from billing.models.authorisation_units import MANAGE, NOTHING, Units
from clinical import days
from clinical.models.lab_result import by_person, moment
from clinical.models.payer import SERVICE, Payer, covers
from hospital.models import Counter
from hospital.seals import raw
from hospital.tenancy import TenantKey, TenantManager
from hospital.workflow import SYSTEM, Moves, Refused, Workflow, allow

if TYPE_CHECKING:
    from billing.models.authorisation_parts import AuthorisationNote
    from clinical.models import Patient, Policy
    from hospital.models import Person

VIEW = "billing.view_authorisation"
FORGOTTEN = 90  # days after the last one, when nobody renews it any more
AMOUNT: Any = {"max_digits": 8, "decimal_places": 2, "validators": [MinValueValidator(Decimal("0.01"))]}


def asked_again() -> models.Exists:
    """Whether the insurer was asked for a renewal, and has not refused it. A draft that nobody submits silences nothing."""
    rows = Authorisation.objects.filter(renews=OuterRef("pk"))
    return Exists(rows.exclude(status__in=Authorisation.ASKS_FOR_NOTHING))


class Authorisations(models.QuerySet):
    def shown(self) -> Self:
        """With what a row needs, in a constant number of queries."""
        return self.counted().select_related("patient", "payer", "policy", "doctor")

    def counted(self) -> Self:
        from billing.models.authorisation_parts import AuthorisationUse

        sums = AuthorisationUse.objects.filter(authorisation=OuterRef("pk")).order_by().values("authorisation")
        used = Subquery(sums.annotate(sum=Sum("units")).values("sum"))
        return self.annotate(counted_units=Coalesce(used, Value(NOTHING), output_field=DecimalField()))

    def waiting(self) -> Self:
        """Not decided: somebody, here or there, has to do something."""
        return self.filter(status__in=Authorisation.UNDECIDED)

    def granted(self) -> Self:
        return self.filter(status__in=Authorisation.GRANTED)

    def valid_on(self, day: date) -> Self:
        """Those that speak for this day, whether or not it is past or all of it is used by now."""
        return self.filter(status__in=Authorisation.HAS_SAID_YES, valid_from__lte=day, valid_until__gte=day)

    def expiring(self) -> Self:
        """Near its end, used up or over, and nobody has asked again or said that nobody needs to."""
        today = days.today()
        first, last = today - timedelta(days=FORGOTTEN), today + timedelta(days=TIERS[0])
        near = Q(status__in=Authorisation.HAS_SAID_YES, valid_until__range=(first, last))
        return self.filter(near, ~asked_again(), not_renewed_because="")

    def newly_near(self) -> Self:
        """Those that came as near to their end as nobody was told yet."""
        today = days.today()
        tiers = [When(valid_until__lte=today + timedelta(days=tier), then=Value(tier)) for tier in reversed(TIERS)]
        near = self.granted().filter(~asked_again(), valid_until__gte=today, not_renewed_because="")
        near = near.annotate(tier_now=Case(*tiers, default=Value(0), output_field=models.IntegerField()))
        return near.filter(tier_now__gt=0).filter(Q(said_days=0) | Q(said_days__gt=F("tier_now")))

    def run_out(self) -> Self:
        """Those that are over by the calendar, and do not say so yet."""
        return self.filter(status__in=(*Authorisation.GRANTED, "exhausted"), valid_until__lt=days.today())


class Authorisation(Answers, Renewals, Units, Clock, Workflow):
    class Status(models.TextChoices):
        DRAFT = "draft", "Draft"
        SUBMITTED = "submitted", "Submitted"
        PENDING = "pending", "Pending"
        MORE_INFO = "more_info", "More information wanted"
        APPROVED = "approved", "Approved"
        PARTIAL = "partially_approved", "Partly approved"
        DENIED = "denied", "Denied"
        WITHDRAWN = "withdrawn", "Withdrawn"
        EXHAUSTED = "exhausted", "Used up"
        EXPIRED = "expired", "Expired"

    class Urgency(models.TextChoices):
        STANDARD = "standard", "Standard"
        URGENT = "urgent", "Urgent"

    ANSWERS: dict[str, str] = dict.fromkeys((Status.APPROVED, Status.PARTIAL, Status.DENIED, Status.WITHDRAWN), MANAGE)
    RUNS_OUT: dict[str, str] = {Status.EXHAUSTED: SYSTEM, Status.EXPIRED: SYSTEM, Status.WITHDRAWN: MANAGE}
    MOVES: Moves = {
        Status.DRAFT: {Status.SUBMITTED: MANAGE, Status.WITHDRAWN: MANAGE},
        Status.SUBMITTED: {Status.PENDING: MANAGE, Status.MORE_INFO: MANAGE, **ANSWERS},
        Status.PENDING: {Status.MORE_INFO: MANAGE, **ANSWERS},
        Status.MORE_INFO: {Status.PENDING: MANAGE, **ANSWERS},
        # Appealed, the insurer looks at it again.
        Status.DENIED: {Status.PENDING: MANAGE},
        Status.APPROVED: RUNS_OUT,
        Status.PARTIAL: RUNS_OUT,
        # Units that are given back open it again.
        Status.EXHAUSTED: {Status.APPROVED: SYSTEM, Status.PARTIAL: SYSTEM, Status.EXPIRED: SYSTEM},
    }
    UNDECIDED = (Status.DRAFT, Status.SUBMITTED, Status.PENDING, Status.MORE_INFO)
    GRANTED = (Status.APPROVED, Status.PARTIAL)
    CAME_TO_NOTHING = (Status.WITHDRAWN, Status.DENIED)
    ASKS_FOR_NOTHING = (Status.DRAFT, *CAME_TO_NOTHING)
    HAS_SAID_YES = (*GRANTED, Status.EXHAUSTED, Status.EXPIRED)

    serial = models.PositiveBigIntegerField(editable=False)
    patient = TenantKey("clinical.Patient", related_name="authorisations", editable=False)
    policy = TenantKey("clinical.Policy", related_name="authorisations")
    payer = TenantKey("clinical.Payer", related_name="authorisations", editable=False)
    visit = TenantKey("clinical.Visit", null=True, blank=True, related_name="authorisations", editable=False)
    encounter = TenantKey("clinical.Encounter", null=True, blank=True, related_name="authorisations", editable=False)
    status = models.CharField(max_length=18, choices=Status.choices, default=Status.DRAFT, editable=False)
    status_at = models.DateTimeField(default=timezone.now, editable=False)
    code = models.CharField(
        "code of the service",
        max_length=20,
        validators=[SERVICE],
        help_text="The code of the procedure, or its beginning and a star: 9692*.",
    )
    service = models.CharField(max_length=200, help_text="In words, as the insurer reads it.")
    diagnoses = models.CharField(max_length=120, blank=True, default="", help_text="Codes, such as L40.0.")
    units = models.DecimalField("units asked for", default=1, **AMOUNT)
    urgency = models.CharField(max_length=8, choices=Urgency.choices, default=Urgency.STANDARD)
    wanted_from = models.DateField("wanted from", null=True, blank=True)
    wanted_until = models.DateField("wanted until", null=True, blank=True)
    justification = models.TextField("medical reason", max_length=4000, blank=True, default="")
    doctor = models.ForeignKey(
        "hospital.Person", null=True, blank=True, on_delete=models.PROTECT, related_name="+", verbose_name="doctor"
    )
    requested_at = models.DateTimeField(default=timezone.now, editable=False)
    requested_by = by_person()
    submitted_at = moment()
    decided_at = moment()
    answer_by = models.DateField("answer expected by", null=True, blank=True, editable=False)
    payer_number = models.CharField(
        "number of the authorisation", max_length=50, blank=True, default="", editable=False
    )
    units_approved = models.DecimalField(max_digits=8, decimal_places=2, null=True, editable=False)
    valid_from = models.DateField(null=True, editable=False)
    valid_until = models.DateField(null=True, editable=False, help_text="The last day.")
    decision = models.CharField("what the insurer said", max_length=500, blank=True, default="", editable=False)
    appeal_level = models.PositiveSmallIntegerField(default=0, editable=False)
    appeal_until = models.DateField(null=True, editable=False, help_text="The last day for an appeal.")
    renews = TenantKey("self", null=True, related_name="renewals", editable=False)
    not_renewed_because = models.CharField(max_length=300, blank=True, default="", editable=False)
    said_days = models.PositiveSmallIntegerField(default=0, editable=False, help_text="Days before the end, last told.")

    objects: ClassVar = TenantManager.from_queryset(Authorisations)()

    class Meta(Workflow.Meta):
        ordering = ["-serial"]
        verbose_name = "prior authorisation"
        constraints = [
            models.UniqueConstraint(fields=["tenant", "serial"], name="authorisation_serial_once"),
            models.CheckConstraint(
                name="authorisation_in_order",
                condition=Q(valid_from=None) | Q(valid_until__gte=F("valid_from")),
            ),
            models.CheckConstraint(
                name="authorisation_granted_whole",
                condition=~Q(status__in=("approved", "partially_approved", "exhausted", "expired"))
                | Q(units_approved__gt=0, valid_from__isnull=False, valid_until__isnull=False) & ~Q(payer_number=""),
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "status", "valid_until"], name="authorisation_by_status"),
            models.Index(fields=["tenant", "patient", "payer", "valid_until"], name="authorisation_of_patient"),
        ]

    def __str__(self) -> str:
        return self.number

    def get_absolute_url(self) -> str:
        return reverse("billing:authorisation", args=[self.pk])

    @property
    def number(self) -> str:
        return f"PA-{self.serial:06}"

    @property
    def is_granted(self) -> bool:
        return self.status in self.GRANTED

    @property
    def has_said_yes(self) -> bool:
        return self.status in self.HAS_SAID_YES

    # --- asking -------------------------------------------------------------------------------

    @classmethod
    @transaction.atomic
    def request(cls, patient: Patient, policy: Policy, *, by: Person | None, **fields: Any) -> Self:
        """A draft: nobody outside knows of it yet."""
        allow(MANAGE, by)
        if policy.patient_id != patient.pk:
            raise Refused("This policy is another patient's.", status=422, field="policy")
        if policy.payer_id is None:
            sentence = f"{policy.insurer} is not in the list of insurers. Add it there, or choose another policy."
            raise Refused(sentence, status=422, field="policy")
        row = cls(patient=patient, policy=policy, payer_id=policy.payer_id, requested_by=by, **fields)
        row.serial = Counter.take("authorisation")
        row.start(by=by)
        row.note(by=by, words="Drafted", after=row.status)
        return row

    @transaction.atomic
    def amend(self, *, by: Person | None, **fields: Any) -> None:
        """Until it is submitted."""
        allow(MANAGE, by)
        self.lock()
        if self.status != self.Status.DRAFT:
            raise Refused(f"{self.number} is {self.get_status_display().lower()}. Only a draft is changed.")
        self.put(**fields)

    @transaction.atomic
    def go(self, status: str, *, by: Person | None, words: str = "", **fields: Any) -> None:
        """One step of the machine, its guards, and a line of the log that nobody changes."""
        from billing.authorisation_guards import check

        self.lock()
        before = self.status
        if status in self.MOVES.get(before, {}):
            check(self, status, fields)
        self.move_to(status, by=by, reason=words, status_at=timezone.now(), **fields)
        self.note(by=by, words=words, before=before, after=status)

    def note(self, *, by: Person | None, words: str, **fields: Any) -> AuthorisationNote:
        from billing.models.authorisation_parts import AuthorisationNote

        return AuthorisationNote.objects.create(authorisation=self, by=by, words=words, **fields)

    @transaction.atomic
    def write_down(self, *, by: Person | None, **said: Any) -> AuthorisationNote:
        """What was said to the insurer, or by it."""
        allow(MANAGE, by)
        self.lock()
        self.put()
        return self.note(by=by, **said)

    def put(self, **fields: Any) -> None:
        for name, value in fields.items():
            setattr(self, name, value)
        self.save(update_fields=list(fields))


@raw()
def covering(
    patient: Patient,
    payer: Payer,
    code: str,
    on: date,
    *,
    units: Decimal = Decimal(1),
    source: Any = None,
    number: str = "",
) -> Authorisation | None:
    """The authorisation (of this number) by which this service is granted on this day, with so many units left or used by this very source."""
    rows = Authorisation.objects.valid_on(on).filter(patient=patient, payer=payer).counted().order_by("valid_until")
    fitting = [row for row in rows if covers(row.code, code) and number in ("", row.payer_number)]
    if source is not None:
        for row in fitting:
            if row.uses.filter(source=source, reverses=None, reversals=None).exists():
                return row
    return next((row for row in fitting if row.left >= units), None)
