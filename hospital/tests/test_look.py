"""The look: words, colours, parts, plots."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import product
from pathlib import Path
from types import SimpleNamespace

import pytest
from django import forms
from django.apps import apps
from django.http import QueryDict
from django.template import Context, Template
from django.template.loader import render_to_string

from hospital.clock import age_between, ago_in_words
from hospital.plots import Bars, Line, Series, Spark
from hospital.tones import FLAGS, TONES

ROOT = Path(__file__).parents[2]
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
APPS = ("hospital", "realtime", "clinical", "scheduling", "billing")
NOW = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)


def render(source: str, **context: object) -> str:
    request = SimpleNamespace(path="/patients/7/", GET=QueryDict(str(context.pop("query", ""))))
    return Template("{% load ui %}" + source).render(Context({"request": request, **context})).strip()


def words(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html)).strip()


# --- scripts -----------------------------------------------------------------------------


NAMED_AT_THE_TOP = re.compile(r"^(?:async )?(?:function\*?|class|const|let) (\w+)", re.MULTILINE)


def test_no_two_scripts_give_one_name_to_two_things():
    """They share one scope on a page: the later of two functions of one name would take the place of the former."""
    scripts = [path.read_text() for path in (ROOT / "static").glob("*.js")]
    named = Counter(name for script in scripts for name in set(NAMED_AT_THE_TOP.findall(script)))
    assert named["closeDialog"] == 1
    assert [name for name, times in named.items() if times > 1] == []


# --- icons -------------------------------------------------------------------------------


def sprite() -> set[str]:
    return set(re.findall(r'<symbol id="([^"]+)"', (ROOT / "static/icons.svg").read_text()))


NAMED = re.compile(
    r'''{%\s*icon\s+"([^"]+)"|icon\w*=["']([a-z0-9/-]+)["']|icon\|default:"([^"]+)"|{% place "[^"]+" "[^"]+" "([^"]+)"'''
)


def named_icons() -> set[str]:
    """In templates, in keyword arguments of ours, and in the tones."""
    code = [path for app in APPS for path in (ROOT / app).rglob("*.py") if "tests" not in path.parts]
    found = {
        name for path in [*TEMPLATES, *code] for names in NAMED.findall(path.read_text()) for name in names if name
    }
    tones = {tone.icon for kind in TONES.values() for tone in kind.values()} | {flag.icon for flag in FLAGS.values()}
    return {name.replace("/", "-") for name in found | tones}


def test_every_icon_that_is_named_is_in_the_sprite():
    assert named_icons() - sprite() == set()


def test_the_sprite_is_made_of_the_list():
    listed = {name.replace("/", "-") for name in (ROOT / "static/icons.txt").read_text().split()}
    assert listed == sprite()


def test_an_icon_is_silent_unless_it_has_a_label():
    assert 'aria-hidden="true"' in render('{% icon "flask" %}')
    assert 'role="img" aria-label="Locked"' in render('{% icon "lock" label="Locked" %}')


# --- statuses and flags ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "model", "field"),
    [
        ("visit", "clinical.Visit", "status"),
        ("payment", "clinical.Visit", "payment"),
        ("refund", "billing.Refund", "status"),
        ("invoice", "billing.Invoice", "status"),
        ("priority", "clinical.Visit", "priority"),
        ("lab_order", "clinical.LabOrder", "status"),
        ("priority", "clinical.LabOrder", "priority"),
        ("prescription", "clinical.Prescription", "status"),
        ("line", "clinical.PrescriptionLine", "status"),
        ("document", "clinical.Document", "status"),
    ],
)
def test_every_status_has_a_tone(kind, model, field):
    declared = {str(value) for value, _ in apps.get_model(model)._meta.get_field(field).choices}
    assert declared - set(TONES[kind]) == set()


def test_a_status_is_told_by_word_and_icon_and_an_unknown_one_is_plain():
    assert words(render('{% badge "visit" "lab_pending" %}')) == "Lab pending"
    assert words(render('{% badge "visit" "lab_pending" "At the laboratory" %}')) == "At the laboratory"
    assert "tone-neutral" in render('{% badge "visit" "unheard_of" %}')


@pytest.mark.parametrize("level", FLAGS)
def test_a_flag_is_never_told_by_colour_alone(level):
    html = render("{% flag level %}", level=level)
    assert words(html) == FLAGS[level].word
    assert f"#{FLAGS[level].icon}" in html


def test_without_a_flag_nothing_is_shown():
    assert render("{% flag level %}", level="") == ""


def test_words_from_people_are_escaped():
    assert "<b>" not in render('{% badge "visit" "done" label %}{% icon "x" label=label %}', label="<b>")


# --- times, ages, money ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (5, "just now"), (59, "just now"), (60, "1 min ago"), (3599, "59 min ago"), (3600, "1 h ago"),
        (86400, "24 h ago"), (2 * 86400, "2 days ago"), (60 * 86400, "2 months ago"), (730 * 86400, "2 years ago"),
        (-30, "just now"), (-600, "in 10 min"),
    ],
)  # fmt: skip
def test_how_long_ago_is_said_shortly(seconds, said):
    assert ago_in_words(NOW - timedelta(seconds=seconds), NOW) == said


@pytest.mark.parametrize(
    ("born", "short", "long"),
    [
        (date(2026, 3, 3), "0 d", "0 days"),
        (date(2026, 3, 2), "1 d", "1 day"),
        (date(2026, 2, 4), "27 d", "27 days"),
        (date(2026, 2, 3), "4 wk", "4 weeks"),
        (date(2025, 12, 4), "12 wk", "12 weeks"),
        (date(2025, 12, 3), "3 mo", "3 months"),
        (date(2024, 3, 4), "23 mo", "23 months"),
        (date(2024, 3, 3), "2 y", "2 years"),
        (date(1991, 3, 4), "34 y", "34 years"),
        (date(1991, 3, 3), "35 y", "35 years"),
        (date(2024, 2, 29), "2 y", "2 years"),
        (date(2027, 1, 1), "0 d", "0 days"),
    ],
)
def test_an_age_has_the_unit_that_fits_it(born, short, long):
    age = age_between(born, date(2026, 3, 3))
    assert (age.short, age.long) == (short, long)


def patient(**fields: object) -> SimpleNamespace:
    usual = {
        "pk": 1, "name": "Amara Okafor", "number": "P-000001", "sex": "female", "birth_date": date(1941, 11, 20),
        "birth_date_estimated": False, "deceased_at": None, "allergies": [], "tags": [], "version": 4,
    }  # fmt: skip
    return SimpleNamespace(**{**usual, **fields})


def test_the_age_of_the_dead_stands_still_and_an_estimated_one_says_so():
    died = datetime(2025, 2, 14, 23, 0, tzinfo=UTC)
    assert words(render("{% age patient %}", patient=patient(deceased_at=died))) == "83 y at death"
    assert words(render("{% age patient %}", patient=patient(birth_date_estimated=True))).startswith("~")
    assert words(render("{% age patient %}", patient=patient(birth_date=None))) == "age unknown"


@pytest.mark.parametrize(
    ("given", "word"), [("female", "Female"), ("m", "Male"), ("other", "Other"), ("", "Sex unknown")]
)
def test_a_sex_is_a_letter_for_the_eye_and_a_word_for_the_ear(given, word):
    assert word in render("{% sex patient %}", patient=patient(sex=given))


@pytest.mark.parametrize(
    ("amount", "currency", "said"),
    [
        (Decimal("1234.5"), "USD", "$1,234.50"),
        (Decimal("-80"), "EUR", "\N{MINUS SIGN}€80.00"),
        (Decimal("0"), "GBP", "£0.00"),
        (Decimal("1234.5"), "KWD", "KWD 1,234.500"),
        (Decimal("1500"), "JPY", "¥1,500"),
        (Decimal("99999999999.99"), "", "99,999,999,999.99"),
        (None, "USD", ""),
    ],
)
def test_money_is_exact_and_has_its_currency(amount, currency, said):
    assert words(render("{{ amount|money:currency }}", amount=amount, currency=currency)) == said


@pytest.mark.parametrize(
    ("minutes", "level", "said"),
    [(0, "green", "0 min"), (15, "amber", "15 min , long"), (30, "red", "30 min , too long"), (65, "red", "1 h 05")],
)
def test_waiting_is_told_by_word_and_colour(minutes, level, said):
    html = render("{% waiting since amber=15 red=30 until=now %}", since=NOW - timedelta(minutes=minutes), now=NOW)
    assert f"waiting-{level}" in html
    assert said.split(" , ")[0] in words(html)
    assert "data-waiting" not in html, "a stopped clock does not tick"


def test_initials_are_the_first_and_the_last():
    assert render("{{ name|initials }}", name="Maria del Carmen Ruiz (locum)") == "MR"
    assert render("{{ name|initials }}", name="") == ""


# --- frame -------------------------------------------------------------------------------


class Somebody:
    def __init__(self, *permissions: str) -> None:
        self.permissions = permissions

    def may(self, permission: str) -> bool:
        return permission in self.permissions


PLACE = '{% place "people" "People" "users" "hospital.manage_people" %}'


def test_a_place_that_the_role_may_not_enter_is_not_there(settings):
    settings.ROOT_URLCONF = "hospital.urls"
    assert render(PLACE, acting=Somebody()) == ""
    assert words(render(PLACE, acting=Somebody("hospital.manage_people"))) == "People"


def test_filters_keep_each_other_and_begin_at_the_first_page():
    assert render('{% filter_url "status" "paid" %}', query="day=today&page=4") == "?day=today&amp;status=paid"
    assert render('{% filter_url "status" "" %}', query="status=paid") == "?"


def test_the_banner_shows_what_may_hurt_the_patient():
    html = render_to_string("_patient_banner.html", {"patient": patient(allergies=["Penicillin", "Latex"])})
    assert "Allergies: Penicillin, Latex" in words(html)
    assert "Allergies not asked" in render_to_string("_patient_banner.html", {"patient": patient()})


def test_the_banner_is_one_element_with_an_id_and_a_version():
    html = render_to_string("_patient_banner.html", {"patient": patient()}).strip()
    assert re.match(r'<section id="patient-banner-1"[^>]* data-v="4"', html)


# --- forms -------------------------------------------------------------------------------


class Weighing(forms.Form):
    weight = forms.DecimalField(max_value=400, help_text="Without shoes.")
    place = forms.ChoiceField(widget=forms.RadioSelect, choices=[("a", "Ward A"), ("b", "Ward B")])
    note = forms.CharField(required=False, widget=forms.Textarea)
    fasting = forms.BooleanField(required=False)
    secret = forms.CharField(widget=forms.HiddenInput, required=False)


def weighing(**data: str) -> str:
    return render_to_string("_form.html", {"form": Weighing(data), "action": "/weigh/", "form_key": "k"})


def test_an_error_stands_at_its_field_and_in_the_summary_which_leads_there():
    html = weighing(weight="640", place="a")
    assert words(html).count("Write 400 or less.") == 2
    assert 'href="#id_weight"' in html
    assert 'aria-invalid="true"' in html
    ids = set(re.findall(r'\bid="([^"]+)"', html))
    described = {one for group in re.findall(r'aria-describedby="([^"]+)"', html) for one in group.split()}
    assert described == {"id_weight_error", "id_weight_helptext"}
    assert described | set(re.findall(r'\bfor="([^"]+)"', html)) | set(re.findall(r'href="#([^"]+)"', html)) <= ids


def test_only_what_is_optional_says_so():
    assert words(weighing()).count("optional") == 1, "the note; a tick says it by itself"


def test_a_radio_button_keeps_its_choice():
    assert re.search(r'value="b"[^>]* checked', weighing(place="b"))


def test_both_sides_of_a_conflict_can_be_chosen():
    conflict = SimpleNamespace(field="phone", label="Phone", mine="1", theirs="", by="Grace Mwangi", at=NOW)
    html = render_to_string("_conflict.html", {"conflicts": [conflict]})
    assert re.findall(r'name="keep_phone" value="(\w+)"', html) == ["mine", "theirs"]
    assert "(empty)" in html


# --- plots -------------------------------------------------------------------------------


def bars(*values: float | Decimal | None, **more: object) -> Bars:
    return Bars("Visits", labels=[str(at) for at in range(len(values))], series=[Series("Visits", values)], **more)


@pytest.mark.parametrize(
    ("values", "ticks"),
    [
        ([41, 22], ["0", "10", "20", "30", "40", "50"]),
        ([0, 0], ["0", "1"]),
        ([1], ["0", "0.2", "0.4", "0.6", "0.8", "1"]),
        ([-20, 30], ["-20", "-10", "0", "10", "20", "30"]),
        ([Decimal("12345.67")], ["0", "2,500", "5,000", "7,500", "10,000", "12,500"]),
        ([], ["0", "1"]),
    ],
)
def test_a_scale_has_round_numbers_and_nought(values, ticks):
    assert [tick.label for tick in bars(*values).y_ticks] == ticks


def test_no_bar_leaves_the_plot():
    for box in bars(3, None, 41, -7).boxes:
        assert 0 <= float(box.y) <= float(box.y) + float(box.height) <= 200


def test_stacked_bars_stand_on_each_other():
    plot = Bars("Revenue", labels=["Mon"], series=[Series("Cash", [30]), Series("Card", [20])], stacked=True)
    cash, card = plot.boxes
    assert float(card.y) + float(card.height) == pytest.approx(float(cash.y), abs=0.02)


def test_a_gap_breaks_the_line_and_is_a_dash_in_the_table():
    plot = Line("Waiting", labels=["7", "8", "9", "10"], series=[Series("Today", [4, None, 9, 12])])
    (path,) = plot.paths
    assert path.d.count("M") == 2
    assert [row for _, row in plot.rows] == [["4"], ["\N{EN DASH}"], ["9"], ["12"]]


def test_a_series_of_another_length_is_refused():
    with pytest.raises(ValueError, match="2 values for 3 labels"):
        Line("Waiting", labels=["7", "8", "9"], series=[Series("Today", [1, 2])])


def test_many_labels_are_thinned():
    plot = bars(*range(90))
    assert len(plot.x_ticks) <= 12
    assert sum(not tick.minor for tick in plot.x_ticks) <= 6


def test_a_plot_carries_its_title_its_unit_and_its_table():
    html = render_to_string("_plot_bars.html", {"plot": bars(3, 4, unit="visits")})
    assert "Visits, in visits" in words(html)
    assert "<table" in html
    assert "<title>0: 3 visits</title>" in html


def test_a_spark_reads_its_values_aloud_and_nothing_is_drawn_of_nothing():
    assert 'aria-label="HbA1c: 7.1, 7.4"' in render_to_string(
        "_spark.html", {"spark": Spark([7.1, None, 7.4], "HbA1c")}
    )
    assert render_to_string("_spark.html", {"spark": Spark([])}).strip() == ""


# --- colours: WCAG 2.2 AA by calculation -------------------------------------------------

CSS = (ROOT / "static/app.css").read_text()
PAIR = re.compile(r"--([\w-]+):\s*light-dark\((#\w{6}),\s*(#\w{6})\)")
ACCENTS = re.findall(r'\[data-accent="(\w+)"\] {([^}]*)}', CSS)
BASE = {name: (light, dark) for name, light, dark in PAIR.findall(CSS.partition("[data-accent=")[0])}
TEXT_ON = [
    *product(["ink", "ink-2", "accent-ink"], ["ground", "surface", "surface-2", "raised", "hover"]),
    ("accent-ink", "accent-soft"),
    *((f"{tone}-ink", tone) for tone in ("neutral", "info", "busy", "good", "warn", "bad", "solid")),
    *product(["good-ink", "warn-ink", "bad-ink"], ["surface", "hover", "raised"]),
]
LINES_ON = [("line-2", "surface"), *product(["c1", "c2", "c3", "c4", "c5", "c6"], ["surface"])]


def luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("accent", ["blue", *(name for name, _ in ACCENTS)])
@pytest.mark.parametrize(("theme", "at"), [("light", 0), ("dark", 1)])
def test_every_colour_can_be_read_in_every_hospital(accent, theme, at):
    own = {name: (light, dark) for name, light, dark in PAIR.findall(dict(ACCENTS).get(accent, ""))}
    colours = {name: pair[at] for name, pair in {**BASE, **own}.items()}
    weak = [f"{ink} on {on}" for ink, on in TEXT_ON if contrast(colours[ink], colours[on]) < 4.5]
    weak += [
        f"white on {name}" for name in ("accent", "accent-strong", "alarm") if contrast("#ffffff", colours[name]) < 4.5
    ]
    weak += [f"{line} on {on}" for line, on in LINES_ON if contrast(colours[line], colours[on]) < 3]
    assert weak == []


def test_there_is_an_accent_for_every_choice_of_a_hospital():
    choices = {value for value, _ in apps.get_model("hospital.Tenant")._meta.get_field("accent").choices}
    assert choices == {"blue", *(name for name, _ in ACCENTS)}
