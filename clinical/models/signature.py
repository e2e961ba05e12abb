"""Who stands for a note, with which words exactly: signatures over canonical text, and addenda.

The canonical text (docs/encounters.md) is JSON with sorted keys and no spaces. It is stored beside its SHA-256, so that
it can be read in a hundred years without this program; `is_intact` also compares it with the rows that are shown.
"""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.db import models
from django.utils import timezone

from clinical.models.encounter_parts import next_of
from clinical.together import rows_of
from hospital.seals import raw
from hospital.tenancy import EditableModel, TenantKey, TenantModel

if TYPE_CHECKING:
    from clinical.models.encounter import Encounter
    from hospital.models import Person

# What is signed now. The first one did not speak of the title.
FORMAT, UNTITLED = "encounter-note/2", "encounter-note/1"


class Meaning(models.TextChoices):
    AUTHOR = "author", "Author"
    COSIGNER = "cosigner", "Co-signer"
    REVIEWER = "reviewer", "Reviewer"


class Addendum(TenantModel):
    """Later words to a signed note. Never changed: the next one corrects it."""

    encounter = TenantKey("clinical.Encounter", related_name="addenda")
    number = models.PositiveSmallIntegerField()
    text = models.TextField(max_length=20_000)
    author = models.ForeignKey("hospital.Person", on_delete=models.PROTECT, related_name="+")
    written_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        verbose_name_plural = "addenda"
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["tenant", "encounter", "number"], name="addendum_once")]

    def __str__(self) -> str:
        return f"Addendum {self.number}"

    @classmethod
    def put(cls, note: Encounter, text: str, *, by: Person) -> Addendum:
        now = timezone.now()
        row = cls.objects.create(
            encounter=note, number=next_of(note.addenda, "number"), text=text, author=by, written_at=now
        )
        Signature.of_addendum(row, by=by, at=now)
        return row


class Signature(TenantModel):
    encounter = TenantKey("clinical.Encounter", related_name="signatures")
    addendum = TenantKey(Addendum, null=True, related_name="signatures")
    meaning = models.CharField(max_length=8, choices=Meaning.choices)
    signer = models.ForeignKey("hospital.Person", on_delete=models.PROTECT, related_name="+")
    signed_at = models.DateTimeField()
    content = models.TextField(help_text="The canonical text that was signed.")
    sha256 = models.CharField(max_length=64)

    class Meta(TenantModel.Meta):
        ordering = ["signed_at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "encounter"],
                condition=models.Q(meaning="author", addendum=None),
                name="signature_author_once",
            ),
            models.UniqueConstraint(
                fields=["tenant", "encounter", "signer", "meaning"],
                condition=models.Q(addendum=None),
                name="signature_meaning_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_meaning_display()}: {self.signer}"

    @classmethod
    def put(
        cls, note: Encounter, what: dict[str, Any], *, meaning: str, by: Person, at: datetime, **more: Any
    ) -> Signature:
        seal = {"meaning": str(meaning), "signer": str(by.pk), "signer_name": by.name, "signed_at": instant(at)}
        content = canonical({**what, "signature": seal})
        fields = {"meaning": meaning, "signer": by, "signed_at": at, "content": content, "sha256": digest(content)}
        return cls.objects.create(encounter=note, **fields, **more)

    @classmethod
    @raw()
    def of_note(cls, note: Encounter, *, by: Person, at: datetime) -> Signature:
        what = content_of(note) | {"patient": identity(note.patient)}
        return cls.put(note, what, meaning=Meaning.AUTHOR, by=by, at=at)

    @classmethod
    def of_seal(cls, note: Encounter, *, meaning: str, by: Person, at: datetime) -> Signature:
        """Over the author's hash: whoever signs after the author signs the same words."""
        what = {"format": FORMAT, "encounter": str(note.pk), "note_sha256": note.sha256}
        return cls.put(note, what, meaning=meaning, by=by, at=at)

    @classmethod
    def of_addendum(cls, row: Addendum, *, by: Person, at: datetime) -> Signature:
        return cls.put(row.encounter, content_of_addendum(row), meaning=Meaning.AUTHOR, by=by, at=at, addendum=row)

    @property
    @raw()
    def said(self) -> dict[str, Any]:
        return json.loads(self.content)

    @cached_property
    @raw()
    def faults(self) -> list[str]:
        """What does not hold any more; nothing mostly."""
        if digest(self.content) != self.sha256:
            return ["The stored text does not have the stored SHA-256."]
        if self.is_the_authors and self.encounter.sha256 != self.sha256:
            return ["The note carries another SHA-256 than its author's signature."]
        return [f"What is shown as “{name}” is not what was signed." for name in self._differing()]

    @property
    def is_the_authors(self) -> bool:
        return self.addendum_id is None and self.meaning == Meaning.AUTHOR

    @property
    def is_intact(self) -> bool:
        return not self.faults

    def _differing(self) -> list[str]:
        said, seal = self.said, self.said["signature"]
        now = json.loads(canonical(self._content_now()))
        differing = [name for name in now if said.get(name) != now[name]]
        as_signed = (seal["signer"], seal["meaning"], seal["signed_at"])
        if as_signed != (str(self.signer_id), self.meaning, instant(self.signed_at)):
            differing.append("signature")
        return differing

    def _content_now(self) -> dict[str, Any]:
        form = self.said.get("format", FORMAT)
        if self.addendum is not None:
            return content_of_addendum(self.addendum, form)
        if self.meaning == Meaning.AUTHOR:
            return content_of(self.encounter, form)
        return {"encounter": str(self.encounter_id), "note_sha256": self.encounter.sha256}


class CosignRule(EditableModel):
    """Whose notes wait for a colleague's signature too: a trainee's, or without a person, everybody's."""

    person = models.ForeignKey(
        "hospital.Person", null=True, blank=True, on_delete=models.PROTECT, related_name="+", help_text="Nobody: all."
    )
    cosigner = models.ForeignKey(
        "hospital.Person",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="Who is proposed.",
    )

    class Meta(EditableModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "person"], name="cosign_rule_once", nulls_distinct=False)
        ]

    def __str__(self) -> str:
        return f"{self.person or 'Everybody'} is co-signed"

    @classmethod
    def for_person(cls, person: Person) -> models.QuerySet[CosignRule]:
        """The person's own, before the one for all."""
        rules = cls.objects.filter(models.Q(person=person) | models.Q(person=None))
        return rules.order_by(models.F("person_id").asc(nulls_last=True))

    @classmethod
    def of(cls, person: Person) -> CosignRule | None:
        return cls.for_person(person).first()

    @classmethod
    def applies_to(cls, person: Person) -> bool:
        return cls.of(person) is not None


