from django.urls import path

from realtime.alerts import views
from realtime.alerts.views import ladder, notices, report

app_name = "alerts"
urlpatterns = [
    path("alerts/", views.alerts, name="alerts"),
    path("alerts/waiting/", views.waiting, name="waiting"),
    path("alerts/ladder/", ladder.ladders, name="ladders"),
    path("alerts/ladder/edit/", ladder.edit_ladder, name="edit_ladder"),
    path("alerts/ladder/give-up/", ladder.give_up_ladder, name="give_up_ladder"),
    path("alerts/report/", report.report, name="report"),
    path("alerts/report/csv/", report.download, name="report_csv"),
    path("alerts/<uuid:pk>/", views.alert, name="alert"),
    path("alerts/<uuid:pk>/acknowledge/", views.acknowledge, name="acknowledge"),
    path("notices/", notices.notices, name="notices"),
    path("notices/read/", notices.read_all, name="read_all"),
    path("notices/settings/", notices.settings, name="settings"),
    path("notices/<uuid:pk>/", notices.read, name="read"),
]
