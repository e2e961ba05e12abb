"""What a note begins with: its sections in order, and the quick texts that fill them."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.core.validators import RegexValidator
from django.db import models

from hospital.tenancy import EditableModel, TenantKey, TenantManager

if TYPE_CHECKING:
    from hospital.models import Person

key_shape = RegexValidator(r"\A[a-z][a-z0-9_]{0,29}\Z", "Use small letters, digits and underlines.")
code_shape = RegexValidator(r"\A[a-z0-9][a-z0-9_-]{0,29}\Z", "Use small letters, digits and hyphens, without a space.")


class Kind(models.TextChoices):
    CONSULTATION = "consultation", "Consultation"
    FOLLOW_UP = "follow_up", "Follow-up"
    PROCEDURE = "procedure", "Procedure"


class Shape(models.TextChoices):
    """How a section is written."""

    TEXT = "text", "Text"
    LINE = "line", "One line"
    CHOICE = "choice", "A choice"


class NoteTemplate(EditableModel):
    key = models.CharField(max_length=30, validators=[key_shape])
    name = models.CharField(max_length=60)
    specialty = models.CharField(max_length=60, blank=True, default="")
    kind = models.CharField(max_length=12, choices=Kind.choices, default=Kind.CONSULTATION)
    has_body_map = models.BooleanField("body map", default=False)
    position = models.PositiveSmallIntegerField(default=0)
    is_active = models.BooleanField(default=True)

    class Meta(EditableModel.Meta):
        ordering = ["position", "name"]
        constraints = [models.UniqueConstraint(fields=["tenant", "key"], name="note_template_once")]

    def __str__(self) -> str:
        return self.name


class NoteSection(EditableModel):
    template = TenantKey(NoteTemplate, on_delete=models.CASCADE, related_name="sections")
    key = models.CharField(max_length=30, validators=[key_shape])
    title = models.CharField(max_length=60)
    hint = models.CharField(max_length=200, blank=True, default="")
    shape = models.CharField(max_length=6, choices=Shape.choices, default=Shape.TEXT)
    choices = ArrayField(
        models.CharField(max_length=80), default=list, blank=True, help_text="For a choice, with commas between them."
    )
    begins_with = models.TextField(blank=True, default="", help_text="What stands there before anything is typed.")
    position = models.PositiveSmallIntegerField(default=0)

    class Meta(EditableModel.Meta):
        ordering = ["position", "id"]
        constraints = [models.UniqueConstraint(fields=["tenant", "template", "key"], name="note_section_once")]

    def __str__(self) -> str:
        return self.title


class QuickTexts(models.QuerySet):
    def for_person(self, person: Person) -> QuickTexts:
        """The house's and one's own; one's own goes before the house's of the same code."""
        mine = models.Q(person=person) | models.Q(person=None)
        return self.filter(mine).order_by("code", models.F("person_id").asc(nulls_last=True))


class QuickText(EditableModel):
    """A few letters that stand for a sentence: `.normal` is typed, or chosen."""

    person = models.ForeignKey(
        "hospital.Person",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="Whose it is. Nobody's is everybody's.",
    )
    code = models.CharField(max_length=30, validators=[code_shape])
    text = models.TextField(max_length=4000)

    objects: ClassVar = TenantManager.from_queryset(QuickTexts)()

    class Meta(EditableModel.Meta):
        ordering = ["code"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "person", "code"], name="quick_text_once", nulls_distinct=False)
        ]

    def __str__(self) -> str:
        return f".{self.code}"
