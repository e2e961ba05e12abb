"""Addresses of what came out of a biopsy, and of what its administrator keeps."""

from django.urls import path

from clinical.views import biopsy_result, biopsy_telling, pathology_catalogue

urlpatterns = [
    path("biopsies/<uuid:pk>/result/", biopsy_result.biopsy_report_enter, name="biopsy_result"),
    path("biopsies/<uuid:pk>/review/", biopsy_result.biopsy_review, name="biopsy_review"),
    path("biopsies/<uuid:pk>/close/", biopsy_result.biopsy_close, name="biopsy_close"),
    path("biopsies/<uuid:pk>/tell/", biopsy_telling.biopsy_tell, {"kind": "told"}, name="biopsy_tell"),
    path("biopsies/<uuid:pk>/attempt/", biopsy_telling.biopsy_tell, {"kind": "attempt"}, name="biopsy_attempt"),
    path("biopsies/<uuid:pk>/letter/", biopsy_telling.biopsy_letter, name="biopsy_letter"),
    path("biopsies/tellings/<uuid:pk>/print/", biopsy_telling.biopsy_letter_print, name="biopsy_letter_print"),
    path("biopsies/corrected/", biopsy_result.biopsies_corrected, name="biopsies_corrected"),
    path("biopsies/corrected/<uuid:pk>/seen/", biopsy_result.biopsy_corrected_seen, name="biopsy_corrected_seen"),
    path("biopsies/codes/install/", pathology_catalogue.pathology_install, name="pathology_install"),
]
for kind in pathology_catalogue.KINDS:
    rows = f"biopsies/{kind}/"
    urlpatterns += [
        path(rows, pathology_catalogue.pathology_rows, {"kind": kind}, name="pathology_rows"),
        path(f"{rows}new/", pathology_catalogue.pathology_row_new, {"kind": kind}, name="pathology_row_new"),
        path(f"{rows}<uuid:pk>/", pathology_catalogue.pathology_row_edit, {"kind": kind}, name="pathology_row_edit"),
    ]
