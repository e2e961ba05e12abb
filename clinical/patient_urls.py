"""Addresses of what belongs to a patient as a person, and of merging."""

from django.urls import path

from clinical.views import merge, patient, person, wristband

urlpatterns = [
    path("patients/export/", patient.patients_export, name="patients_export"),
    path("patients/unknown/", person.unknown_new, name="unknown_new"),
    path("patients/possible-duplicates/", merge.duplicates, name="duplicates"),
    path("patients/possible-duplicates/<uuid:pk>/step/", merge.duplicate_step, name="duplicate_step"),
    path("patients/merges/", merge.merges, name="merges"),
    path("patients/merges/<uuid:pk>/", merge.merge, name="merge"),
    path("patients/merges/<uuid:pk>/undo/", merge.merge_undo, name="merge_undo"),
    path("patients/tags/", person.tags, name="tags"),
    path("patients/tags/new/", person.tag_new, name="tag_new"),
    path("patients/tags/<uuid:pk>/", person.tag_edit, name="tag_edit"),
    path("patients/<uuid:pk>/merge/", merge.merge_new, name="merge_new"),
    path("patients/<uuid:pk>/identify/", person.identify, name="identify"),
    path("patients/<uuid:pk>/death/", person.death, name="death"),
    path("patients/<uuid:pk>/death/undo/", person.death_undo, name="death_undo"),
    path("patients/<uuid:pk>/photo/", person.photo, name="photo"),
    path("patients/<uuid:pk>/photo/edit/", person.photo_edit, name="photo_edit"),
    path("patients/<uuid:pk>/wristband/", wristband.wristband, name="wristband"),
    path("patients/<uuid:pk>/wristband.pdf", wristband.wristband_pdf, name="wristband_pdf"),
    path("patients/<uuid:pk>/bars.svg", wristband.wristband_code, {"kind": "bars"}, name="wristband_bars"),
    path("patients/<uuid:pk>/matrix.svg", wristband.wristband_code, {"kind": "matrix"}, name="wristband_matrix"),
    path("patients/<uuid:pk>/contacts/new/", person.contact_new, name="contact_new"),
    path("contacts/<uuid:pk>/edit/", person.contact_edit, name="contact_edit"),
    path("contacts/<uuid:pk>/end/", person.contact_end, name="contact_end"),
    path("patients/<uuid:pk>/relations/new/", person.relation_new, name="relation_new"),
    path("relations/<uuid:pk>/edit/", person.relation_edit, name="relation_edit"),
    path("relations/<uuid:pk>/end/", person.relation_end, name="relation_end"),
]
