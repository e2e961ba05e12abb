"""Addresses of this app under the tenant."""

app_name = "billing"
urlpatterns: list = []
