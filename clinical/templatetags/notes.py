"""Notes about a visit, and the body map: `{% notes_section visit %}`, `{% body_map lesions %}`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import template

from clinical.body_sites import SITES, VIEWS, WIDTH
from clinical.models import Biopsy, Encounter, Lesion, Visit
from clinical.models.encounter import WRITE
from clinical.presence import NOTE_PARTS
from hospital.context import current

register = template.Library()


@register.inclusion_tag("clinical/encounter/_body_map.html")
def body_map(
    lesions: Iterable[Lesion | Biopsy], note: Encounter | None = None, only: str = "", fills: str = ""
) -> dict[str, Any]:
    """All views, or `only="used"` those on which something stands. With a note, its lesions are placed by a click.

    With `fills`, the selector of a form, a click fills in its place: see static/biopsy.js.
    """
    placed = list(lesions)
    used = {one.at.view for one in placed}
    views = [view_of(key, placed) for key in VIEWS if only != "used" or key in used]
    return {"views": views, "note": note, "width": WIDTH, "fills": fills}


def view_of(key: str, lesions: list[Lesion | Biopsy]) -> dict[str, Any]:
    shapes = [
        {
            "code": code,
            "side": side,
            "label": site.in_words(side),
            "path": site.shape,
            "is_mirrored": site.is_mirrored(side),
        }
        for code, site in SITES.items()
        if site.view == key
        for side in site.sides
    ]
    return {"key": key, "view": VIEWS[key], "shapes": shapes, "lesions": [one for one in lesions if one.at.view == key]}


@register.inclusion_tag("clinical/encounter/_section.html", takes_context=True)
def notes_section(context: template.Context, visit: Visit) -> dict[str, Any]:
    acting = current()
    reads = acting.may("clinical.view_chart")
    return {
        "visit": visit,
        "acting": acting,
        "reads": reads,
        "notes": visit.encounters.shown() if reads else [],
        "writes": acting.may(WRITE),
        "csrf_token": context.get("csrf_token"),
    }


@register.filter
def presence_part(title: str) -> str:
    """The words by which presence says that somebody edits this section."""
    return title.lower() if title.lower() in NOTE_PARTS else "note"
