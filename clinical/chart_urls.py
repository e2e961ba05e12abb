"""Addresses of the chart: its pages, and those that each declared part has."""

from django.urls import URLPattern, path

from clinical.parts import MEASUREMENTS, PARTS, WRITTEN, Part, Written
from clinical.views.chart import export, medication, paper, part, past, results, summary, timeline, vitals

OF_PATIENT = "patients/<uuid:pk>/chart/"


def list_of(one: Part) -> URLPattern:
    return path(f"{OF_PATIENT}{one.key}/", part.part, {"part": one}, name=f"chart_{one.key}")


def verbs_of(one: Written) -> list[URLPattern]:
    verbs = {"edit": part.part_edit, "end": part.part_end}
    known = [verb for verb in verbs if verb == "edit" or one.end]
    return [
        path(f"{OF_PATIENT}{one.key}/new/", part.part_new, {"part": one}, name=f"chart_{one.key}_new"),
        *(
            path(f"chart/{one.one}/<uuid:pk>/{verb}/", verbs[verb], {"part": one}, name=f"chart_{one.key}_{verb}")
            for verb in known
        ),
        *past_of(one),
    ]


def past_of(one: Written) -> list[URLPattern]:
    row = f"chart/{one.one}/<uuid:pk>/"
    return [
        path(f"{row}mistake/", part.part_mistake, {"part": one}, name=f"chart_{one.key}_mistake"),
        path(f"{row}history/", part.part_history, {"part": one}, name=f"chart_{one.key}_history"),
    ]


urlpatterns = [
    path(OF_PATIENT, summary.summary, name="chart"),
    path(f"{OF_PATIENT}results/", results.results, name="chart_results"),
    path(f"{OF_PATIENT}timeline/", timeline.timeline, name="chart_timeline"),
    path(f"{OF_PATIENT}<slug:part>/export/", export.chart_export, name="chart_export"),
    path(f"{OF_PATIENT}print/", paper.paper, name="chart_print"),
    path(f"{OF_PATIENT}changes/", past.changes, name="chart_changes"),
    path(f"{OF_PATIENT}vitals/new/", vitals.vitals_new, name="chart_vitals_new"),
    path(f"{OF_PATIENT}allergies/none/", part.none_known, name="chart_none_known"),
    path(f"{OF_PATIENT}medication/review/", medication.medication_review, name="chart_medication_review"),
    path("chart/codes/", part.codes, name="chart_codes"),
    *(list_of(one) for one in PARTS),
    *(pattern for one in WRITTEN for pattern in verbs_of(one)),
    *past_of(MEASUREMENTS),
]
