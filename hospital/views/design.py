"""The parts from which every page is made, on one page, in development."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from types import SimpleNamespace as Example
from typing import Any

from django import forms
from django.conf import settings
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from hospital.http import Request
from hospital.permits import MEMBER, permit
from hospital.plots import Bars, Line, Series, Spark
from hospital.tones import FLAGS, TONES

PAPERS = ("a4", "a5", "roll", "label", "wristband")
PARTS = ("Queue", "Results", "Figures", "Plots", "Forms", "Words", "People", "Messages", "Paper", "Icons")
WEEK = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]


@permit(MEMBER)
def design(request: Request) -> HttpResponse:
    paper = request.GET.get("paper")
    if paper is None:
        return render(request, "design/design.html", examples())
    if paper not in PAPERS:
        raise Http404
    return render(request, f"design/paper_{paper}.html", examples())


def examples() -> dict[str, Any]:
    now = timezone.now()
    return {
        "parts": PARTS,
        "patient": AMARA,
        "visit": a_visit("E-014", "lab_done", "paid"),
        "patients": [NEWBORN, TODDLER, OLD, DEAD],
        "queue": queue(now),
        "pills": [
            pill("", "All", 9),
            pill("waiting", "Waiting", 5),
            pill("called", "Called", 1),
            pill("done", "Done", 3),
        ],
        "vitals": vitals(now),
        "results": RESULTS,
        "entries": entries(now),
        "bars": BARS,
        "stacked": STACKED,
        "line": LINE,
        "spark": Spark([31, 28, 35, 30, 41, 22, 18], label="Visits by day"),
        "page": Paginator(range(237), 25).page(3),
        "form": Registration(),
        "wrong": wrong(),
        "conflicts": [
            Example(
                field="phone",
                label="Phone",
                mine="+234 803 555 0142",
                theirs="+234 803 555 0199",
                by="Grace Mwangi",
                at=now - timedelta(minutes=2),
            )
        ],
        "tones": [(kind, list(words)) for kind, words in TONES.items()],
        "flags": list(FLAGS),
        "icons": icon_names(),
        "now": now,
        "cost": Decimal("1234.5"),
        "refund": Decimal("-80"),
        "prescriptions": PRESCRIPTIONS,
    }


def pill(value: str, label: str, count: int) -> Example:
    return Example(value=value, label=label, count=count)


def queue(now) -> list[Example]:
    return [
        place("E-014", AMARA, "Front desk", "emergency", "called", now - timedelta(minutes=4)),
        place("E-012", NEWBORN, "Front desk", "urgent", "waiting", now - timedelta(minutes=21)),
        place("E-009", TODDLER, "Laboratory", "routine", "waiting", now - timedelta(minutes=47)),
        place("E-015", OLD, "Front desk", "routine", "waiting", now - timedelta(minutes=1)),
    ]


def place(token: str, patient: Example, origin: str, priority: str, status: str, since) -> Example:
    return Example(
        token=token, patient=patient, origin=origin, priority=priority, status=status, since=since, visit=VISITS[token]
    )


def vitals(now) -> list[Example]:
    def vital(label: str, value: str, unit: str, flag: str, minutes: int, history: list[float]) -> Example:
        return Example(
            label=label,
            value=value,
            unit=unit,
            flag=flag,
            at=now - timedelta(minutes=minutes),
            spark=Spark(history, label=f"{label}, last values"),
        )

    return [
        vital("Blood pressure", "168/102", "mmHg", "high", 12, [132, 138, 141, 150, 168]),
        vital("Pulse", "96", "/min", "normal", 12, [78, 82, 80, 91, 96]),
        vital("Temperature", "39.8", "°C", "critical_high", 12, [36.8, 37.0, 37.4, 38.6, 39.8]),
        vital("Saturation", "93", "%", "low", 12, [98, 97, 97, 95, 93]),
        vital("Respiration", "18", "/min", "normal", 12, [16, 16, 17, 18, 18]),
        vital("Weight", "64.2", "kg", "normal", 60 * 24 * 41, [66.0, 65.1, 64.2]),
    ]


def entries(now) -> list[Example]:
    def entry(hours: int, icon: str, title: str, text: str, by: str, tone: str = "") -> Example:
        return Example(at=now - timedelta(hours=hours), icon=icon, title=title, text=text, by=by, tone=tone, url="")

    return [
        entry(
            1,
            "report-medical",
            "Results released",
            "Potassium 6.8 mmol/L, critical high. Full blood count, normal.",
            "Jonas Weber",
            "bad",
        ),
        entry(2, "test-pipe", "Specimens collected", "2 tubes, accession 26-004417", "Jonas Weber", "busy"),
        entry(
            3,
            "stethoscope",
            "Examined",
            "Fever for three days, cough. Lungs: fine crackles on the right.",
            "Dr Lucia Romero",
        ),
        entry(24 * 210, "vaccine", "Immunisation", "Influenza, injectable, quadrivalent", "Imported record", "good"),
        entry(24 * 900, "home", "Moved into the district", "", "Grace Mwangi"),
    ]


def wrong() -> forms.Form:
    form = Registration(
        {"name": "", "birth_date": "2031-01-01", "sex": "female", "weight": "640", "notes": "Comes with her sister."},
        auto_id="wrong_%s",
    )
    form.full_clean()
    return form


def icon_names() -> list[str]:
    return sorted((settings.BASE_DIR / "static/icons.txt").read_text().split())


class Registration(forms.Form):
    name = forms.CharField(max_length=120, help_text="As in the identity document.")
    birth_date = forms.DateField(label="Date of birth", widget=forms.DateInput(attrs={"type": "date"}))
    sex = forms.ChoiceField(choices=[("", "Choose"), ("female", "Female"), ("male", "Male"), ("other", "Other")])
    phone = forms.CharField(
        required=False, widget=forms.TextInput(attrs={"type": "tel", "placeholder": "+234 803 555 0142"})
    )
    weight = forms.DecimalField(
        required=False,
        min_value=0,
        max_value=400,
        error_messages={"max_value": "More than 400 kg is not plausible. Check the unit."},
    )
    arrival = forms.ChoiceField(
        label="Comes",
        widget=forms.RadioSelect,
        choices=[("walk", "on foot"), ("chair", "in a wheelchair"), ("ambulance", "by ambulance")],
        required=False,
    )
    consent = forms.BooleanField(label="Consent to treatment is signed", required=False)
    notes = forms.CharField(required=False, widget=forms.Textarea(attrs={"rows": 3}))

    def clean_birth_date(self) -> date:
        born = self.cleaned_data["birth_date"]
        if born > timezone.localdate():
            raise forms.ValidationError(
                "This date is in the future. Enter the day of birth, or tick that it is estimated."
            )
        return born


def a_visit(token: str, status: str, payment: str) -> Example:
    return Example(
        pk=token, version=1, number="V-000417", token=token, priority="routine", status=status, payment=payment
    )


def person(pk: int, name: str, number: str, sex: str, born: date, **more: Any) -> Example:
    usual: dict[str, Any] = {
        "birth_date_estimated": False,
        "deceased_at": None,
        "allergies": [],
        "tags": [],
        "restricted": False,
        "version": 3,
    }
    return Example(pk=f"example-{pk}", name=name, number=number, sex=sex, birth_date=born, **{**usual, **more})


TODAY = timezone.now().date()
AMARA = person(
    1,
    "Amara Okafor",
    "P-100234",
    "female",
    date(1991, 3, 3),
    allergies=["Penicillin (anaphylaxis)", "Latex"],
    tags=["Interpreter: Igbo"],
)
NEWBORN = person(2, "Baby of Wanjiru Kamau", "P-100981", "male", TODAY - timedelta(days=9))
TODDLER = person(3, "Lê Thị Hồng Hạnh", "P-100655", "female", TODAY - timedelta(days=400), allergies=["Peanut"])
OLD = person(
    4, "Bartholomew Featherstonehaugh-Cholmondeley", "P-098001", "male", date(1938, 7, 1), birth_date_estimated=True
)
DEAD = person(
    5, "Ernst Baumgartner", "P-091377", "male", date(1941, 11, 20), deceased_at=date(2025, 2, 14), restricted=True
)
VISITS = {
    "E-014": a_visit("E-014", "registered", "paid"),
    "E-012": a_visit("E-012", "registered", "unpaid"),
    "E-009": a_visit("E-009", "lab_done", "partial"),
    "E-015": a_visit("E-015", "registered", "waived"),
}
RESULTS = [
    Example(
        test="Potassium",
        value="6.8",
        unit="mmol/L",
        range="3.5 to 5.1",
        flag="critical_high",
        spark=Spark([4.4, 4.9, 5.6, 6.8], label="Potassium"),
    ),
    Example(
        test="Haemoglobin",
        value="10.9",
        unit="g/dL",
        range="12.0 to 15.5",
        flag="low",
        spark=Spark([12.4, 12.0, 11.3, 10.9], label="Haemoglobin"),
    ),
    Example(
        test="Leucocytes",
        value="14.2",
        unit="10⁹/L",
        range="4.0 to 11.0",
        flag="high",
        spark=Spark([7.1, 7.8, 14.2], label="Leucocytes"),
    ),
    Example(
        test="Sodium",
        value="139",
        unit="mmol/L",
        range="135 to 145",
        flag="normal",
        spark=Spark([140, 138, 139, 139], label="Sodium"),
    ),
    Example(test="Malaria, rapid test", value="Positive", unit="", range="Negative", flag="abnormal", spark=None),
]
PRESCRIPTIONS = [
    Example(
        medicine="Amoxicillin 500 mg, capsule", prescribed=21, dispensed=21, status="dispensed", price=Decimal("4.20")
    ),
    Example(
        medicine="Paracetamol 500 mg, tablet", prescribed=30, dispensed=12, status="partial", price=Decimal("1.80")
    ),
    Example(
        medicine="Oral rehydration salts, sachet", prescribed=6, dispensed=0, status="pending", price=Decimal("1050.00")
    ),
]
BARS = Bars(
    "Visits by day",
    unit="visits",
    labels=WEEK,
    series=[
        Series("This week", [31, 28, 35, 30, 41, 22, 18]),
        Series("Week before", [27, 30, 29, 33, 36, 19, 20], muted=True),
    ],
)
STACKED = Bars(
    "Revenue by payment",
    unit="USD",
    labels=WEEK,
    stacked=True,
    series=[
        Series("Cash", [820, 640, 910, 760, 1120, 400, 310]),
        Series("Card", [1310, 1180, 1500, 1420, 1890, 700, 520]),
        Series("Insurance", [960, 1230, 870, 1010, 1300, 0, 0]),
    ],
)
LINE = Line(
    "Waiting for the examination",
    unit="min",
    labels=[f"{hour}:00" for hour in range(7, 20)],
    series=[
        Series("Today", [4, 9, 18, 26, 31, 24, 17, 12, 15, None, None, None, None]),
        Series("Usually", [6, 10, 15, 20, 22, 21, 18, 15, 14, 13, 11, 8, 5], muted=True),
    ],
)
