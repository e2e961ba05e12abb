from django.urls import path

from realtime.views import socket

app_name = "realtime"
urlpatterns = [
    path("socket", socket, name="socket"),
]
