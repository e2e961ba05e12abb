"""What is thrown away by itself. Each is also a `manage.py` command."""

from __future__ import annotations

from datetime import timedelta
from importlib import import_module

from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.utils import timezone
from guardian.models import GroupObjectPermission, UserObjectPermission

from hospital import outbox
from hospital.celery import app
from hospital.models import AuthChange, FormKey, Letter, Tenant
from hospital.tenancy import acting_for

KEPT_FOR = timedelta(hours=48)


@app.task
def pulse() -> None:
    """The supervisor watches for it: see hospital/supervisor/children.py."""
    settings.WORKER_PULSE.touch()


@app.task
def forget_form_keys() -> int:
    """Keys of forms that were sent long ago: nobody sends those again. Returns how many went."""
    return sum(forget_in(tenant) for tenant in Tenant.objects.all())


def forget_in(tenant: Tenant) -> int:
    with acting_for(tenant):
        return FormKey.objects.filter(created_at__lt=timezone.now() - KEPT_FOR).delete()[0]


@app.task
def forget_orphan_grants() -> int:
    """Permissions on organisations that are gone.

    Not guardian's own `clean_orphan_obj_perms`: to it, what row-level security hides is gone too. Other objects that
    carry grants are never deleted.
    """
    about = {"content_type": ContentType.objects.get_for_model(Tenant)}
    there = [str(pk) for pk in Tenant.objects.values_list("pk", flat=True)]
    orphans = (
        model.objects.filter(**about).exclude(object_pk__in=there)
        for model in (GroupObjectPermission, UserObjectPermission)
    )
    return sum(rows.delete()[0] for rows in orphans)


@app.task
def clear_sessions() -> None:
    """Sessions that have ended by themselves: their sign-ins end with them, and the audit says so."""
    import_module(settings.SESSION_ENGINE).SessionStore.clear_expired()


@app.task
def forget_auth_changes() -> int:
    """What every process has read long ago. Whoever was away for longer looks at all its sockets anyway.

    Not sooner than after a day: a line is as old as its change, but nobody reads it before its transaction commits.
    """
    return AuthChange.objects.filter(at__lt=timezone.now() - timedelta(days=1)).delete()[0]


@app.task
def forget_letters() -> int:
    """E-mails that were sent, given up, or not needed, long ago. Returns how many went."""
    return sum(forget_letters_in(tenant) for tenant in Tenant.objects.all())


def forget_letters_in(tenant: Tenant) -> int:
    with acting_for(tenant):
        return Letter.objects.filter(settled_at__lt=timezone.now() - settings.LETTERS_KEPT).delete()[0]


@app.task
def send_mail_outbox() -> tuple[int, int]:
    """E-mails that wait: how many were sent, and how many could not be."""
    return outbox.send_all()
