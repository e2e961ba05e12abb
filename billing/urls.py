"""Addresses of this app under the tenant."""

from django.urls import path

from billing.views import analytics, dashboard, payments

app_name = "billing"
urlpatterns = [
    path("payments/", payments.payments, name="payments"),
    path("visits/<uuid:pk>/payment/", payments.take_payment, name="take_payment"),
    path("visits/<uuid:pk>/waive/", payments.waive_account, name="waive_account"),
    path("charges/<uuid:pk>/waive/", payments.waive_charge, name="waive_charge"),
    path("charges/<uuid:pk>/price/", payments.price_charge, name="price_charge"),
    path("receipts/<uuid:pk>/", payments.receipt, name="receipt"),
    path("dashboard/", dashboard.dashboard, name="dashboard"),
    path("analytics/", analytics.analytics, name="analytics"),
    path("analytics/<slug:tab>/", analytics.analytics, name="analytics_tab"),
    path("analytics/<slug:tab>/<slug:table>/csv/", analytics.download, name="analytics_csv"),
]
