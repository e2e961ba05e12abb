"""What happens by itself, and by command."""

import uuid
from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command, get_commands
from django.utils import timezone
from guardian.models import GroupObjectPermission

from hospital.celery import app
from hospital.models import FormKey, Tenant


@pytest.mark.parametrize("name", settings.CELERY_BEAT_SCHEDULE)
def test_each_periodic_job_is_a_task_and_a_command(name):
    app.loader.import_default_modules()
    assert settings.CELERY_BEAT_SCHEDULE[name]["task"] in app.tasks
    assert name.replace("-", "_") in get_commands()


def key_of(house, age):
    with house.acting("reception"):
        row = FormKey.objects.create(key=uuid.uuid4(), person=house.reception, body="")
        FormKey.objects.filter(pk=row.pk).update(created_at=timezone.now() - age)
    return row.pk


def kept(house):
    with house.acting():
        return set(FormKey.objects.values_list("pk", flat=True))


def test_keys_of_forms_are_forgotten_after_two_days_in_each_hospital(alpha, beta, capsys):
    old = [key_of(house, timedelta(hours=49)) for house in (alpha, beta)]
    young = key_of(alpha, timedelta(hours=47))
    call_command("forget_form_keys")
    assert young in kept(alpha)
    assert not set(old) & (kept(alpha) | kept(beta))


def test_permissions_on_what_is_gone_are_forgotten_and_no_others(alpha):
    about = ContentType.objects.get_for_model(Tenant)
    held = GroupObjectPermission.objects.filter(content_type=about, object_pk=str(alpha.tenant.pk))
    before = held.count()
    one = held.first()
    orphan = GroupObjectPermission(
        group=one.group, permission=one.permission, content_type=about, object_pk=str(uuid.uuid4())
    )
    GroupObjectPermission.objects.bulk_create([orphan])
    call_command("forget_orphan_grants")
    assert not GroupObjectPermission.objects.filter(pk=orphan.pk).exists()
    assert held.count() == before
