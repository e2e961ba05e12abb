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
from clinical.models.history import OfChart
from clinical.models.patient import Patient
from hospital.context import current
from hospital.tenancy import EditableModel, TenantKey, TenantManager, TenantModel
from hospital.workflow import Refused, allow

if TYPE_CHECKING:
    from hospital.models import Person

INSURANCE = "clinical.manage_insurance"
USUALLY_GOOD_FOR = timedelta(days=30)


class Policies(models.QuerySet):
    def in_use(self) -> Self:
        return self.filter(is_active=True)


class Policy(OfChart, EditableModel):
    """An insurance policy of a patient. It is verified for a time; what identifies it makes it unverified when it changes."""

    class Order(models.IntegerChoices):
        PRIMARY = 1, "Primary"
        SECONDARY = 2, "Secondary"

    class Holder(models.TextChoices):
        SELF = "self", "The patient"
        SPOUSE = "spouse", "Spouse or partner"
        PARENT = "parent", "Parent"
        OTHER = "other", "Somebody else"

    IDENTITY = frozenset(("insurer", "member_number", "group_number", "valid_from", "valid_until", "is_active"))

    patient = TenantKey("clinical.Patient", related_name="policies")
    order = models.PositiveSmallIntegerField("pays", choices=Order.choices, default=Order.PRIMARY)
    insurer = models.CharField(max_length=120)
    member_number = models.CharField(max_length=60)
    group_number = models.CharField(max_length=60, blank=True)
    holder_relation = models.CharField(
        "policy holder", max_length=6, choices=Holder.choices, default=Holder.SELF, help_text="Who is insured by it."
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
                violation_error_message="Another policy in use has this place. Take that one out of use first.",
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

    @transaction.atomic
    def verify(self, *, by: Person | None, until: date) -> None:
        """The insurer was asked, and said that it pays until then."""
        allow(INSURANCE, by)
        self.lock()
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
        self.lock()  # whether it is another number is asked of the row as it is now
        if self.IDENTITY & {name for name, value in fields.items() if getattr(self, name) != value}:
            fields |= {"verified_at": None, "verified_by": None, "verified_until": None}
        super().change(by=by, **fields)


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