# --- the canonical text -----------------------------------------------------------------------


def canonical(content: dict[str, Any]) -> str:
    return json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def digest(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()


def instant(at: datetime | None) -> str | None:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ") if at else None


def identity(patient: Any) -> dict[str, Any]:
    born = patient.birth_date.isoformat() if patient.birth_date else None
    return {
        "id": str(patient.pk),
        "number": patient.number,
        "name": patient.name,
        "birth_date": born,
        "sex": patient.sex,
    }


@raw()
def content_of(note: Encounter, form: str = FORMAT) -> dict[str, Any]:
    """Everything that is read in the note, but who the patient is: a name may change, what was signed may not."""
    titled = {} if form == UNTITLED else {"title": note.title}
    return titled | {
        "format": form,
        "encounter": str(note.pk),
        "visit": note.visit.number,
        "kind": note.kind,
        "provider": str(note.provider_id),
        "started_at": instant(note.started_at),
        "sections": [told(one, "key", "title", "text") for one in note.sections.all()],
        "diagnoses": [
            told(one, "code", "title", "certainty", "is_primary", "note") for one in note.diagnosis_snapshots.all()
        ],
        "lesions": [content_of_lesion(one) for one in rows_of(note, "lesions", "photo")],
        "plan": [
            {"text": one.text, "due_on": one.due_on.isoformat() if one.due_on else None, "who": one.who}
            for one in note.plan_items.all()
        ],
    }


def told(row: Any, *names: str) -> dict[str, Any]:
    return {name: getattr(row, name) for name in names}


def content_of_lesion(one: Any) -> dict[str, Any]:
    size = f"{one.size_mm:.1f}" if one.size_mm is not None else None
    same = told(one, "number", "site", "laterality", "kind", "description")
    place = {"x": f"{one.x:.1f}", "y": f"{one.y:.1f}"}
    photo = {"id": str(one.photo_id), "sha256": one.photo.sha256} if one.photo else None
    return {**same, **place, "size_mm": size, "photo": photo}


@raw()
def content_of_addendum(row: Addendum, form: str = FORMAT) -> dict[str, Any]:
    same = {"number": row.number, "text": row.text, "author": str(row.author_id)}
    return {
        "format": form,
        "encounter": str(row.encounter_id),
        "note_sha256": row.encounter.sha256,
        "written_at": instant(row.written_at),
        **same,
    }
