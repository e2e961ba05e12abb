"""A place of the body in a form: by a click on the map (x and y, in the region `pointed`), or from the list of regions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any, cast
from uuid import UUID

from django import forms

from clinical.body_sites import SITES, VIEWS, WIDTH, Laterality
from clinical.models import Document
from clinical.models.document import Documents
from hospital.choices import choose_from
from hospital.context import current

Place = tuple[Decimal, Decimal]
MARK = 16  # how wide one is on the map
ROUND = 4
RING = ((0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (-1, -1), (1, -1), (-1, 1))


class OnBodyMap(forms.Form):
    """A mixin for a form with `site` and `laterality`."""

    x = forms.DecimalField(max_digits=5, decimal_places=1, required=False, widget=forms.HiddenInput)
    y = forms.DecimalField(max_digits=5, decimal_places=1, required=False, widget=forms.HiddenInput)
    pointed = forms.CharField(max_length=60, required=False, widget=forms.HiddenInput)

    def offer_sites(self) -> None:
        choose_from(self, "site", [("", "Choose a region"), *grouped_sites()])

    def clean(self) -> dict[str, Any]:
        cleaned = cast("dict[str, Any]", super().clean())
        pointed = cleaned.pop("pointed", "")
        site, side = SITES.get(cleaned.get("site", "")), cleaned.get("laterality", "")
        if site is None:
            return cleaned
        if site.paired and side not in (Laterality.RIGHT, Laterality.LEFT):
            self.add_error("laterality", f"{site.name}: choose right or left.")
        where, _, on = pointed.partition("|")
        is_there = where == cleaned["site"] and (on == side or not site.paired)
        if not is_there or not is_in_view(cleaned, site.view):
            cleaned["x"], cleaned["y"] = self.beside(*site.place(side))
        return cleaned

    def taken(self) -> Iterable[Place]:
        """Where marks stand already."""
        return ()

    def beside(self, x: int, y: int) -> Place:
        """What nobody pointed at lies beside what is marked there, and not on it."""
        marks = list(self.taken())
        free = (one for one in places_round(x, y) if not any(is_on(one, mark) for mark in marks))
        return next(free, (Decimal(x), Decimal(y)))


def places_round(x: int, y: int) -> Iterator[Place]:
    for ring in range(ROUND):
        for across, down in RING if ring else ((0, 0),):
            yield Decimal(x + ring * across * MARK), Decimal(y + ring * down * MARK)


def is_on(one: Place, other: Place) -> bool:
    return all(abs(here - there) < MARK for here, there in zip(one, other, strict=True))


def is_in_view(cleaned: dict[str, Any], view: str) -> bool:
    x, y = cleaned.get("x"), cleaned.get("y")
    return x is not None and y is not None and 0 <= x <= WIDTH and 0 <= y <= VIEWS[view].height


def grouped_sites() -> list[tuple[str, list[tuple[str, str]]]]:
    return [
        (view.name, [(code, site.name) for code, site in SITES.items() if site.view == key])
        for key, view in VIEWS.items()
    ]


def pictures_of(patient_id: UUID) -> Documents:
    """The pictures among a patient's documents that whoever acts may open."""
    filed = Document.objects.filed().newest().seen_by(current())
    return filed.filter(patient_id=patient_id, content_type__startswith="image/")
