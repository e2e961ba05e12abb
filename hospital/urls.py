"""Addresses under `/<tenant>/`."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path

from hospital.views import absences, home, loops, people, sessions, waiting

handler400 = "hospital.views.errors.bad_request"
handler403 = "hospital.views.errors.forbidden"
handler404 = "hospital.views.errors.not_found"
handler500 = "hospital.outage.broken"

urlpatterns = [
    path("", home.home, name="home"),
    path("role/", home.switch_role, name="switch_role"),
    path("people/", people.people, name="people"),
    path("people/invite/", people.invite, name="invite"),
    path("people/invitations/<uuid:pk>/withdraw/", people.withdraw, name="withdraw_invitation"),
    path("people/memberships/<uuid:pk>/end/", people.end_membership, name="end_membership"),
    path("people/memberships/<uuid:pk>/head/", people.change_head, name="change_head"),
    path("absences/", absences.absences, name="absences"),
    path("absences/<uuid:pk>/end/", absences.end_absence, name="end_absence"),
    path("people/memberships/<uuid:pk>/log-out/", sessions.end_sessions_of, name="end_sessions_of"),
    path("sessions/", sessions.sessions, name="sessions"),
    path("sessions/others/end/", sessions.end_other_sessions, name="end_other_sessions"),
    path("sessions/<uuid:ref>/end/", sessions.end_session, name="end_session"),
    path("waiting/", waiting.waiting, name="waiting"),
    path("loops/", loops.loops, name="loops"),
    path("admin/", admin.site.urls),
    path("live/", include("realtime.urls")),
    path("", include("realtime.alerts.urls")),
    path("", include("clinical.urls")),
    path("", include("scheduling.urls")),
    path("", include("billing.urls")),
]
if not settings.PRODUCTION:
    from hospital.views.design import design

    urlpatterns.append(path("design/", design, name="design"))
