"""The note templates and quick texts that a house begins with. Its own people change them afterwards; `install` never overwrites."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction

from clinical.models import NoteSection, NoteTemplate, QuickText
from clinical.models.note_template import Kind, Shape


@dataclass(frozen=True)
class Part:
    key: str
    title: str
    hint: str = ""
    choices: tuple[str, ...] = ()
    shape: str = Shape.TEXT


def choice(key: str, title: str, *choices: str) -> Part:
    return Part(key, title, "", choices, Shape.CHOICE)


def line(key: str, title: str, hint: str = "") -> Part:
    return Part(key, title, hint, (), Shape.LINE)


@dataclass(frozen=True)
class Set:
    key: str
    name: str
    specialty: str
    parts: tuple[Part, ...]
    kind: str = Kind.CONSULTATION
    has_body_map: bool = False


HISTORY = Part("history", "History of present illness", "Onset, course, what makes it better or worse, what was tried")
ASSESSMENT = Part("assessment", "Assessment", "What it is, how sure, and what speaks against it")
ADVICE = Part("advice", "Advice", "What the patient was told, and when to come back at once")
SETS = (
    Set(
        "general",
        "General medicine",
        "General medicine",
        (
            Part("complaint", "Chief complaint", "In the patient's words"),
            HISTORY,
            Part("past", "Past and family history"),
            Part("systems", "Review of systems", "What was asked, and denied"),
            Part("examination", "Examination"),
            ASSESSMENT,
            ADVICE,
        ),
    ),
    Set(
        "paediatrics",
        "Paediatrics",
        "Paediatrics",
        (
            Part("complaint", "Chief complaint", "Told by whom"),
            HISTORY,
            Part("birth", "Birth and development", "Weeks, weight, milestones"),
            line("feeding", "Feeding", "Breast, bottle, solids"),
            choice("vaccines", "Immunisations", "Up to date", "Behind schedule", "Refused", "Not known"),
            Part("examination", "Examination", "General look, hydration, ears, throat, chest, abdomen, skin"),
            ASSESSMENT,
            Part("advice", "Advice to the carers", "Warning signs, fluids, fever"),
        ),
    ),
    Set(
        "dermatology",
        "Dermatology",
        "Dermatology",
        (
            Part("complaint", "Chief complaint"),
            HISTORY,
            choice(
                "skin_type",
                "Fitzpatrick skin type",
                "I, always burns",
                "II, usually burns",
                "III, sometimes burns",
                "IV, rarely burns",
                "V, brown skin",
                "VI, deeply pigmented skin",
            ),
            line("sun", "Sun exposure", "Sunburns in childhood, sunbeds, work outdoors"),
            Part("risk", "Skin cancer history", "Own and family's"),
            Part("examination", "Skin examination", "Beside the lesions on the body map: hair, nails, mucosa, nodes"),
            line("dermoscopy", "Dermoscopy"),
            ASSESSMENT,
            Part("advice", "Advice", "Sun protection, self-examination, when to come back"),
        ),
        has_body_map=True,
    ),
    Set(
        "procedure",
        "Procedure note",
        "All",
        (
            line("procedure", "Procedure"),
            Part("indication", "Indication"),
            choice("consent", "Consent", "Written", "Spoken, with a witness", "Emergency, none possible"),
            choice("identity", "Patient, site and side checked", "Yes, all three", "Not applicable"),
            line("anaesthesia", "Anaesthesia", "Agent, strength, volume"),
            Part("description", "Description", "Position, preparation, steps, closure"),
            line("specimens", "Specimens"),
            line("blood_loss", "Blood loss"),
            Part("complications", "Complications"),
            Part("aftercare", "Aftercare", "Dressing, sutures out, warning signs"),
        ),
        Kind.PROCEDURE,
        has_body_map=True,
    ),
    Set(
        "follow_up",
        "Follow-up",
        "All",
        (
            Part("interval", "Since the last visit", "Better, same or worse; what was taken"),
            Part("examination", "Examination"),
            Part("results", "Results discussed"),
            ASSESSMENT,
            ADVICE,
        ),
        Kind.FOLLOW_UP,
    ),
)
QUICK_TEXTS = {
    "normal": "General condition good. Heart sounds normal, lungs clear, abdomen soft and not tender. No oedema.",
    "ros": "No fever, no weight loss, no night sweats. No chest pain, no breathlessness. Bowels and bladder normal.",
    "skin": "Whole skin examined including scalp, nails and mucosa. No suspicious pigmented lesion.",
    "return": "To come back at once with fever, worse pain, spreading redness or breathlessness.",
    "consent": "Purpose, risks (bleeding, infection, scar) and alternatives explained; questions answered.",
    "sun": "Sun protection advised: shade, clothing, factor 50, and a look at one's own skin every month.",
}


@transaction.atomic
def install() -> int:
    """How many templates were added to the open tenant."""
    there = set(NoteTemplate.objects.values_list("key", flat=True))
    missing = [(position, one) for position, one in enumerate(SETS) if one.key not in there]
    for position, one in missing:
        put(one, position)
    known = set(QuickText.objects.filter(person=None).values_list("code", flat=True))
    for code in QUICK_TEXTS.keys() - known:
        QuickText.objects.create(code=code, text=QUICK_TEXTS[code])
    return len(missing)


def put(one: Set, position: int) -> None:
    names = ("key", "name", "specialty", "kind", "has_body_map")
    template = NoteTemplate.objects.create(position=position, **{name: getattr(one, name) for name in names})
    for number, part in enumerate(one.parts):
        fields = {name: getattr(part, name) for name in ("key", "title", "hint", "shape")}
        NoteSection.objects.create(template=template, position=number, choices=list(part.choices), **fields)


def templates() -> list[NoteTemplate]:
    """Those to choose from. A house that was opened before there were any gets them now."""
    if not NoteTemplate.objects.exists():
        install()
    return list(NoteTemplate.objects.filter(is_active=True))
