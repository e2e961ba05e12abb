"""Addresses of this app under the tenant."""

from django.urls import path

from clinical.views import board, chart, document, examination, front_desk, laboratory, patient, queue, search, visit

app_name = "clinical"
urlpatterns = [
    # --- patients, visits, queues ---
    path("front-desk/", front_desk.front_desk, name="front_desk"),
    path("front-desk/find/", front_desk.find_patient, name="find_patient"),
    path("patients/", patient.patients, name="patients"),
    path("patients/new/", patient.patient_new, name="patient_new"),
    path("patients/duplicates/", patient.patient_duplicates, name="patient_duplicates"),
    path("patients/<uuid:pk>/", patient.patient, name="patient"),
    path("patients/<uuid:pk>/edit/", patient.patient_edit, name="patient_edit"),
    path("patients/<uuid:pk>/visits/new/", visit.visit_new, name="visit_new"),
    path("visits/<uuid:pk>/", visit.visit, name="visit"),
    path("visits/<uuid:pk>/token/", visit.token, name="token"),
    path("visits/<uuid:pk>/cancel/", visit.visit_cancel, name="visit_cancel"),
    path("visits/<uuid:pk>/leave/", visit.visit_leave, name="visit_leave"),
    path("visits/<uuid:pk>/reopen/", visit.visit_reopen, name="visit_reopen"),
    path("visits/<uuid:pk>/override/", visit.visit_override, name="visit_override"),
    path("visits/<uuid:pk>/assign/", visit.visit_assign, name="visit_assign"),
    path("visits/<uuid:pk>/call/", queue.call, name="call"),
    path("visits/<uuid:pk>/uncall/", queue.uncall, name="uncall"),
    path("visits/<uuid:pk>/move/", queue.move, name="move"),
    path("visits/<uuid:pk>/undo-move/", queue.undo_move, name="undo_move"),
    path("visits/<uuid:pk>/examine/", examination.examine, name="examine"),
    path("queues/<slug:queue>/next/", queue.call_next, name="call_next"),
    path("examination/", examination.examination_queue, name="examination_queue"),
    path("board/", board.board, name="board"),
    path("search/", search.search, name="search"),
]

# chart
urlpatterns += [
    path("patients/<uuid:pk>/chart/", chart.summary, name="chart"),
    path("patients/<uuid:pk>/chart/results/", chart.results, name="chart_results"),
    path("patients/<uuid:pk>/chart/timeline/", chart.timeline, name="chart_timeline"),
    path("patients/<uuid:pk>/chart/print/", chart.paper, name="chart_print"),
    # --- laboratory and documents ---
    path("laboratory/", laboratory.lab_worklist, name="lab_worklist"),
    path("laboratory/visits/<uuid:pk>/", laboratory.lab_visit, name="lab_visit"),
    path("laboratory/visits/<uuid:pk>/step/", laboratory.lab_visit_step, name="lab_visit_step"),
    path("laboratory/tests/<uuid:pk>/", laboratory.lab_order, name="lab_order"),
    path("laboratory/tests/<uuid:pk>/step/", laboratory.lab_step, name="lab_step"),
    path("laboratory/tests/<uuid:pk>/reject/", laboratory.lab_reject, name="lab_reject"),
    path("laboratory/tests/<uuid:pk>/cancel/", laboratory.lab_cancel, name="lab_cancel"),
    path("laboratory/tests/<uuid:pk>/review/", laboratory.lab_review, name="lab_review"),
    path("visits/<uuid:pk>/tests/", laboratory.order_tests, name="order_tests"),
    path("visits/<uuid:pk>/tests/review/", laboratory.review_tests, name="review_tests"),
    path("visits/<uuid:pk>/documents/upload/", document.visit_upload, name="visit_upload"),
    path("patients/<uuid:pk>/documents/upload/", document.document_upload, name="document_upload"),
    path("documents/<uuid:pk>/", document.document, name="document"),
]
