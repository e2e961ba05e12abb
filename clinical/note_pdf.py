"""A note as PDF: letterhead, who it is about on every page, the words, the body map, signatures with their hashes."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from clinical.body_sites import SITES, VIEWS, WIDTH
from clinical.models import Addendum, Encounter, Lesion, Signature
from hospital.paper_pdf import FONT, MARGIN, Paper, moment

MAP_WIDTH = 32.0
COPY, DRAFT = "COPY", "DRAFT \N{EN DASH} not signed"


def mark_of(note: Encounter) -> str:
    return COPY if note.is_signed else DRAFT


def paper_of(note: Encounter) -> Paper:
    patient = note.patient
    born = patient.birth_date.strftime("%-d %b %Y") if patient.birth_date else "not known"
    about = f"{patient.name}    {patient.number}    born {born}    visit {note.visit.number}"
    return Paper(f"{note.title} {note.visit.number}", about=about, mark=mark_of(note))


def pdf_of(note: Encounter, context: dict[str, Any]) -> bytes:
    paper = paper_of(note)
    paper.say(note.title, 14, bold=True)
    paper.say(f"{note.provider.name}, begun {moment(note.started_at)}", 8.5, grey=True)
    if note.is_mistaken:
        paper.part("ENTERED IN ERROR", f"{note.error_by}, {moment(note.error_at)}: {note.error_reason}")
    for section in context["sections"]:
        if section.text:
            paper.part(section.title, section.text)
    write_lists(paper, context)
    for addendum in context["addenda"]:
        write_addendum(paper, addendum)
    sign(paper, note, context["signatures"])
    return bytes(paper.output())


def write_lists(paper: Paper, context: dict[str, Any]) -> None:
    if diagnoses := [words_of_diagnosis(one) for one in context["diagnoses"]]:
        paper.part("Diagnoses", "\n".join(diagnoses))
    if lesions := context["lesions"]:
        draw_map(paper, lesions)
        paper.part("Lesions", "\n".join(words_of_lesion(one) for one in lesions))
    if plan := [words_of_plan(one) for one in context["plan"]]:
        paper.part("Plan", "\n".join(plan))


def words_of_diagnosis(one: Any) -> str:
    sure = "" if one.certainty == "confirmed" else f" ({one.get_certainty_display().lower()})"
    return f"{one.code}  {one.title}{sure}{', primary' if one.is_primary else ''}{f'. {one.note}' if one.note else ''}"


def words_of_lesion(one: Lesion) -> str:
    size = f", {one.size_mm.normalize():f} mm" if one.size_mm is not None else ""
    return f"{one}{size}{f': {one.description}' if one.description else ''}"


def words_of_plan(one: Any) -> str:
    due = f"by {one.due_on:%-d %b %Y}" if one.due_on else ""
    return "  ".join(filter(None, ("\N{BULLET}", one.text, one.who, due)))


def draw_map(paper: Paper, lesions: list[Lesion]) -> None:
    used = [key for key in VIEWS if any(one.at.view == key for one in lesions)]
    tallest = max(VIEWS[key].height for key in used) * MAP_WIDTH / WIDTH
    if paper.will_page_break(tallest + 16):
        paper.add_page()
    top = paper.get_y() + 4
    for number, key in enumerate(used):
        left = MARGIN + number * (MAP_WIDTH + 3)
        paper.image(BytesIO(svg_of(key, lesions).encode()), x=left, y=top, w=MAP_WIDTH)
        write_numbers(paper, left, top, [one for one in lesions if one.at.view == key])
        paper.set_font(FONT, "", 7)
        paper.text(left + MAP_WIDTH / 2 - 3, top + tallest + 3, VIEWS[key].name)
    paper.set_y(top + tallest + 4)


def write_numbers(paper: Paper, left: float, top: float, lesions: list[Lesion]) -> None:
    scale = MAP_WIDTH / WIDTH
    paper.set_font(FONT, "B", 5)
    paper.set_text_color(255)
    for one in lesions:
        width = paper.get_string_width(str(one.number))
        paper.text(left + float(one.x) * scale - width / 2, top + float(one.y) * scale + 0.65, str(one.number))
    paper.set_text_color(0)


def svg_of(key: str, lesions: list[Lesion]) -> str:
    """Only numbers and the shapes of the table: nothing that anybody typed."""
    shapes = [
        f'<path d="{site.shape}" transform="{mirror(site.is_mirrored(side))}" fill="#f4efe9" stroke="#555" stroke-width="1"/>'
        for site in SITES.values()
        if site.view == key
        for side in site.sides
    ]
    dots = [f'<circle cx="{one.x}" cy="{one.y}" r="9" fill="#a3231c"/>' for one in lesions if one.at.view == key]
    size = f'width="{WIDTH}" height="{VIEWS[key].height}" viewBox="0 0 {WIDTH} {VIEWS[key].height}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}>{"".join(shapes + dots)}</svg>'


def mirror(is_mirrored: bool) -> str:
    return f"matrix(-1 0 0 1 {WIDTH} 0)" if is_mirrored else "matrix(1 0 0 1 0 0)"


def write_addendum(paper: Paper, addendum: Addendum) -> None:
    paper.part(f"Addendum {addendum.number}", addendum.text)
    for signature in addendum.signatures.all():
        write_signature(paper, signature)


def sign(paper: Paper, note: Encounter, signatures: list[Signature]) -> None:
    if paper.will_page_break(30):
        paper.add_page()
    paper.ln(6)
    for signature in signatures:
        write_signature(paper, signature)
    if not signatures:
        paper.ln(10)
        paper.line(MARGIN, paper.get_y(), MARGIN + 70, paper.get_y())
        paper.say(f"Signature of {note.provider.name}", 8, grey=True)


def write_signature(paper: Paper, signature: Signature) -> None:
    paper.ln(2)
    paper.line(MARGIN, paper.get_y(), MARGIN + 70, paper.get_y())
    who = f"{signature.signer.name}, {signature.get_meaning_display().lower()}, {moment(signature.signed_at)}"
    paper.say(who, 8.5, bold=True)
    paper.say(f"SHA-256 {signature.sha256}", 7, grey=True)
    if not signature.is_intact:
        paper.say("THIS SIGNATURE DOES NOT HOLD: " + " ".join(signature.faults), 8, bold=True)
