"""Nobody overwrites anybody: an edit that was opened before somebody else saved is merged field by field.

The form carries the version of its row, and hidden, the values it was opened with. What only one of two people
changed is taken from that one; where both changed the same field, the form asks (409) and shows both.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.http import QueryDict
from django.utils import formats
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from hospital.models import AuditEntry, Person
from hospital.tenancy import EditableModel

UNREADABLE = object()


@dataclass(frozen=True)
class Conflict:
    field: str
    label: str
    mine: str
    theirs: str
    by: str = ""
    at: datetime | None = None


class MergeForm(forms.BaseForm):
    """A mixin for forms that edit one row: `class EditPatient(MergeForm, forms.ModelForm)`.

    The template writes `{{ form.opened }}` inside the form element, and `_conflict.html` with `form.conflicts`.
    A bound form holds the row's lock from the start. After `is_valid()`, `changes` are the fields that differ from
    the row as it is now. Otherwise `status` is the answer's: 409 where a person must choose, 422 for mistakes.
    """

    instance: EditableModel

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.conflicts: list[Conflict] = []
        super().__init__(*args, **kwargs)
        if self.is_bound and not self.instance._state.adding:
            self.instance.lock()
        self.version_now = 0 if self.instance._state.adding else self.instance.version
        self.initial = {**self.initial, **self.values_now()}
        self.theirs = {name: self._theirs(name) for name in self.fields}

    def values_now(self) -> dict[str, Any]:
        """What the row holds, by field of the form."""
        return {name: self.instance.serializable_value(name) for name in self.fields}

    def changed_by(self, name: str) -> tuple[str, datetime | None]:
        """Who changed this field last, and when: the audit knows."""
        return last_change(self.instance, name)

    @property
    def opened(self) -> SafeString:
        """The hidden fields: version, and each value as it was when the form was opened."""
        version = self.data.get("version", self.version_now) if self.is_bound else self.version_now
        values = [("version", version)] + [(f"opened-{name}", self._opened_text(name)) for name in self.fields]
        return format_html_join("", '<input type="hidden" name="{}" value="{}">', values)

    @property
    def is_stale(self) -> bool:
        """Somebody saved after this form was opened. What does not exist yet cannot be overwritten."""
        return self.version_now > 0 and self.data.get("version") != str(self.version_now)

    @property
    def changes(self) -> dict[str, Any]:
        return {name: value for name, value in self.cleaned_data.items() if value != self.theirs.get(name)}

    @property
    def status(self) -> int:
        return 409 if self.conflicts and not self.errors else 422

    def is_valid(self) -> bool:
        return super().is_valid() and not self.conflicts

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        for name in list(cleaned):
            self._merge(name, cleaned)
        if self.conflicts:
            self._open_again(cleaned)
        return cleaned

    def _merge(self, name: str, cleaned: dict[str, Any]) -> None:
        base, theirs = self._base(name), self.theirs.get(name)
        if self.data.get(f"keep_{name}") == "theirs" and base is not UNREADABLE:
            cleaned[name] = base
        if not self.is_stale or cleaned[name] == theirs:
            return
        if cleaned[name] == base:
            cleaned[name] = theirs
        elif base != theirs:
            self.conflicts.append(self._conflict(name, cleaned[name], theirs))

    def _conflict(self, name: str, mine: Any, theirs: Any) -> Conflict:
        field = self[name]
        by, at = self.changed_by(name)
        return Conflict(name, str(field.label), shown(field.field, mine), shown(field.field, theirs), by, at)

    def _open_again(self, cleaned: dict[str, Any]) -> None:
        """What is asked next begins at the row as it is now, with what is already merged filled in."""
        data = self.data = cast(QueryDict, self.data).copy()
        data["version"] = str(self.version_now)
        for name, value in cleaned.items():
            data[self.add_prefix(name)] = self._as_text(name, value)
            data[f"opened-{name}"] = self._as_text(name, self.theirs[name])

    def _theirs(self, name: str) -> Any:
        return self.fields[name].to_python(self.get_initial_for_field(self.fields[name], name))

    def _base(self, name: str) -> Any:
        text = self.data.get(f"opened-{name}")
        try:
            return UNREADABLE if text is None else self.fields[name].to_python(text)
        except ValidationError:
            return UNREADABLE

    def _opened_text(self, name: str) -> str:
        key = f"opened-{name}"
        return self.data[key] if self.is_bound and key in self.data else self._as_text(name, self.theirs[name])

    def _as_text(self, name: str, value: Any) -> str:
        """As the browser would send it."""
        prepared = self.fields[name].prepare_value(value)
        if isinstance(prepared, date):
            return prepared.isoformat()
        return "" if prepared is None or prepared is False else str(prepared)


def last_change(instance: models.Model, column: str) -> tuple[str, datetime | None]:
    lines = AuditEntry.objects.filter(table=instance._meta.db_table, row_id=instance.pk, after__has_key=column)
    line = lines.first()
    if line is None:
        return "", None
    person = Person.objects.filter(pk=line.person_id).first() if line.person_id else None
    return str(person or ""), line.at


def shown(field: forms.Field, value: Any) -> str:
    """A value in words, for the side-by-side view."""
    if isinstance(field, forms.BooleanField):
        return "yes" if value else "no"
    if isinstance(value, date):
        return formats.date_format(value, "j M Y")
    if isinstance(field, forms.ChoiceField) and not isinstance(value, list):
        return str(dict(cast(Iterable[tuple[Any, Any]], field.choices)).get(value, value))
    return "" if value is None else ", ".join(value) if isinstance(value, list) else str(value)
