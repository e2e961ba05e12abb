"""Addresses of what payers send and pay, and of what they refuse."""

from django.urls import path

from billing.views import claims_desk, denial, payer_file, payer_refunds, remittance

urlpatterns = [
    path("claims-desk/", claims_desk.claims_desk, name="claims_desk"),
    path("claims-desk/<slug:table>/csv/", claims_desk.claims_desk_csv, name="claims_desk_csv"),
    path("payer-files/", payer_file.payer_files, name="payer_files"),
    path("payer-files/<uuid:pk>/", payer_file.payer_file, name="payer_file"),
    path("payer-files/<uuid:pk>/file/", payer_file.payer_file_bytes, name="payer_file_bytes"),
    path("remittances/", remittance.remittances, name="remittances"),
    path("remittances/new/", remittance.remittance_new, name="remittance_new"),
    path("remittances/<uuid:pk>/", remittance.remittance, name="remittance"),
    path("remittances/<uuid:pk>/post/", remittance.remittance_post, name="remittance_post"),
    path("remittances/<uuid:pk>/aside/", remittance.remittance_aside, name="remittance_aside"),
    path("remittances/<uuid:pk>/back/", remittance.remittance_back, name="remittance_back"),
    path("remittances/claims/<uuid:pk>/match/", remittance.heard_match, name="heard_match"),
    path("remittances/claims/<uuid:pk>/unmatch/", remittance.heard_unmatch, name="heard_unmatch"),
    path("remittances/claims/<uuid:pk>/again/", remittance.heard_again, name="heard_again"),
    path("remittances/claims/<uuid:pk>/leave/", remittance.heard_leave, name="heard_leave"),
    path("remittances/claims/<uuid:pk>/send-back/", payer_refunds.heard_send_back, name="heard_send_back"),
    path("payer-refunds/", payer_refunds.payer_refunds, name="payer_refunds"),
    path("payer-refunds/<uuid:pk>/", payer_refunds.payer_refund, name="payer_refund"),
    path("payer-refunds/<uuid:pk>/decide/", payer_refunds.payer_refund_decide, name="payer_refund_decide"),
    path("payer-refunds/<uuid:pk>/pay-out/", payer_refunds.payer_refund_pay_out, name="payer_refund_pay_out"),
    path("payer-refunds/<uuid:pk>/letter/", payer_refunds.payer_refund_letter, name="payer_refund_letter"),
    path("denials/", denial.denials, name="denials"),
    path("denials/csv/", denial.denials_csv, name="denials_csv"),
    path("denials/<uuid:pk>/", denial.denial, name="denial"),
    path("denials/<uuid:pk>/assign/", denial.denial_assign, name="denial_assign"),
    path("denials/<uuid:pk>/transfer/", denial.denial_transfer, name="denial_transfer"),
    path("denials/<uuid:pk>/write-off/", denial.denial_write_off, name="denial_write_off"),
    path("denials/<uuid:pk>/write-off-contract/", denial.denial_write_off_contract, name="denial_write_off_contract"),
    path("denials/<uuid:pk>/settle/", denial.denial_settle, name="denial_settle"),
    path("denials/<uuid:pk>/appeal/", denial.appeal_new, name="appeal_new"),
    path("appeals/<uuid:pk>/decide/", denial.appeal_decide, name="appeal_decide"),
    path("appeals/<uuid:pk>/letter/", denial.appeal_letter, name="appeal_letter"),
]
