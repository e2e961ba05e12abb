"""What a claim says: lines that can be changed until it is made ready; from then on the database keeps every word of it."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from billing.models.claim_batch import ClaimBatch
from billing.models.procedure_code import CODE, MODIFIER, MOST_MODIFIERS
from billing.x12.claim import ORIGINAL, REPLACEMENT, VOID
from clinical.models.code import dotted
from hospital.tenancy import EditableModel, TenantKey, TenantManager, TenantModel

MOST_POINTERS, MOST_DIAGNOSES = 4, 12


class ClaimVersion(EditableModel):
    """One wording of a claim. `content` is all that the 837P says of it, `x12` the very segments that were sent."""

    class Frequency(models.TextChoices):
        ORIGINAL = ORIGINAL, "Original"
        REPLACEMENT = REPLACEMENT, "Replacement"
        VOID = VOID, "Void"

    class Place(models.TextChoices):
        TELEHEALTH_HOME = "10", "Video, patient at home"
        OFFICE = "11", "Office"
        HOME = "12", "Patient's home"
        OUTPATIENT = "22", "Hospital, outpatient"
        EMERGENCY = "23", "Emergency room"
        LABORATORY = "81", "Independent laboratory"

    class Delay(models.TextChoices):
        """Why a payer gets it after its last day of filing (CLM20)."""

        ELIGIBILITY_UNKNOWN = "1", "Nobody could prove the insurance before"
        LITIGATION = "2", "A lawsuit"
        AUTHORISATION = "3", "The authorisation came late"
        CERTIFYING = "4", "The provider was admitted late"
        FORMS = "5", "The forms for billing came late"
        APPLIANCE = "6", "A custom-made appliance came late"
        THIRD_PARTY = "7", "A third party took long"
        ELIGIBILITY = "8", "The payer decided late about the insurance"
        REJECTED = "9", "The first claim was rejected or denied, and not for its time of filing"
        APPROVAL = "10", "The payer took long to approve the service"
        OTHER = "11", "Another reason"
        DISASTER = "15", "A natural disaster"

    claim = TenantKey("billing.Claim", related_name="versions", editable=False)
    number = models.PositiveSmallIntegerField(editable=False)
    frequency = models.CharField(max_length=1, choices=Frequency.choices, default=ORIGINAL, editable=False)
    why = models.CharField(max_length=200, blank=True, default="", editable=False, help_text="Why there is another.")
    diagnoses = ArrayField(models.CharField(max_length=8), size=MOST_DIAGNOSES, default=list)
    place = models.CharField("place of service", max_length=2, choices=Place.choices, default=Place.OFFICE)
    note = models.CharField("note to the payer", max_length=80, blank=True, default="")
    delay = models.CharField("why it is filed late", max_length=2, choices=Delay.choices, blank=True, default="")
    frozen_at = models.DateTimeField(null=True, editable=False)
    frozen_by = models.ForeignKey(
        "hospital.Person", on_delete=models.PROTECT, null=True, related_name="+", editable=False
    )
    content = models.JSONField(null=True, editable=False)
    sha256 = models.CharField(max_length=64, blank=True, default="", editable=False)
    batch = TenantKey(ClaimBatch, null=True, related_name="versions", editable=False)
    x12 = models.TextField(blank=True, default="", editable=False)
    submitted_at = models.DateTimeField(null=True, editable=False)

    objects: ClassVar = TenantManager()

    class Meta(EditableModel.Meta):
        ordering = ["claim", "number"]
        verbose_name = "version of a claim"
        verbose_name_plural = "versions of claims"
        constraints = [
            models.UniqueConstraint(fields=["tenant", "claim", "number"], name="claim_version_once"),
            models.CheckConstraint(
                condition=models.Q(frozen_at=None, content__isnull=True, sha256="")
                | models.Q(frozen_at__isnull=False, content__isnull=False) & ~models.Q(sha256=""),
                name="claim_version_frozen_whole",
            ),
            models.CheckConstraint(
                condition=models.Q(submitted_at=None, x12="")
                | models.Q(submitted_at__isnull=False, frozen_at__isnull=False) & ~models.Q(x12=""),
                name="claim_version_sent_whole",
            ),
        ]

    def __str__(self) -> str:
        return self.control_number

    @property
    def dotted(self) -> list[str]:
        """The diagnoses as people write them."""
        return [dotted(code) for code in self.diagnoses]

    @property
    def control_number(self) -> str:
        """What the payer gives back with every answer (CLM01)."""
        return f"{self.claim.number}-{self.number}"

    @property
    def is_frozen(self) -> bool:
        return self.frozen_at is not None

    @property
    def corrects(self) -> bool:
        return self.frequency != ORIGINAL


class ClaimLine(EditableModel):
    """One charge on a claim. `pointers` are numbers of the version's diagnoses, from one."""

    claim_version = TenantKey(ClaimVersion, related_name="lines", editable=False)
    position = models.PositiveSmallIntegerField(editable=False)
    charge = TenantKey("billing.Charge", related_name="claim_lines", editable=False)
    procedure = models.CharField("CPT or HCPCS", max_length=5, blank=True, validators=[CODE])
    modifiers = ArrayField(
        models.CharField(max_length=2, validators=[MODIFIER]), size=MOST_MODIFIERS, default=list, blank=True
    )
    units = models.DecimalField(max_digits=8, decimal_places=2)
    amount = models.DecimalField(max_digits=12, decimal_places=2, editable=False)
    pointers = ArrayField(models.PositiveSmallIntegerField(), size=MOST_POINTERS, default=list, blank=True)
    service_on = models.DateField(editable=False)
    authorisation = models.CharField("authorisation", max_length=50, blank=True, default="")

    class Meta(EditableModel.Meta):
        ordering = ["claim_version", "position"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "claim_version", "position"], name="claim_line_once"),
            models.UniqueConstraint(fields=["tenant", "claim_version", "charge"], name="claim_line_charge_once"),
            models.CheckConstraint(condition=models.Q(units__gt=0, amount__gte=0), name="claim_line_is_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.procedure} of {self.claim_version}"

    @property
    def control_number(self) -> str:
        """What the remittance names the line by (REF 6R)."""
        return f"{self.claim_version.control_number}-{self.position}"


class ScrubFinding(TenantModel):
    """What a rule found in a version. Errors hold the claim back, warnings do not."""

    class Level(models.TextChoices):
        ERROR = "error", "Error"
        WARNING = "warning", "Warning"

    in_the_clear: ClassVar[tuple[str, ...]] = ("rule",)

    claim_version = TenantKey(ClaimVersion, related_name="findings")
    line = TenantKey(ClaimLine, null=True, related_name="findings")
    rule = models.CharField(max_length=40)
    level = models.CharField(max_length=7, choices=Level.choices)
    text = models.CharField(max_length=300)
    remedy = models.CharField(max_length=300)
    found_at = models.DateTimeField(default=timezone.now)

    class Meta(TenantModel.Meta):
        ordering = ["level", "line__position", "id"]

    def __str__(self) -> str:
        return self.text

    @property
    def is_error(self) -> bool:
        return self.level == self.Level.ERROR


def untouched(version: ClaimVersion) -> dict[str, Any]:
    """What another version of the same claim begins with."""
    return {name: getattr(version, name) for name in ("diagnoses", "place", "note", "delay")}
