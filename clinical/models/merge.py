"""Two records of one person become one, and can be taken apart again.

`Merge.preview(source, survivor)` says what would happen, `Merge.make(source, survivor, by=…, choices={…})` does it, and
`merge.undo(by=…)` takes it back. What moves, and how, is in clinical/merging.py.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, cast

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.urls import reverse
from django.utils import timezone

from clinical import merging
from clinical.models.duplicate import PossibleDuplicate
from clinical.models.patient import Patient
from clinical.models.restriction import Restrictable, end_returned, follow_grants
from clinical.models.visit import Visit
from hospital.context import current
from hospital.seals import raw
from hospital.tenancy import EditableModel, TenantKey, TenantModel
from hospital.workflow import Refused, allow

if TYPE_CHECKING:
    from hospital.models import Person

MERGE = "clinical.merge_patients"
SOURCE, SURVIVOR = "source", "survivor"
FAR_APART = 366  # days between two dates of birth
# What is chosen together, since one part means nothing without the others.
GROUPS: dict[str, tuple[str, tuple[str, ...]]] = {
    "name": ("Name", ("given_name", "family_name", "is_unidentified")),
    "birth": ("Date of birth", ("birth_date", "birth_date_estimated")),
    "sex": ("Sex", ("sex",)),
    "death": ("Died", ("deceased_at", "deceased_estimated", "deceased_said_by")),
    "phone": ("Telephone", ("phone",)),
    "email": ("E-mail", ("email",)),
    "address": ("Address", ("line", "city", "state", "postal_code", "country")),
    "document": ("Identity document", ("document_number",)),
    "photo": ("Photo", ("photo",)),
}
EMPTY = (None, "", Patient.Sex.UNKNOWN)


@dataclass(frozen=True)
class Choice:
    """One field of both, side by side."""

    key: str
    label: str
    source: str
    survivor: str
    chosen: str

    @property
    def differs(self) -> bool:
        return self.source != self.survivor


@dataclass(frozen=True)
class Preview:
    source: Patient
    survivor: Patient
    choices: list[Choice]
    moves: list[tuple[str, int]]
    warnings: list[str]
    refusals: list[str] = field(default_factory=list)


class Merge(EditableModel):
    """The record `source` was merged into `survivor`."""

    source = TenantKey("clinical.Patient", related_name="merges_away", editable=False)
    survivor = TenantKey("clinical.Patient", related_name="merges_here", editable=False)
    made_by = models.ForeignKey(
        "hospital.Person", null=True, on_delete=models.PROTECT, related_name="+", editable=False
    )
    fields = models.JSONField(
        default=dict, encoder=DjangoJSONEncoder, editable=False, help_text="Of the survivor: what each was, and became."
    )
    undone_at = models.DateTimeField(null=True, editable=False)
    undone_by = models.ForeignKey(
        "hospital.Person", null=True, on_delete=models.PROTECT, related_name="+", editable=False
    )
    left = models.JSONField(default=list, editable=False, help_text="What an undo could not give back, in words.")

    class Meta(EditableModel.Meta):
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "source"], condition=models.Q(undone_at=None), name="merged_once_at_a_time"
            ),
            models.CheckConstraint(condition=~models.Q(source=models.F("survivor")), name="merge_of_two"),
        ]
        indexes = [models.Index(fields=["tenant", "-created_at"], name="merge_by_time")]

    def __str__(self) -> str:
        return f"{self.source.number} into {self.survivor.number}"

    def get_absolute_url(self) -> str:
        return reverse("clinical:merge", args=[self.pk])

    @property
    def is_undone(self) -> bool:
        return self.undone_at is not None

    # --- looking -------------------------------------------------------------------------

    @classmethod
    def preview(cls, source: Patient, survivor: Patient) -> Preview:
        return Preview(
            source,
            survivor,
            [side_by_side(key, source, survivor) for key in GROUPS],
            merging.counts(source),
            list(warnings(source, survivor)),
            list(refusals(source, survivor)),
        )

    # --- merging -------------------------------------------------------------------------

    @classmethod
    def make(
        cls, source: Patient, survivor: Patient, *, by: Person | None, choices: dict[str, str] | None = None
    ) -> Merge:
        """All rows of the source go to the survivor, in one transaction. `choices`: {"phone": "source", …}, see GROUPS.

        Without a choice the survivor's value stays, unless it is empty.
        """
        allow(MERGE, by)
        return merging.holding(source, survivor, lambda: cls._make(source, survivor, by, choices or {}))

    @classmethod
    @raw()
    def _make(cls, source: Patient, survivor: Patient, by: Person | None, choices: dict[str, str]) -> Merge:
        for sentence in refusals(source, survivor):
            raise Refused(sentence)
        changes = chosen_values(source, survivor, choices)
        was = {name: getattr(survivor, name) for name in changes}
        made = cls(source=source, survivor=survivor, made_by=by)
        made.fields = {name: [was[name], value] for name, value in changes.items()}
        made.save(force_insert=True)
        made._write_down(merging.move_all(source, survivor))
        source.merged_into = survivor
        source.save(update_fields=["merged_into"])
        survivor.formerly = former_names(survivor)
        for name, value in changes.items():
            setattr(survivor, name, value)
        survivor.save(update_fields=["formerly", *changes])
        PossibleDuplicate.settle_merge(source, survivor, by=by)
        follow_grants(survivor)
        follow_grants(source)
        tell_open_visits(survivor)
        return made

    def _write_down(self, rows: Iterable[merging.Moved]) -> None:
        MergedRow.objects.bulk_create(
            [
                MergedRow(
                    tenant_id=self.tenant_id,
                    merge=self,
                    table=row.table,
                    column=row.column,
                    row_id=row.row_id,
                    how=row.how,
                    kept=row.kept,
                )
                for row in rows
            ],
            batch_size=1000,
        )

    # --- and back ------------------------------------------------------------------------

    def undo(self, *, by: Person | None) -> list[str]:
        """Every row goes back to where it was. What cannot, is named."""
        allow(MERGE, by)
        source, survivor = self.source, self.survivor
        return merging.holding(source, survivor, lambda: self._undo(source, survivor, by))

    @raw()
    def _undo(self, source: Patient, survivor: Patient, by: Person | None) -> list[str]:
        self.lock()
        if self.is_undone:
            raise Refused("This merge is undone already.")
        if survivor.merged_into is not None:
            raise Refused(f"{survivor.number} was merged into {survivor.merged_into.number} since. Undo that first.")
        source.merged_into = None
        source.save(update_fields=["merged_into", *keep_closed(source, survivor)])
        rows = [row.as_moved() for row in self.rows.all()]
        left = merging.move_back(rows + merging.hanging_on(rows, survivor), source, survivor)
        self.left = [in_words(row) for row in left] + self._give_back_fields(survivor)
        self.undone_at, self.undone_by = timezone.now(), by
        self.save(update_fields=["undone_at", "undone_by", "left"])
        PossibleDuplicate.reopen_merged(source, survivor)
        end_returned(source, survivor, self.created_at)
        follow_grants(survivor)
        follow_grants(source)
        tell_open_visits(source)
        tell_open_visits(survivor)
        return self.left

    def _give_back_fields(self, survivor: Patient) -> list[str]:
        """What nobody changed since the merge is as it was; what somebody did, stays."""
        left, names = [], ["formerly"]
        survivor.formerly = former_names(survivor)
        for name, (before, after) in self.fields.items():
            column = cast("models.Field", Patient._meta.get_field(name))
            if getattr(survivor, name) == column.to_python(after):
                setattr(survivor, name, column.to_python(before))
                names.append(name)
            else:
                left.append(f"{str(column.verbose_name).capitalize()}: changed since")
        survivor.save(update_fields=names)
        return left


class MergedRow(TenantModel):
    """A row that a merge gave to the survivor, or that was written for the source afterwards and redirected."""

    class How(models.TextChoices):
        MOVED = "moved", "Moved"
        CHANGED = "changed", "Moved and changed"
        SET_ASIDE = "set_aside", "Put aside: the survivor has the same"
        REDIRECTED = "redirected", "Written for the source after the merge"

    merge = TenantKey(Merge, related_name="rows")
    table = models.CharField(max_length=63, db_column="table_name")
    column = models.CharField(max_length=63)
    row_id = models.UUIDField()
    how = models.CharField(max_length=10, choices=How.choices)
    kept = models.JSONField(null=True, help_text="What it was, where more than its patient changed.")

    class Meta(TenantModel.Meta):
        ordering = ["id"]
        indexes = [models.Index(fields=["tenant", "merge"], name="row_of_merge")]

    def as_moved(self) -> merging.Moved:
        return merging.Moved(self.table, self.column, self.row_id, self.how, self.kept)


def keep_closed(source: Patient, survivor: Patient) -> list[str]:
    """What was restricted since, while the rows of both were together, stays so on both. Names the fields that change."""
    if source.is_restricted or not survivor.is_restricted:
        return []
    names = [field.name for field in Restrictable._meta.local_fields]
    for name in names:
        setattr(source, name, getattr(survivor, name))
    current().opened.closed = None
    return names


# --- side by side -----------------------------------------------------------------------


def side_by_side(key: str, source: Patient, survivor: Patient) -> Choice:
    label, names = GROUPS[key]
    return Choice(key, label, shown(key, source), shown(key, survivor), usual(names, source, survivor))


def usual(names: tuple[str, ...], source: Patient, survivor: Patient) -> str:
    """The survivor's, unless the source knows what the survivor does not."""
    if "is_unidentified" in names:
        return SOURCE if survivor.is_unidentified and not source.is_unidentified else SURVIVOR
    return SOURCE if is_empty(names, survivor) and not is_empty(names, source) else SURVIVOR


