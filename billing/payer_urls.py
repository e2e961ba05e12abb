"""Addresses of insurers, of what they are asked, and of what they authorise."""

from django.urls import path

from billing.views import authorisation, authorisation_steps, eligibility, payer

urlpatterns = [
    path("payers/", payer.payers, name="payers"),
    path("payers/new/", payer.payer_new, name="payer_new"),
    path("payers/<uuid:pk>/", payer.payer, name="payer"),
    path("payers/<uuid:pk>/edit/", payer.payer_edit, name="payer_edit"),
    path("payers/levels/<uuid:pk>/remove/", payer.payer_level_remove, name="payer_level_remove"),
    path("eligibility/", eligibility.eligibility_checks, name="eligibility_checks"),
    path("eligibility/answers/", eligibility.eligibility_answer, name="eligibility_answer"),
    path("eligibility/<uuid:pk>/", eligibility.eligibility_check, name="eligibility"),
    path("eligibility/<uuid:pk>/file/", eligibility.eligibility_file, name="eligibility_file"),
    path("policies/<uuid:pk>/eligibility/", eligibility.eligibility_ask, name="eligibility_ask"),
    path("authorisations/", authorisation.authorisations, name="authorisations"),
    path("authorisations/<uuid:pk>/", authorisation.authorisation, name="authorisation"),
    path("authorisations/<uuid:pk>/edit/", authorisation.authorisation_edit, name="authorisation_edit"),
    path("authorisations/<uuid:pk>/renew/", authorisation.authorisation_renew, name="authorisation_renew"),
    path("authorisations/<uuid:pk>/not-renewed/", authorisation_steps.authorisation_let, name="authorisation_let"),
    path("authorisations/<uuid:pk>/use/", authorisation_steps.authorisation_use, name="authorisation_use"),
    path("authorisations/<uuid:pk>/log/", authorisation_steps.authorisation_log, name="authorisation_log"),
    path(
        "authorisations/<uuid:pk>/letters/new/",
        authorisation_steps.authorisation_letter_new,
        name="authorisation_letter_new",
    ),
    path("authorisations/letters/<uuid:pk>/", authorisation_steps.authorisation_letter, name="authorisation_letter"),
    path(
        "authorisations/uses/<uuid:pk>/give-back/",
        authorisation_steps.authorisation_give_back,
        name="authorisation_give_back",
    ),
    path("patients/<uuid:pk>/authorisations/new/", authorisation.authorisation_new, name="authorisation_new"),
    path("visits/<uuid:pk>/authorisations/new/", authorisation.authorisation_of_visit, name="authorisation_of_visit"),
    path("notes/<uuid:pk>/authorisations/new/", authorisation.authorisation_of_note, name="authorisation_of_note"),
]
for part in payer.PARTS:
    urlpatterns += [
        path(f"payers/<uuid:pk>/{part}/new/", payer.payer_part_new, {"part": part}, name="payer_part_new"),
        path(f"payers/{part}/<uuid:pk>/", payer.payer_part_edit, {"part": part}, name="payer_part_edit"),
    ]
for step in authorisation_steps.STEPS:
    urlpatterns += [
        path(
            f"authorisations/<uuid:pk>/{step}/",
            authorisation_steps.authorisation_step,
            {"step": step},
            name=f"authorisation_{step}",
        ),
    ]
