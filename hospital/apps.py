from importlib import import_module
from typing import Any

from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps
from django.db.models.signals import post_migrate


class HospitalConfig(AppConfig):
    name = "hospital"
    default = True

    def ready(self) -> None:
        from hospital import checks, factors

        import_module("hospital.invitations")  # says how its letter is worded
        factors.install()
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
    made = [
        Permission.objects.using(using).update_or_create(
            content_type=tenant, codename=codename, defaults={"name": f"Can {title}"}
        )
        for codename, title in PERMISSIONS.items()
    ]
    grant_as_to_new_tenants(using, {one.codename: one.pk for one, is_new in made if is_new}, tenant.pk)


def grant_as_to_new_tenants(using: str, permissions: dict[str, int], content_type: int) -> None:
    """What a release brings is given to the roles of the tenants that exist, once; what was taken away stays away."""
    from django.contrib.auth.models import Group
    from guardian.models import GroupObjectPermission

    from hospital.roles import ROLES

    for role in ROLES:
        brought = [permissions[name] for name in role.permissions if name in permissions]
        groups = Group.objects.using(using).filter(name__endswith=f":{role.key}") if brought else ()
        for group in groups:  # "<tenant>:<role>", see Role.make_defaults
            for permission in brought:
                GroupObjectPermission.objects.using(using).get_or_create(
                    permission_id=permission,
                    group_id=group.pk,
                    content_type_id=content_type,
                    object_pk=group.name.partition(":")[0],
                )
