"""Addresses of this app under the tenant."""

from django.urls import path

from scheduling.views import appointment, booking, calendar, feed, imports, series, setup, waitlist

app_name = "scheduling"
urlpatterns = [
    path("appointments/book/", booking.book, name="book"),
    path("appointments/book/last/", booking.last_step, name="last_step"),
    path("appointments/find/", booking.find, name="find_patient"),
    path("appointments/hold/", booking.hold, name="hold"),
    path("appointments/walk-in/", booking.walk_in, name="walk_in"),
    path("appointments/<uuid:pk>/", appointment.appointment, name="appointment"),
    path("appointments/<uuid:pk>/cancel/", appointment.appointment_cancel, name="appointment_cancel"),
    path("appointments/<uuid:pk>/confirm/", appointment.appointment_confirm, name="appointment_confirm"),
    path("appointments/<uuid:pk>/edit/", appointment.appointment_edit, name="appointment_edit"),
    path("appointments/<uuid:pk>/no-show/", appointment.appointment_miss, name="appointment_miss"),
    path("appointments/<uuid:pk>/no-show/undo/", appointment.appointment_undo_miss, name="appointment_undo_miss"),
    path("appointments/<uuid:pk>/reschedule/", booking.reschedule, name="reschedule"),
    path("appointments/<uuid:pk>/series/", series.series_move, name="series_move"),
    path("appointments/<uuid:pk>/slip/", appointment.slip, name="slip"),
    path("series/new/", series.series_new, name="series_new"),
    path("series/<uuid:pk>/", series.series, name="series"),
    path("calendar/", calendar.calendar, name="calendar"),
    path("calendar/sheets/", calendar.day_sheets, name="day_sheets"),
    path("calendar/<uuid:pk>/move/", calendar.move, name="calendar_move"),
    path("calendar/<uuid:pk>/resize/", calendar.resize, name="calendar_resize"),
    path("appointments/<uuid:pk>/appointment.ics", feed.appointment_file, name="appointment_file"),
    path("appointments/setup/", setup.setup, name="setup"),
    path("appointments/setup/providers/<uuid:pk>/", setup.provider, name="provider"),
    path("appointments/to-reschedule/", setup.to_reschedule, name="to_reschedule"),
    path("appointments/feed/", feed.my_feed, name="my_feed"),
    path("appointments/feed/renew/", feed.renew_feed, name="renew_feed"),
    path("appointments/import/", imports.imports, name="imports"),
    path("appointments/import/template.csv", imports.import_template, name="import_template"),
    path("appointments/import/<uuid:pk>/", imports.one_import, name="import"),
    path("appointments/import/<uuid:pk>/start/", imports.import_start, name="import_start"),
    path("appointments/import/<uuid:pk>/discard/", imports.import_discard, name="import_discard"),
    path("appointments/import/<uuid:pk>/result.csv", imports.import_result, name="import_result"),
    path("waitlist/", waitlist.waitlist, name="waitlist"),
    path("waitlist/new/", waitlist.wish_new, name="wish_new"),
    path("waitlist/<uuid:pk>/withdraw/", waitlist.wish_withdraw, name="wish_withdraw"),
    path("waitlist/<uuid:pk>/again/", waitlist.wish_again, name="wish_again"),
    path("waitlist/offers/<uuid:pk>/accept/", waitlist.offer_accept, name="offer_accept"),
    path("waitlist/offers/<uuid:pk>/decline/", waitlist.offer_decline, name="offer_decline"),
]
