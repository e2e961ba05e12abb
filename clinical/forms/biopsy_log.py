"""Which biopsies the log shows, and how they are put together."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.db.models import Case, Count, IntegerField, Q, Value, When

from clinical.body_sites import SITES
from clinical.forms.period import PeriodForm
from clinical.models import Biopsy, BiopsyPart, PathologyLab, Patient
from clinical.models.biopsy import Biopsies, Malignancy
from clinical.models.biopsy_clock import ALARMING
from hospital.choices import offer
from hospital.models import Person
from hospital.workflow import Refused

S = Biopsy.Status
# What each pill shows, in the order of the loop.
PILLS: dict[str, tuple[str, Q]] = {
    "": ("Open", ~Q(status__in=Biopsy.ENDED)),
    "ordered": ("To take", Q(status=S.ORDERED)),
    "collected": ("To send", Q(status=S.COLLECTED)),
    "away": ("At the laboratory", Q(status__in=Biopsy.AWAY)),
    "resulted": ("To review", Q(status=S.RESULTED)),
    "reviewed": ("To tell the patient", Q(status=S.REVIEWED)),
    "failed": ("Lost or no good", Q(status__in=Biopsy.FAILED)),
    "ended": ("Closed", Q(status__in=Biopsy.ENDED)),
    "all": ("All", Q()),
}
LATE = (("", "Any"), ("1", "Overdue"), ("2", "Second tier or later"), ("3", "Third tier"))
# What the log can be put together by: the columns that make a group, and the one that names it.
GROUPS: dict[str, tuple[str, str, str]] = {
    "status": ("Status", "status_rank", "status"),
    "doctor": ("Doctor", "ordered_by__name", "ordered_by__name"),
    "laboratory": ("Laboratory", "laboratory__name", "laboratory__name"),
    "site": ("Site", "site", "site"),
}
STATUS_RANK = Case(
    *(When(status=status, then=Value(rank)) for rank, status in enumerate(S.values)), output_field=IntegerField()
)
# Of a closed chart the order tells nothing either.
ALARM = Case(
    When(ALARMING & Q(patient__is_restricted=False), then=Value(0)), default=Value(1), output_field=IntegerField()
)
MOST_PATIENTS = 50
MOST_DIGITS = 6  # of a number of ours that is typed without its letters; a longer one can be a telephone's too


class LogFilter(PeriodForm):
    """What cannot be read narrows nothing."""

    q = forms.CharField(label="Patient, number or label", required=False, max_length=100)
    doctor: forms.ModelChoiceField[Person] = forms.ModelChoiceField(queryset=None, required=False, empty_label="Any")
    laboratory: forms.ModelChoiceField[PathologyLab] = forms.ModelChoiceField(
        queryset=None, required=False, empty_label="Any"
    )
    site = forms.ChoiceField(
        required=False,
        choices=[("", "Any"), *sorted(((code, one.name) for code, one in SITES.items()), key=lambda one: one[1])],
    )
    kind = forms.ChoiceField(label="Type", required=False, choices=[("", "Any"), *Biopsy.Kind.choices])
    late = forms.ChoiceField(label="Overdue", required=False, choices=LATE)
    level = forms.ChoiceField(
        label="Result", required=False, choices=[("", "Any"), *(one for one in Malignancy.choices if one[0])]
    )
    group = forms.ChoiceField(
        label="Put together by",
        required=False,
        choices=[("", "Nothing"), *((key, one[0]) for key, one in GROUPS.items())],
    )

    field_order = ("q", "doctor", "laboratory", "site", "kind", "late", "level", "since", "until", "group")

    def __init__(self, *args: Any, reads_results: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(
            self,
            "doctor",
            Person.objects.filter(pk__in=Biopsy.objects.order_by().values("ordered_by")).order_by("name"),
        )
        offer(self, "laboratory", PathologyLab.objects.order_by("name"))
        cast(forms.DateField, self.fields["since"]).label = "Ordered from"
        self.reads_results = reads_results
        if not reads_results:
            del self.fields["level"]
        self.is_valid()

    @property
    def status(self) -> str:
        chosen = self.data.get("status", "")
        return chosen if chosen in PILLS else ""

    @property
    def is_narrow(self) -> bool:
        return any(value for name, value in self.cleaned_data.items() if name != "group")

    @property
    def is_filtered(self) -> bool:
        return any(value for name, value in self.cleaned_data.items() if name != "q")

    @property
    def chosen_group(self) -> str:
        return self.cleaned_data.get("group", "")

    def narrowed(self) -> Biopsies:
        """All filters but the status."""
        asked, (since, until) = self.cleaned_data, self.bounds
        wanted = {
            "ordered_by": asked.get("doctor"),
            "laboratory": asked.get("laboratory"),
            "site": asked.get("site"),
            "kind": asked.get("kind"),
            "malignancy": asked.get("level"),
            "ordered_at__gte": since,
            "ordered_at__lt": until,
            "late_tier__gte": int(asked["late"]) if asked.get("late") else None,
        }
        rows = Biopsy.objects.timed().filter(**{name: value for name, value in wanted.items() if value})
        if asked.get("level"):
            rows = rows.filter(patient__is_restricted=False)  # what somebody has is not found out of a closed chart
        return rows.filter(named(asked["q"])) if asked.get("q") else rows

    def rows(self) -> Biopsies:
        return self.narrowed().filter(PILLS[self.status][1])

    def in_order(self) -> Biopsies:
        """A malignancy that nobody has answered comes first, then what is due first; what has nothing due, the newest first."""
        rows = self.rows().annotate(status_rank=STATUS_RANK, alarm=ALARM)
        by = [GROUPS[self.chosen_group][1]] if self.chosen_group else []
        alarm = ["alarm"] if self.reads_results else []
        return rows.order_by(*by, *alarm, "first_due", "-serial")

    def counts(self) -> dict[str, int]:
        """One question, of what the other filters let through."""
        parts = {value or "open": Count("pk", filter=which) for value, (_, which) in PILLS.items() if value != "all"}
        counts = self.narrowed().order_by().aggregate(all=Count("pk"), **parts)
        return {**counts, "": counts["open"]}

    def counts_by_group(self) -> dict[Any, int]:
        if not self.chosen_group:
            return {}
        column = GROUPS[self.chosen_group][2]
        found = self.rows().order_by().values(column).annotate(count=Count("pk"))
        return {row[column]: row["count"] for row in found}


def named(text: str) -> Q:
    """A number of a biopsy, the label of one of its parts, or anything that finds a patient."""
    typed = text.strip().upper()
    number = typed.removeprefix("BX-").lstrip("0")
    if number.isdecimal() and len(number) < 12:
        return Q(serial=int(number)) | (of_patients(text) if typed.isdecimal() and len(typed) > MOST_DIGITS else Q())
    try:
        part = BiopsyPart.by_label(text)
    except Refused:
        return of_patients(text)
    return Q(pk=part.biopsy_id if part else None)


def of_patients(text: str) -> Q:
    return Q(patient__in=list(Patient.objects.search(text)[:MOST_PATIENTS]))
