"""The words of the templates. What each gives is shown on the design page and listed in docs/look.md."""

from __future__ import annotations

from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from functools import lru_cache
from typing import Any

from django import forms, template
from django.template.loader_tags import BLOCK_CONTEXT_KEY
from django.templatetags.static import static
from django.urls import reverse
from django.utils import formats, timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from hospital.clock import age_between, ago_in_words, minutes_between, waiting_in_words
from hospital.tones import FLAGS, tone_of
from hospital.waiting import events_for

register = template.Library()


# --- icons and words --------------------------------------------------------------------


@register.simple_tag
def icon(name: str, label: str = "", **attributes: str) -> SafeString:
    return drawn(name, str(label), attributes.get("class", ""))


@lru_cache(maxsize=1000)
def drawn(name: str, label: str, more: str) -> SafeString:
    """A page of rows has the same few icons a thousand times."""
    classes = f"icon {more}".strip()
    href = f"{static('icons.svg')}#{name.replace('/', '-')}"
    if label:
        return format_html('<svg class="{}" role="img" aria-label="{}"><use href="{}"/></svg>', classes, label, href)
    return format_html('<svg class="{}" aria-hidden="true"><use href="{}"/></svg>', classes, href)


@register.simple_tag
def badge(kind: str, value: object, label: str = "") -> SafeString:
    tone = tone_of(kind, value)
    word = label or str(value).replace("_", " ").capitalize()
    return format_html('<span class="chip tone-{}">{}{}</span>', tone.name, icon(tone.icon), word)


@register.simple_tag
def flag(level: str | None) -> SafeString | str:
    known = FLAGS.get(str(level or ""))
    if known is None:
        return ""
    return format_html('<span class="flag flag-{}">{}{}</span>', known.tone, icon(known.icon), known.word)


@register.simple_tag
def key(letter: str) -> SafeString:
    return format_html('data-key="{}" aria-keyshortcuts="{}"', letter, letter)


@register.filter
def rows(value: Any) -> list:
    """A list, whether it is given as one or as a relation."""
    return list(value.all() if hasattr(value, "all") else value or ())


@register.filter
def initials(name: str) -> str:
    words = [word for word in str(name).split() if word[0].isalnum()]
    return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper()


# --- times, ages, money ----------------------------------------------------------------


@register.filter
def day(value: date | None) -> str:
    return formats.date_format(_local(value), "j M Y") if value else ""


@register.filter
def moment(value: datetime | None) -> str:
    return formats.date_format(_local(value), "j M Y, H:i") if value else ""


@register.simple_tag
def ago(value: datetime | None) -> SafeString | str:
    if value is None:
        return ""
    return format_html(
        '<time datetime="{}" title="{}" data-ago>{}</time>',
        value.isoformat(),
        moment(value),
        ago_in_words(value, timezone.now()),
    )


@register.inclusion_tag("_waiting.html")
def waiting(since: datetime, amber: int = 15, red: int = 30, until: datetime | None = None) -> dict[str, Any]:
    minutes = minutes_between(since, until or timezone.now())
    level = "red" if minutes >= red else "amber" if minutes >= amber else "green"
    return {
        "since": since,
        "words": waiting_in_words(minutes),
        "level": level,
        "amber": amber,
        "red": red,
        "stopped": until is not None,
    }


@register.simple_tag
def age(patient: Any, long: bool = False) -> SafeString | str:
    if patient.birth_date is None:
        return "age unknown"
    died = _as_date(patient.deceased_at)
    reached = age_between(patient.birth_date, died or timezone.localdate(), estimated=patient.birth_date_estimated)
    words = f"{reached.long if long else reached.short}{' at death' if died else ''}"
    return format_html('<span class="age" title="{}">{}</span>', f"Born {day(patient.birth_date)}", words)


SEXES = {"female": ("F", "Female"), "male": ("M", "Male"), "other": ("X", "Other"), "unknown": ("?", "Sex unknown")}
SEX_LETTERS = {"f": "female", "m": "male", "x": "other", "o": "other", "u": "unknown"}


@register.simple_tag
def sex(patient: Any, long: bool = False) -> SafeString:
    given = str(patient.sex or "").lower()
    letter, word = SEXES.get(SEX_LETTERS.get(given, given), SEXES["unknown"])
    if long:
        return format_html('<span class="sex">{}</span>', word)
    return format_html(
        '<span class="sex" title="{}"><span aria-hidden="true">{}</span><span class="visually-hidden">{}</span></span>',
        word,
        letter,
        word,
    )


