"""Who pays for a patient, and what reception asked and was told: policies, and what was confirmed at the desk."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Self

from django.core.validators import MinValueValidator, RegexValidator
from django.db import models, transaction
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone

from clinical import days
from clinical.models.of_chart import OfChart
from clinical.models.patient import Patient
from clinical.models.payer import Payer
from hospital.context import current
from hospital.tenancy import EditableModel, TenantKey, TenantManager, TenantModel
from hospital.workflow import Refused, allow

if TYPE_CHECKING:
    from hospital.models import Person

INSURANCE = "clinical.manage_insurance"
TAKEN = "Another policy in use has this place. Take that one out of use first."
USUALLY_GOOD_FOR = timedelta(days=30)


class Policies(models.QuerySet):
    def in_use(self) -> Self:
        return self.filter(is_active=True)

    def paying(self, patient: Patient, day: date) -> Self:
        """Those that pay for what is done on this day, in the order in which they do."""
        begun = Q(valid_from=None) | Q(valid_from__lte=day)
        lasts = Q(valid_until=None) | Q(valid_until__gte=day)
        return self.in_use().filter(begun, lasts, patient=patient).order_by("order")


class Policy(OfChart, EditableModel):
    """An insurance policy of a patient. It is verified for a time; what identifies it makes it unverified when it changes."""

    class Order(models.IntegerChoices):
        PRIMARY = 1, "Primary"
        SECONDARY = 2, "Secondary"
        TERTIARY = 3, "Tertiary"

    class Holder(models.TextChoices):
        SELF = "self", "The patient"
        SPOUSE = "spouse", "Spouse or partner"
        PARENT = "parent", "Parent"
        OTHER = "other", "Somebody else"

    class HolderSex(models.TextChoices):
        UNSAID = "", "Not said"
        FEMALE = "female", "Female"
        MALE = "male", "Male"

    HOLDER = ("holder_relation", "holder_given_name", "holder_family_name", "holder_birth_date")
    IDENTITY = frozenset(
        ("insurer", "member_number", "group_number", "valid_from", "valid_until", "is_active", *HOLDER)
    )

    patient = TenantKey("clinical.Patient", related_name="policies")
    order = models.PositiveSmallIntegerField("pays", choices=Order.choices, default=Order.PRIMARY)
    insurer = models.CharField(max_length=120)
    payer = TenantKey("clinical.Payer", related_name="policies", null=True, blank=True, editable=False)
    member_number = models.CharField(max_length=60)
    group_number = models.CharField(max_length=60, blank=True)
    holder_relation = models.CharField(
        "policy holder", max_length=6, choices=Holder.choices, default=Holder.SELF, help_text="Who is insured by it."
    )
    holder_given_name = models.CharField("first name of the holder", max_length=80, blank=True, default="")
    holder_family_name = models.CharField("family name of the holder", max_length=80, blank=True, default="")
    holder_birth_date = models.DateField("birth of the holder", null=True, blank=True)
    holder_sex = models.CharField(
        "sex of the holder", max_length=6, choices=HolderSex.choices, blank=True, default=HolderSex.UNSAID
    )
    copay = models.DecimalField(
        max_digits=10,
        decimal_places=2,
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
        help_text="What the patient pays at each visit.",
    )
    currency = models.CharField(
        max_length=3, editable=False, validators=[RegexValidator(r"\A[A-Z]{3}\Z")], help_text="Of the copay."
    )
    valid_from = models.DateField(null=True, blank=True)
    valid_until = models.DateField("valid until", null=True, blank=True, help_text="The last day.")
    is_active = models.BooleanField("in use", default=True)
    verified_at = models.DateTimeField(null=True, editable=False)
    verified_by = models.ForeignKey(
        "hospital.Person", null=True, on_delete=models.PROTECT, related_name="+", editable=False
    )
    verified_until = models.DateField(null=True, editable=False, help_text="The last day on which it counts.")
    recorded_by = models.ForeignKey(
        "hospital.Person", null=True, on_delete=models.PROTECT, related_name="+", editable=False
    )

    objects: ClassVar = TenantManager.from_queryset(Policies)()

    class Meta(EditableModel.Meta):
        ordering = ["-is_active", "order", "-created_at"]
        verbose_name_plural = "policies"
        constraints = [
            models.CheckConstraint(
                condition=Q(valid_from=None) | Q(valid_until=None) | Q(valid_until__gte=F("valid_from")),
                name="policy_valid_in_order",
                violation_error_message="The last day must not be before the first.",
            ),
            models.CheckConstraint(condition=Q(copay=None) | Q(copay__gte=0), name="policy_copay_not_negative"),
            models.UniqueConstraint(
                fields=["tenant", "patient", "order"],
                condition=Q(is_active=True),
                name="policy_order_once",
                violation_error_message=TAKEN,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.insurer}, {self.member_number}"

    def get_absolute_url(self) -> str:
        return f"{reverse('clinical:patient', args=[self.patient_id])}#insurance"

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.currency = self.currency or current().tenant.currency
        super().save(*args, **kwargs)

    @property
    def is_verified(self) -> bool:
        """Today."""
        return self.is_active and self.verified_until is not None and self.verified_until >= days.today()

    @property
    def has_begun(self) -> bool:
        return self.valid_from is None or self.valid_from <= days.today()

    @property
    def has_run_out(self) -> bool:
        return self.valid_until is not None and self.valid_until < days.today()

    @property
    def good_until(self) -> date:
        """How far a verification of today reaches, unless the insurer says otherwise."""
        usual = days.today() + USUALLY_GOOD_FOR
        return min(usual, self.valid_until) if self.valid_until else usual

    @classmethod
    @transaction.atomic
    def record(cls, patient: Patient, *, by: Person | None, **fields: Any) -> Self:
        patient.lock()
        cls(patient=patient)._refuse_twin(fields.get("order", cls.Order.PRIMARY), fields.get("is_active", True))
        fields["payer"] = Payer.objects.named(fields.get("insurer", ""))
        return super().record(patient, by=by, **fields)

    @transaction.atomic
    def verify(self, *, by: Person | None, until: date, seen: int | None = None) -> None:
        """The insurer was asked, and said that it pays until then. `seen` is the version that was on the screen."""
        allow(INSURANCE, by)
        self.lock()
        if seen not in (None, self.version):
            raise Refused(
                "Somebody changed the policy meanwhile. Look at it again: the insurer was asked about another one."
            )
        if not self.is_active:
            raise Refused("This policy is not in use any more. Choose the one that is.")
        if until < days.today():
            raise Refused("This day has passed. Write until when the insurer pays.", status=422, field="until")
        if self.valid_from is not None and not self.has_begun:
            first = f"{self.valid_from:%-d %b %Y}"
            raise Refused(f"The policy begins on {first}. Until then it cannot be verified.", status=422, field="until")
        if self.valid_until is not None and until > self.valid_until:
            last = f"{self.valid_until:%-d %b %Y}"
            raise Refused(f"The policy ends on {last}. It cannot be verified beyond that.", status=422, field="until")
        self.verified_at, self.verified_by, self.verified_until = timezone.now(), by, until
        self.save(update_fields=["verified_at", "verified_by", "verified_until"])

    @transaction.atomic
    def change(self, *, by: Person | None, **fields: Any) -> None:
        """Another number or other days: the insurer must be asked again."""
        self.patient.lock()
        self.lock()  # whether it is another number is asked of the row as it is now
        self._refuse_twin(fields.get("order", self.order), fields.get("is_active", self.is_active))
        if self.IDENTITY & {name for name, value in fields.items() if getattr(self, name) != value}:
            fields |= {"verified_at": None, "verified_by": None, "verified_until": None}
        if "insurer" in fields:
            fields["payer"] = Payer.objects.named(fields["insurer"])
        super().change(by=by, **fields)

    @transaction.atomic
    def pay_first(self, *, by: Person | None) -> None:
        """The others in use follow in the order that they have. Who pays when says nothing of whether it is verified."""
        allow(INSURANCE, by)
        self.patient.lock()
        rows = list(type(self).objects.in_use().filter(patient=self.patient_id).order_by("order").select_for_update())
        if self.pk not in {row.pk for row in rows}:
            raise Refused("This policy is not in use any more. Choose the one that is.")
        rows.sort(key=lambda row: (row.pk != self.pk, row.order))
        moved = [(row, place) for place, row in enumerate(rows, start=1) if row.order != place]
        for active in (False, True):  # two at one place are refused at any moment
            for row, place in moved:
                row.order, row.is_active = place, active
                row.save(update_fields=["order", "is_active"])
        self.refresh_from_db()
        self.patient.touch()

    def _refuse_twin(self, order: int, is_active: bool) -> None:
        """The caller holds the patient, so no colleague takes the place meanwhile."""
        others = self.patient.policies.in_use().filter(order=order).exclude(pk=self.pk)
        if is_active and others.exists():
            raise Refused(TAKEN, status=422, field="order")


class Confirmation(TenantModel):
    """The patient was asked at the desk, and said so. Never changed; the newest counts."""

    class What(models.TextChoices):
        DETAILS = "details", "Name, date of birth, address and telephone"
        NO_INSURANCE = "no_insurance", "No insurance"

    patient = TenantKey("clinical.Patient", related_name="confirmations")
    what = models.CharField(max_length=12, choices=What.choices)
    at = models.DateTimeField(default=timezone.now, editable=False)
    by = models.ForeignKey("hospital.Person", null=True, on_delete=models.PROTECT, related_name="+", editable=False)

    class Meta(TenantModel.Meta):
        ordering = ["-at", "-id"]
        indexes = [models.Index(fields=["tenant", "patient", "-at"], name="confirmation_of_patient")]

    def __str__(self) -> str:
        return f"{self.get_what_display()}, {self.at:%Y-%m-%d}"

    @classmethod
    def record(cls, patient: Patient, what: str, *, by: Person | None) -> Self:
        allow("clinical.register_patient", by)
        row = cls(patient=patient, what=what, by=by)
        row.save(force_insert=True)
        return row

    @classmethod
    def last(cls, patient: Patient) -> dict[str, Self]:
        """The newest of each kind."""
        rows = cls.objects.filter(patient=patient).select_related("by").order_by("what", "-at", "-id").distinct("what")
        return {row.what: row for row in rows}
