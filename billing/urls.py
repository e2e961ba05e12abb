"""Addresses of this app under the tenant."""

from django.urls import include, path

from billing.views import analytics, dashboard, payments, refunds

app_name = "billing"
urlpatterns = [
    path("payments/", payments.payments, name="payments"),
    path("visits/<uuid:pk>/payment/", payments.take_payment, name="take_payment"),
    path("visits/<uuid:pk>/waive/", payments.waive_account, name="waive_account"),
    path("charges/<uuid:pk>/waive/", payments.waive_charge, name="waive_charge"),
    path("charges/<uuid:pk>/price/", payments.price_charge, name="price_charge"),
    path("receipts/<uuid:pk>/", payments.receipt, name="receipt"),
    path("visits/<uuid:pk>/discount/", refunds.discount_account, name="discount_account"),
    path("receipts/<uuid:pk>/refund/", refunds.ask_refund, name="ask_refund"),
    path("receipts/<uuid:pk>/cancel/", refunds.cancel_payment, name="cancel_payment"),
    path("refunds/<uuid:pk>/decide/", refunds.decide_refund, name="decide_refund"),
    path("refunds/<uuid:pk>/pay-out/", refunds.pay_out, name="pay_out"),
    path("refunds/<uuid:pk>/receipt/", refunds.refund_receipt, name="refund_receipt"),
    path("dashboard/", dashboard.dashboard, name="dashboard"),
    path("analytics/", analytics.analytics, name="analytics"),
    path("analytics/<slug:tab>/", analytics.analytics, name="analytics_tab"),
    path("analytics/<slug:tab>/<slug:table>/csv/", analytics.download, name="analytics_csv"),
    path("", include("billing.desk_urls")),
    path("", include("billing.payer_urls")),
    path("", include("billing.remittance_urls")),
    path("", include("billing.claim_urls")),
]
