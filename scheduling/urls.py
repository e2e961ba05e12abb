"""Addresses of this app under the tenant."""

from django.urls import path

from scheduling.views import appointment, waitlist

app_name = "scheduling"
urlpatterns = [
    path("appointments/<uuid:pk>/", appointment.appointment, name="appointment"),
    path("waitlist/", waitlist.waitlist, name="waitlist"),
]