def is_empty(names: tuple[str, ...], patient: Patient) -> bool:
    return all(getattr(patient, name) in EMPTY for name in names if not isinstance(getattr(patient, name), bool))


def shown(key: str, patient: Patient) -> str:
    """As a person reads it."""
    about = "about " if patient.birth_date_estimated else ""
    return {
        "name": lambda: patient.name,
        "birth": lambda: f"{about}{day(patient.birth_date)}" if patient.birth_date else "",
        "sex": lambda: str(patient.get_sex_display()),
        "death": lambda: day(patient.deceased_at) if patient.deceased_at else "",
        "phone": lambda: patient.phone_as_written,
        "email": lambda: patient.email,
        "address": lambda: patient.address,
        "document": lambda: patient.document_number,
        "photo": lambda: "a photo" if patient.photo else "",
    }[key]()


def day(moment: date | datetime) -> str:
    return f"{timezone.localtime(moment) if isinstance(moment, datetime) else moment:%-d %b %Y}"


def chosen_values(source: Patient, survivor: Patient, choices: dict[str, str]) -> dict[str, Any]:
    """What changes on the survivor. Tags of both are kept."""
    changes: dict[str, Any] = {}
    for key, (_, names) in GROUPS.items():
        if choices.get(key, usual(names, source, survivor)) == SOURCE:
            changes |= {name: getattr(source, name) for name in names}
    changes["tags"] = list(dict.fromkeys([*survivor.tags, *source.tags]))
    return {name: value for name, value in changes.items() if value != getattr(survivor, name)}


