"""Addresses of claims, their batches, and the codes and numbers that they carry."""

from django.urls import path

from billing.views import claim, claim_codes, claims

urlpatterns = [
    path("claims/", claims.claims, name="claims"),
    path("claims/csv/", claims.claims_csv, name="claims_csv"),
    path("claims/submit/", claims.claims_submit, name="claims_submit"),
    path("claims/check/", claims.claims_check, name="claims_check"),
    path("claims/to-be-claimed/", claims.to_be_claimed, name="to_be_claimed"),
    path("claims/notes/<uuid:pk>/begin/", claim.claim_begin, name="claim_begin"),
    path("claims/<uuid:pk>/", claim.claim, name="claim"),
    path("claims/<uuid:pk>/edit/", claim.claim_edit, name="claim_edit"),
    path("claims/<uuid:pk>/withdraw/", claim.claim_withdraw, name="claim_withdraw"),
    path("claims/<uuid:pk>/correct/", claim.claim_correct, name="claim_correct"),
    path("claims/<uuid:pk>/give-up/", claim.claim_give_up, name="claim_give_up"),
    path("claims/<uuid:pk>/answer/", claim.claim_answer, name="claim_answer"),
    path("claim-batches/", claims.claim_batches, name="claim_batches"),
    path("claim-batches/<uuid:pk>/", claims.claim_batch, name="claim_batch"),
    path("claim-batches/<uuid:pk>/file/", claims.claim_batch_file, name="claim_batch_file"),
    path("claim-batches/<uuid:pk>/again/", claims.claim_batch_again, name="claim_batch_again"),
    path("claim-batches/<uuid:pk>/mend/", claims.claim_batch_mend, name="claim_batch_mend"),
    path("claim-codes/", claim_codes.claim_codes, name="claim_codes"),
]
for step in claim.STEPS:
    urlpatterns += [path(f"claims/<uuid:pk>/{step}/", claim.claim_step, {"step": step}, name="claim_step")]
for part in claim_codes.PARTS:
    urlpatterns += [
        path(f"claim-codes/{part}/new/", claim_codes.claim_code_new, {"part": part}, name="claim_code_new"),
        path(f"claim-codes/{part}/<uuid:pk>/", claim_codes.claim_code_edit, {"part": part}, name="claim_code_edit"),
    ]
