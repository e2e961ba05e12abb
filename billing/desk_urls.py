"""Addresses of the desk: accounts of patients, invoices, drawers, what is owed."""

from django.urls import path

from billing.views import drawers, invoices, owed, packages, patient_account

urlpatterns = [
    path("patients/<uuid:pk>/account/", patient_account.patient_account, name="patient_account"),
    path("patients/<uuid:pk>/account/payment/", patient_account.take_for_visits, name="take_for_visits"),
    path("patients/<uuid:pk>/account/deposit/", patient_account.take_deposit, name="take_deposit"),
    path("patients/<uuid:pk>/account/use/", patient_account.use_deposit, name="use_deposit"),
    path("patients/<uuid:pk>/statement/", patient_account.statement_print, name="statement"),
    path("patients/<uuid:pk>/statement/pdf/", patient_account.statement_file, name="statement_pdf"),
    path("patients/<uuid:pk>/invoices/new/", invoices.invoice_new, name="invoice_new"),
    path("invoices/", invoices.invoices, name="invoices"),
    path("invoices/<uuid:pk>/", invoices.invoice, name="invoice"),
    path("invoices/<uuid:pk>/issue/", invoices.invoice_issue, name="invoice_issue"),
    path("invoices/<uuid:pk>/cancel/", invoices.invoice_cancel, name="invoice_cancel"),
    path("invoices/<uuid:pk>/credit/", invoices.invoice_credit, name="invoice_credit"),
    path("invoices/<uuid:pk>/stop/", invoices.invoice_stop, name="invoice_stop"),
    path("invoices/<uuid:pk>/print/", invoices.invoice_print, name="invoice_print"),
    path("invoices/<uuid:pk>/pdf/", invoices.invoice_file, name="invoice_pdf"),
    path("credit-notes/<uuid:pk>/", invoices.credit_note, name="credit_note"),
    path("drawers/", drawers.drawers, name="drawers"),
    path("drawers/open/", drawers.drawer_open, name="drawer_open"),
    path("drawers/<uuid:pk>/", drawers.drawer, name="drawer"),
    path("drawers/<uuid:pk>/move/", drawers.drawer_move, name="drawer_move"),
    path("drawers/<uuid:pk>/close/", drawers.drawer_close, name="drawer_close"),
    path("drawers/<uuid:pk>/print/", drawers.drawer_print, name="drawer_print"),
    path("ageing/", owed.ageing, name="ageing"),
    path("ageing/csv/", owed.ageing_csv, name="ageing_csv"),
    path("reminders/", owed.reminders, name="reminders"),
    path("reminders/<uuid:pk>/", owed.reminder, name="reminder"),
    path("refunds/", owed.refunds, name="refunds"),
    path("visits/<uuid:pk>/package/", packages.apply_package, name="apply_package"),
]
