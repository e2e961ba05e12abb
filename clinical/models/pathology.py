"""What a pathologist can find, as a table of the house: coded, with what it means and what follows. Each change is a version."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, cast
from uuid import UUID

from django.core.validators import RegexValidator
from django.db import models, transaction
from django.utils import timezone

from clinical.models.biopsy import Malignancy
from clinical.models.lab_result import by_person
from hospital.tenancy import EditableModel, TenantKey, TenantManager, TenantModel
from hospital.workflow import Refused, allow, needs

if TYPE_CHECKING:
    from hospital.models import Person

MANAGE = "clinical.manage_biopsy"
LEVELS = [choice for choice in Malignancy.choices if choice[0]]
# The lower, the graver: a list and a review ask which of two is worse.
GRAVITY: dict[str, int] = {
    Malignancy.MALIGNANT: 0,
    Malignancy.PRE_MALIGNANT: 1,
    Malignancy.UNCERTAIN: 2,
    Malignancy.BENIGN: 3,
    Malignancy.NONE: 4,
}
code_shape = RegexValidator(r"\A[A-Z0-9][A-Z0-9-]{0,19}\Z", "Use capital letters, digits and hyphens.")
morphology_shape = RegexValidator(r"\A[0-9]{4}/[0-9]\Z", "Write it as 8720/3.")


class FollowUp(models.TextChoices):
    NONE = "none", "Nothing more is needed"
    OBSERVE = "observe", "Watch, and look again"
    TREAT = "treat", "Treat without an operation"
    EXCISE = "excise", "Excise, or excise again"
    MOHS = "mohs", "Micrographic surgery"
    ONCOLOGY = "oncology", "Refer to oncology"
    AGAIN = "again", "Take another biopsy"
    OTHER = "other", "Something else"


class Meaning(models.Model):
    """What a code says: of the code now, and of each version that it had."""

    name = models.CharField("diagnosis", max_length=160)
    malignancy = models.CharField("level", max_length=13, choices=LEVELS)
    follow_up = models.CharField("usually follows", max_length=8, choices=FollowUp.choices, default=FollowUp.NONE)
    icd10 = models.CharField("ICD-10-CM", max_length=10, blank=True, default="")
    morphology = models.CharField(
        "morphology in ICD-O-3", max_length=6, blank=True, default="", validators=[morphology_shape]
    )

    class Meta:
        abstract = True


MEANING = tuple(column.name for column in Meaning._meta.local_fields)


class PathologyCodes(models.QuerySet):
    def offered(self) -> PathologyCodes:
        return self.filter(is_active=True)

    def by_coding(self, code: str) -> PathologyCode | None:
        """The one that a morphology or a code of ICD-10-CM names, if it names one only."""
        found = list(self.offered().filter(models.Q(morphology=code) | models.Q(icd10=code))[:2]) if code else []
        return found[0] if len(found) == 1 else None


class PathologyCode(Meaning, EditableModel):
    code = models.CharField(max_length=20, validators=[code_shape])
    is_active = models.BooleanField("offered", default=True)
    current = TenantKey("clinical.PathologyCodeVersion", null=True, editable=False, related_name="+")

    objects: ClassVar = TenantManager.from_queryset(PathologyCodes)()

    class Meta(EditableModel.Meta):
        ordering = ["name", "code"]
        verbose_name = "diagnosis of pathology"
        verbose_name_plural = "diagnoses of pathology"
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "code"],
                name="pathology_code_once",
                violation_error_message="There is a diagnosis with this code already.",
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def meaning(self) -> PathologyCodeVersion:
        """What it means now: a report and a review keep this version."""
        return self.versions.get(pk=cast(UUID, self.current_id))

    @property
    def is_malignant(self) -> bool:
        return self.malignancy == Malignancy.MALIGNANT

    @classmethod
    @transaction.atomic
    def add(cls, *, by: Person | None, reason: str = "Added", **fields: Any) -> PathologyCode:
        allow(MANAGE, by)
        row = cls(**fields)
        row.save(force_insert=True)
        row._new_version(reason, by)
        return row

    @transaction.atomic
    def revise(self, *, by: Person | None, reason: str, **fields: Any) -> None:
        """From now on it means this. Reports keep the version that they were coded with."""
        allow(MANAGE, by)
        why = needs(reason, "Say why the diagnosis is changed.")
        self.lock()
        changed = [name for name, value in fields.items() if getattr(self, name) != value]
        if not changed:
            raise Refused("Nothing is changed.", status=422)
        for name in changed:
            setattr(self, name, fields[name])
        self.save(update_fields=changed)
        self._new_version(why, by)

    def _new_version(self, reason: str, by: Person | None) -> None:
        self.current = PathologyCodeVersion.objects.create(
            of=self,
            number=self.versions.count() + 1,
            code=self.code,
            is_active=self.is_active,
            reason=reason,
            made_by=by,
            **{name: getattr(self, name) for name in MEANING},
        )
        self.save(update_fields=["current"])


class PathologyCodeVersion(Meaning, TenantModel):
    """What a code meant from then on. A row never changes."""

    of = TenantKey(PathologyCode, related_name="versions")
    number = models.PositiveIntegerField()
    code = models.CharField(max_length=20)
    is_active = models.BooleanField(default=True)
    reason = models.CharField(max_length=200)
    made_by = by_person()
    made_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(TenantModel.Meta):
        ordering = ["of", "-number"]
        verbose_name = "version of a diagnosis"
        verbose_name_plural = "versions of diagnoses"
        constraints = [
            models.UniqueConstraint(fields=["tenant", "of", "number"], name="pathology_version_once"),
        ]

    def __str__(self) -> str:
        return f"{self.name}, version {self.number}"
