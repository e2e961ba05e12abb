"""What a note consists of, beside its words: lesions, the plan, and the diagnoses as they were when it was signed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction
from django.utils import timezone

from clinical.body_sites import SITES, Laterality, Site
from clinical.models.diagnosis import Diagnosis
from clinical.models.note_template import NoteSection, Shape
from hospital.seals import raw
from hospital.tenancy import EditableModel, TenantKey

if TYPE_CHECKING:
    from clinical.models.encounter import Encounter
    from hospital.models import Person

LONGEST = 20_000


class EncounterSection(EditableModel):
    encounter = TenantKey("clinical.Encounter", related_name="sections")
    key = models.CharField(max_length=30)
    title = models.CharField(max_length=60)
    hint = models.CharField(max_length=200, blank=True, default="")
    shape = models.CharField(max_length=6, choices=Shape.choices, default=Shape.TEXT)
    choices = ArrayField(models.CharField(max_length=80), default=list, blank=True)
    text = models.TextField(max_length=LONGEST, blank=True, default="")
    position = models.PositiveSmallIntegerField(default=0)
    written_by = models.ForeignKey("hospital.Person", null=True, on_delete=models.PROTECT, related_name="+")
    written_at = models.DateTimeField(null=True)

    class Meta(EditableModel.Meta):
        ordering = ["position", "id"]
        constraints = [models.UniqueConstraint(fields=["tenant", "encounter", "key"], name="encounter_section_once")]

    def __str__(self) -> str:
        return self.title

    @classmethod
    def from_template(cls, note: Encounter, section: NoteSection, position: int) -> EncounterSection:
        names = ("key", "title", "hint", "shape", "choices")
        same = {name: getattr(section, name) for name in names}
        return cls.objects.create(encounter=note, position=position, text=section.begins_with, **same)

    def rewrite(self, text: str, *, by: Person) -> None:
        self.text, self.written_by, self.written_at = text, by, timezone.now()
        self.save(update_fields=["text", "written_by", "written_at"])


class Unmerged(EditableModel):
    """What somebody typed into a section that somebody else changed meanwhile, until a choice is made."""

    section = TenantKey(EncounterSection, related_name="unmerged")
    person = models.ForeignKey("hospital.Person", on_delete=models.PROTECT, related_name="+")
    text = models.TextField(max_length=LONGEST, blank=True, default="")
    opened = models.TextField(blank=True, default="", help_text="What stood there before either typed.")

    class Meta(EditableModel.Meta):
        verbose_name = "text not merged"
        verbose_name_plural = "texts not merged"
        constraints = [models.UniqueConstraint(fields=["tenant", "section", "person"], name="unmerged_once")]

    def __str__(self) -> str:
        return f"{self.section} by {self.person}"


class PlanItem(EditableModel):
    encounter = TenantKey("clinical.Encounter", related_name="plan_items")
    text = models.CharField("what", max_length=250)
    due_on = models.DateField("by", null=True, blank=True)
    who = models.CharField(max_length=80, blank=True, default="")
    position = models.PositiveSmallIntegerField(default=0, editable=False)

    class Meta(EditableModel.Meta):
        ordering = ["position", "id"]

    def __str__(self) -> str:
        return self.text

    @classmethod
    @transaction.atomic
    def put(cls, note: Encounter, *, by: Person, **fields: Any) -> PlanItem:
        note.lock_open(by)
        item = cls.objects.create(encounter=note, position=next_of(note.plan_items, "position"), **fields)
        note.changed(by=by)
        return item

    @transaction.atomic
    def remove(self, *, by: Person) -> None:
        self.encounter.lock_open(by)
        self.delete()
        self.encounter.changed(by=by)


class Lesion(EditableModel):
    """Something seen on the skin, at a place of the body map."""

    class Kind(models.TextChoices):
        MACULE = "macule", "Macule"
        PATCH = "patch", "Patch"
        PAPULE = "papule", "Papule"
        PLAQUE = "plaque", "Plaque"
        NODULE = "nodule", "Nodule"
        VESICLE = "vesicle", "Vesicle or bulla"
        PUSTULE = "pustule", "Pustule"
        WHEAL = "wheal", "Wheal"
        ULCER = "ulcer", "Ulcer or erosion"
        NAEVUS = "naevus", "Naevus"
        CYST = "cyst", "Cyst"
        SCAR = "scar", "Scar"
        OTHER = "other", "Other"

    encounter = TenantKey("clinical.Encounter", related_name="lesions", editable=False)
    number = models.PositiveSmallIntegerField(editable=False)
    site = models.CharField(max_length=40, choices=[(code, site.name) for code, site in SITES.items()])
    laterality = models.CharField(max_length=7, choices=Laterality.choices, default=Laterality.NONE, blank=True)
    kind = models.CharField("type", max_length=8, choices=Kind.choices)
    size_mm = models.DecimalField(
        "size in mm",
        max_digits=5,
        decimal_places=1,
        null=True,
        blank=True,
        validators=[MinValueValidator(0), MaxValueValidator(2000)],
    )
    description = models.TextField(max_length=2000, blank=True, default="")
    x = models.DecimalField(max_digits=5, decimal_places=1, editable=False)
    y = models.DecimalField(max_digits=5, decimal_places=1, editable=False)
    photo = TenantKey("clinical.Document", null=True, blank=True, related_name="+")

    class Meta(EditableModel.Meta):
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["tenant", "encounter", "number"], name="lesion_number_once")]

    def __str__(self) -> str:
        return f"{self.number}. {self.get_kind_display()}, {self.where}"

    @property
    def at(self) -> Site:
        return SITES[self.site]

    @property
    def where(self) -> str:
        return self.at.in_words(self.laterality)

    @classmethod
    @transaction.atomic
    def put(cls, note: Encounter, *, by: Person, **fields: Any) -> Lesion:
        note.lock_open(by)
        lesion = cls.objects.create(encounter=note, number=next_of(note.lesions, "number"), **fields)
        note.changed(by=by)
        return lesion

    @transaction.atomic
    def change(self, *, by: Person, **fields: Any) -> None:
        self.encounter.lock_open(by)
        for name, value in fields.items():
            setattr(self, name, value)
        self.save(update_fields=list(fields))
        self.encounter.changed(by=by)

    @transaction.atomic
    def remove(self, *, by: Person) -> None:
        """The others keep their numbers: they may stand on a photo, or on a jar."""
        self.encounter.lock_open(by)
        self.delete()
        self.encounter.changed(by=by)


class DiagnosisSnapshot(EditableModel):
    """A diagnosis of the visit as it stood when the note was signed."""

    encounter = TenantKey("clinical.Encounter", related_name="diagnosis_snapshots")
    position = models.PositiveSmallIntegerField()
    code = models.CharField(max_length=10)
    title = models.CharField(max_length=250)
    certainty = models.CharField(max_length=10, choices=Diagnosis.Certainty.choices)
    is_primary = models.BooleanField(default=False)
    note = models.TextField(blank=True, default="")

    class Meta(EditableModel.Meta):
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["tenant", "encounter", "position"], name="snapshot_once")]

    def __str__(self) -> str:
        return f"{self.code} {self.title}"

    @classmethod
    @raw()
    def take(cls, note: Encounter) -> None:
        names = ("code", "title", "certainty", "is_primary", "note")
        for position, row in enumerate(note.visit.diagnoses.standing()):
            same = {name: getattr(row, name) for name in names}
            cls.objects.create(encounter=note, position=position, **same)


def next_of(rows: Any, name: str) -> int:
    return (rows.aggregate(last=models.Max(name))["last"] or 0) + 1
