"""Addresses of notes: written, signed, listed, printed."""

from django.urls import path

from clinical.views import encounter, encounter_lists, encounter_paper, encounter_parts, encounter_signing

urlpatterns = [
    path("notes/", encounter_lists.unsigned_notes, name="unsigned_notes"),
    path("notes/export/", encounter_lists.unsigned_export, name="unsigned_export"),
    path("notes/to-cosign/", encounter_lists.to_cosign, name="to_cosign"),
    path("notes/quick-texts/", encounter_parts.quick_texts, name="quick_texts"),
    path("notes/quick-texts/new/", encounter_parts.quick_text_new, name="quick_text_new"),
    path("notes/quick-texts/<uuid:pk>/", encounter_parts.quick_text_edit, name="quick_text_edit"),
    path("notes/quick-texts/<uuid:pk>/remove/", encounter_parts.quick_text_remove, name="quick_text_remove"),
    path("notes/<uuid:pk>/", encounter.encounter, name="encounter"),
    path("notes/<uuid:pk>/save/", encounter.encounter_save, name="encounter_save"),
    path("notes/<uuid:pk>/state/", encounter.encounter_state, name="encounter_state"),
    path("notes/<uuid:pk>/step/", encounter.encounter_step, name="encounter_step"),
    path("notes/<uuid:pk>/diagnoses/", encounter.encounter_diagnoses, name="encounter_diagnoses"),
    path("notes/<uuid:pk>/plan/", encounter_parts.plan_add, name="plan_add"),
    path("notes/plan/<uuid:pk>/remove/", encounter_parts.plan_remove, name="plan_remove"),
    path("notes/<uuid:pk>/lesions/new/", encounter_parts.lesion_new, name="lesion_new"),
    path("notes/lesions/<uuid:pk>/", encounter_parts.lesion_edit, name="lesion_edit"),
    path("notes/lesions/<uuid:pk>/remove/", encounter_parts.lesion_remove, name="lesion_remove"),
    path("notes/<uuid:pk>/sign/", encounter_signing.encounter_sign, name="encounter_sign"),
    path("notes/<uuid:pk>/cosign/", encounter_signing.encounter_cosign, name="encounter_cosign"),
    path("notes/<uuid:pk>/hand-over/", encounter_signing.encounter_hand_over, name="encounter_hand_over"),
    path("notes/<uuid:pk>/review/", encounter_signing.encounter_review, name="encounter_review"),
    path("notes/<uuid:pk>/addendum/", encounter_signing.encounter_addendum, name="encounter_addendum"),
    path("notes/<uuid:pk>/error/", encounter_signing.encounter_error, name="encounter_error"),
    path("notes/<uuid:pk>/print/", encounter_paper.encounter_print, name="encounter_print"),
    path("notes/<uuid:pk>/pdf/", encounter_paper.encounter_pdf, name="encounter_pdf"),
    path("visits/<uuid:pk>/note/", encounter.encounter_new, name="encounter_new"),
]