def former_names(survivor: Patient) -> str:
    """So that the survivor is found by what the merged records were called."""
    return " ".join(sorted(one.search.strip() for one in Patient.objects.filter(merged_into=survivor)))


def warnings(source: Patient, survivor: Patient) -> Iterable[str]:
    """What a person should look at before. None of it stops the merge."""
    sexes = {source.sex, survivor.sex} - {Patient.Sex.UNKNOWN}
    if len(sexes) > 1:
        yield "The sex is not the same."
    if source.birth_date and survivor.birth_date and abs((source.birth_date - survivor.birth_date).days) > FAR_APART:
        yield "The dates of birth are far apart."
    if all(Visit.objects.filter(patient=one, ended_at=None).exists() for one in (source, survivor)):
        yield "Both have an open visit. Both stay open under the survivor."
    if bool(source.deceased_at) != bool(survivor.deceased_at):
        yield "One of them has died and the other has not."


def refusals(source: Patient, survivor: Patient) -> Iterable[str]:
    """What makes it impossible."""
    if source.pk == survivor.pk:
        yield "This is one record. Choose another one."
    for one in (source, survivor):
        if one.merged_into is not None:
            yield f"{one.number} was merged into {one.merged_into.number} already."
    if source.is_restricted != survivor.is_restricted:
        yield "One of them is restricted and the other is not. Restrict both first, or neither."


def tell_open_visits(patient: Patient) -> None:
    """The lists show the name of whose visit it is."""
    for visit in Visit.objects.filter(patient=patient, ended_at=None).order_by("pk"):
        visit.touch()


def in_words(row: merging.Moved) -> str:
    kind = next(
        (column.model._meta.verbose_name for column in merging.columns() if column.table == row.table), row.table
    )
    return f"{str(kind).capitalize()} {row.row_id}"
