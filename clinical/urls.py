"""Addresses of this app under the tenant."""

app_name = "clinical"
urlpatterns: list = []