SYMBOLS = {
    "USD": "$",
    "EUR": "€",
    "GBP": "£",
    "INR": "₹",
    "NGN": "₦",
    "JPY": "¥",
    "PKR": "Rs ",
    "KES": "KSh ",
    "ZAR": "R ",
}
MINOR_DIGITS = {
    "JPY": 0,
    "KRW": 0,
    "UGX": 0,
    "RWF": 0,
    "VND": 0,
    "XAF": 0,
    "XOF": 0,
    "BHD": 3,
    "IQD": 3,
    "JOD": 3,
    "KWD": 3,
    "OMR": 3,
    "TND": 3,
}


@register.filter
def money(value: Decimal | int | None, currency: str = "") -> SafeString | str:
    if value is None:
        return ""
    exact = Decimal(value).quantize(Decimal(1).scaleb(-MINOR_DIGITS.get(currency, 2)), ROUND_HALF_EVEN)
    sign = "\N{MINUS SIGN}" if exact < 0 else ""
    symbol = SYMBOLS.get(currency, f"{currency} " if currency else "")
    return format_html('<span class="money">{}{}{}</span>', sign, symbol, f"{abs(exact):,}")


# --- permissions and places ------------------------------------------------------------


@register.simple_tag(takes_context=True)
def may(context: template.Context, permission: str) -> bool:
    acting = context.get("acting")
    return acting is not None and acting.may(permission)


@register.inclusion_tag("_place.html", takes_context=True)
def place(
    context: template.Context, url_name: str, label: str, icon: str, permission: str, number: str = ""
) -> dict[str, Any]:
    """With the key of the number beside it, if it has one (hospital/waiting.py)."""
    if not may(context, permission):
        return {}
    url, path = reverse(url_name), context["request"].path
    known = getattr(context.get("frame"), "numbers", {}).get(number)
    here, inside = path == url, path.startswith(url)
    return {"url": url, "label": label, "icon": icon, "here": here, "inside": inside, "number": known}


@register.simple_tag(takes_context=True)
def waiting_events(context: template.Context) -> str:
    acting = context.get("acting")
    return events_for(acting) if acting is not None else ""


@register.simple_tag(takes_context=True)
def filter_url(context: template.Context, name: str, value: object) -> str:
    """This page with one filter set (or cleared, by an empty value), from its first page."""
    query = context["request"].GET.copy()
    query.pop("page", None)
    query.pop(name, None)
    if value not in (None, ""):
        query[name] = str(value)
    return f"?{query.urlencode()}"


@register.simple_tag(takes_context=True)
def filter_value(context: template.Context, name: str) -> str:
    return context["request"].GET.get(name, "")


# --- forms ------------------------------------------------------------------------------

CHOICES = (forms.CheckboxSelectMultiple, forms.RadioSelect)


@register.filter
def control_kind(field: forms.BoundField) -> str:
    """How `_field.html` lays a field out: hidden, choices, check or box."""
    widget = field.field.widget
    if field.is_hidden:
        return "hidden"
    if isinstance(widget, CHOICES):
        return "choices"
    return "check" if isinstance(widget, forms.CheckboxInput) else "box"


@register.simple_tag
def control(field: forms.BoundField, **attributes: str) -> SafeString:
    widget = field.field.widget
    base = (
        "form-check-input"
        if control_kind(field) in ("check", "choices")
        else "form-select"
        if isinstance(widget, forms.Select)
        else "form-control"
    )
    classes = [base, widget.attrs.get("class", ""), "is-invalid" if field.errors else ""]
    return field.as_widget(attrs={**attributes, "class": " ".join(filter(None, classes))})


@register.simple_tag
def choice_input(choice: forms.boundfield.BoundWidget) -> SafeString:
    """One radio button or checkbox of a group; its label is written by `_field.html`."""
    choice.data["wrap_label"] = False
    choice.data["attrs"] = {**choice.data["attrs"], "class": "form-check-input"}
    return choice.tag(wrap_label=False)


# --- templates --------------------------------------------------------------------------


class RepeatBlock(template.Node):
    def __init__(self, name: str) -> None:
        self.name = name

    def render(self, context: template.Context) -> str:
        block = context.render_context[BLOCK_CONTEXT_KEY].get_block(self.name)
        return block.render(context) if block else ""


@register.tag
def repeat_block(parser: template.base.Parser, token: template.base.Token) -> RepeatBlock:
    """Shows a block a second time: the title of a page is its heading too, and is written once."""
    _, name = token.split_contents()
    return RepeatBlock(name.strip("\"'"))


def _local(value: date | datetime) -> date | datetime:
    return timezone.localtime(value) if isinstance(value, datetime) and timezone.is_aware(value) else value


def _as_date(value: date | datetime | None) -> date | None:
    local = _local(value) if value else None
    return local.date() if isinstance(local, datetime) else local
