from django.urls import path

from realtime.views import live, socket

app_name = "realtime"
urlpatterns = [
    path("", live, name="live"),
    path("socket", socket, name="socket"),
]
