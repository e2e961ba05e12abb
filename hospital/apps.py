from importlib import import_module
from typing import Any

from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps
from django.db.models.signals import post_migrate


class HospitalConfig(AppConfig):
    name = "hospital"
    default = True

    def ready(self) -> None:
        from hospital import checks

        import_module("hospital.invitations")  # says how its letter is worded
        checks.register_all()
        post_migrate.connect(make_permissions, sender=self)


class HospitalAdminConfig(admin_apps.AdminConfig):
    default = False
    default_site = "hospital.admin_site.TenantAdminSite"

    def ready(self) -> None:
        from hospital import wording

        wording.install()  # before the first forms, which are the administration's
        super().ready()


def make_permissions(using: str, apps: Any, **kwargs: Any) -> None:
    """The permissions of hospital/roles.py exist on the Tenant, whose object they are granted on."""
    from hospital.roles import PERMISSIONS

    ContentType, Permission = apps.get_model("contenttypes", "ContentType"), apps.get_model("auth", "Permission")
    tenant = ContentType.objects.using(using).get_or_create(app_label="hospital", model="tenant")[0]
    for codename, title in PERMISSIONS.items():
        Permission.objects.using(using).update_or_create(
            content_type=tenant, codename=codename, defaults={"name": f"Can {title}"}
        )
