"""Addresses of this app under the tenant."""

app_name = "scheduling"
urlpatterns: list = []
