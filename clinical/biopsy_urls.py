"""Addresses of biopsies. The three sections: where it is, what came out, and what is not closed."""

from django.urls import path

from clinical import pathology_urls
from clinical.views import biopsy, biopsy_labels, biopsy_log, biopsy_paper, biopsy_report, biopsy_steps, manifest

# --- where it is: orders, labels, custody, couriers ---
urlpatterns = [
    path("visits/<uuid:pk>/biopsies/new/", biopsy.biopsy_order, name="biopsy_order"),
    path("biopsies/receiving/", biopsy_labels.biopsy_receiving, name="biopsy_receiving"),
    path("biopsies/<uuid:pk>/", biopsy.biopsy, name="biopsy"),
    path("biopsies/<uuid:pk>/take/", biopsy_steps.biopsy_take, name="biopsy_take"),
    path("biopsies/<uuid:pk>/labels/", biopsy_labels.biopsy_labels, name="biopsy_labels"),
    path("biopsies/<uuid:pk>/photos/", biopsy_steps.biopsy_photos, name="biopsy_photos"),
    path("biopsies/<uuid:pk>/cancel/", biopsy_steps.biopsy_cancel, name="biopsy_cancel"),
    path("biopsies/<uuid:pk>/fail/", biopsy_steps.biopsy_fail, name="biopsy_fail"),
    *(
        path(f"biopsies/<uuid:pk>/{step}/", biopsy_steps.biopsy_step, {"step": step}, name=f"biopsy_{step}")
        for step in biopsy_steps.STEPS
    ),
    path("biopsies/again/<uuid:pk>/order/", biopsy_steps.rebiopsy_order, name="rebiopsy_order"),
    path("biopsies/again/<uuid:pk>/decline/", biopsy_steps.rebiopsy_decline, name="rebiopsy_decline"),
    path("biopsies/again/<uuid:pk>/found/", biopsy_steps.rebiopsy_found, name="rebiopsy_found"),
    path("biopsies/parts/<uuid:pk>/make/", biopsy_steps.part_make, name="part_make"),
    *(
        path(f"biopsies/parts/<uuid:pk>/{code}.svg", biopsy_labels.part_code, {"code": code}, name=f"part_{code}")
        for code in biopsy_labels.CODES
    ),
    path("biopsies/manifests/", manifest.manifests, name="manifests"),
    path("biopsies/manifests/<uuid:pk>/", manifest.manifest, name="manifest"),
    path("biopsies/manifests/<uuid:pk>/scan/", manifest.manifest_scan, name="manifest_scan"),
    path("biopsies/manifests/<uuid:pk>/add/<uuid:biopsy>/", manifest.manifest_add, name="manifest_add"),
    path("biopsies/manifests/items/<uuid:pk>/remove/", manifest.manifest_take_out, name="manifest_take_out"),
    path("biopsies/manifests/<uuid:pk>/send/", manifest.manifest_send, name="manifest_send"),
    path("biopsies/manifests/<uuid:pk>/receive/", manifest.manifest_receive, name="manifest_receive"),
    path("biopsies/manifests/<uuid:pk>/cancel/", manifest.manifest_cancel, name="manifest_cancel"),
    path("biopsies/manifests/<uuid:pk>/print/", manifest.manifest_print, name="manifest_print"),
]
# --- what came out: results, review, telling, codes, laboratories ---
urlpatterns += pathology_urls.urlpatterns
# --- what is not closed: the log, the overdue, the printed history ---
urlpatterns += [
    path("biopsies/", biopsy_log.biopsies, name="biopsies"),
    path("biopsies/csv/", biopsy_log.biopsies_csv, name="biopsies_csv"),
    path("biopsies/filters/", biopsy_log.keep_filter, name="keep_filter"),
    path("biopsies/filters/<uuid:pk>/drop/", biopsy_log.drop_filter, name="drop_filter"),
    path("biopsies/day/", biopsy_paper.biopsies_day, name="biopsies_day"),
    path("biopsies/report/", biopsy_report.biopsy_report, name="biopsy_report"),
    path("biopsies/report/<slug:table>/csv/", biopsy_report.biopsy_report_csv, name="biopsy_report_csv"),
    path("biopsies/<uuid:pk>/history/", biopsy_paper.biopsy_history, name="biopsy_history"),
]
