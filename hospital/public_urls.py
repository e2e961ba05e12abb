"""Addresses outside any tenant: the public list. Everything else is under `/<tenant>/`."""

from django.urls import include, path

from hospital.views import home, people, sessions
from scheduling.views import feed, public

handler400 = "hospital.views.errors.bad_request"
handler403 = "hospital.views.errors.forbidden"
handler404 = "hospital.views.errors.not_found"
handler500 = "hospital.outage.broken"

urlpatterns = [
    path("", home.start, name="start"),
    path("healthz", home.healthz, name="healthz"),
    path("accounts/invitation/<slug:tenant>/<str:secret>/", people.accept_invitation, name="accept_invitation"),
    path("accounts/appointments/<slug:tenant>/<str:secret>/", public.answer_appointment, name="answer_appointment"),
    path(
        "accounts/appointments/<slug:tenant>/<str:secret>/appointment.ics",
        public.appointment_calendar,
        name="appointment_calendar",
    ),
    path("accounts/offers/<slug:tenant>/<str:secret>/", public.answer_offer, name="answer_offer"),
    path("accounts/calendar/<slug:tenant>/<str:secret>.ics", feed.feed, name="feed"),
    path("accounts/session/", sessions.state, name="session"),
    path("accounts/session/back/", sessions.back, name="session_back"),
    path("accounts/", include("allauth.urls")),
]
