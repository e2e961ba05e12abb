"""Addresses of specimens and of the laboratory's catalogue."""

from django.urls import path

from clinical.views import lab_catalogue, lab_conditions, specimen

urlpatterns = [
    path("specimens/", specimen.specimens, name="specimens"),
    path("specimens/export/", specimen.specimens_export, name="specimens_export"),
    path("specimens/labels/", specimen.labels, name="labels"),
    path("specimens/discard/", specimen.specimens_discard, name="specimens_discard"),
    path("specimens/<uuid:pk>/", specimen.specimen, name="specimen"),
    path("specimens/<uuid:pk>/bars.svg", specimen.specimen_barcode, name="specimen_barcode"),
    path("specimens/<uuid:pk>/reject/", specimen.specimen_reject, name="specimen_reject"),
    path("specimens/<uuid:pk>/store/", specimen.specimen_store, name="specimen_store"),
    path("specimens/<uuid:pk>/take-back/", specimen.specimen_take_back, name="specimen_take_back"),
    path("specimens/round/", specimen.collection_round, name="collection_round"),
    path("patients/<uuid:pk>/conditions/", lab_conditions.patient_conditions, name="patient_conditions"),
    path("conditions/<uuid:pk>/end/", lab_conditions.condition_end, name="condition_end"),
    path("lab-catalogue/", lab_catalogue.lab_catalogue, name="lab_catalogue"),
    path("lab-catalogue/tests/<uuid:pk>/ranges/", lab_catalogue.lab_ranges, name="lab_ranges"),
    path("specimens/receiving/", specimen.receiving, name="receiving"),
]
for kind in ("panels", "types", "conditions"):
    urlpatterns.append(path(f"lab-catalogue/{kind}/", lab_catalogue.lab_rows, {"kind": kind}, name="lab_rows"))
for kind in lab_catalogue.KINDS:
    one = f"lab-catalogue/{kind}/"
    urlpatterns += [
        path(f"{one}new/", lab_catalogue.lab_row_new, {"kind": kind}, name="lab_row_new"),
        path(f"{one}<uuid:pk>/", lab_catalogue.lab_row_edit, {"kind": kind}, name="lab_row_edit"),
    ]
