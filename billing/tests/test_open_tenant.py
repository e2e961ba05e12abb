"""A hospital is opened by one command, and its first administrator enters by a link."""

import re
import uuid

import pytest
from django.core import mail
from django.core.management import CommandError, call_command
from django.test import Client

from clinical.models import LabTest
from hospital.models import Membership, Role, Tenant
from hospital.roles import ROLE_KEYS
from hospital.tenancy import acting_for


@pytest.fixture
def slug():
    return f"open-{uuid.uuid4().hex[:10]}"


def open_it(capsys, slug, *options):
    email = f"grace@{slug}.example"
    call_command(
        "open_tenant", slug, "North Hospital", "--admin", email, "--address", "https://hospital.example/", *options
    )
    return re.search(r"https://hospital\.example(/accounts/invitation/\S+)", capsys.readouterr().out)[1]


def test_a_hospital_is_opened_with_roles_and_a_catalogue(capsys, slug):
    open_it(capsys, slug, "--currency", "EUR", "--time-zone", "Europe/Vienna")
    tenant = Tenant.objects.get(slug=slug)
    assert (tenant.name, tenant.currency, tenant.time_zone) == ("North Hospital", "EUR", "Europe/Vienna")
    with acting_for(tenant):
        assert set(Role.objects.values_list("key", flat=True)) == set(ROLE_KEYS)
        assert LabTest.objects.count() > 10


def test_the_first_administrator_gets_the_link_and_enters_by_it(capsys, slug):
    path = open_it(capsys, slug)
    assert f"https://hospital.example{path}" in mail.outbox[-1].body
    client = Client()
    client.post(path, {"name": "Grace", "password": "a long and quiet river"})
    assert client.get(f"/{slug}/people/").status_code == 200


def test_run_again_before_anybody_entered_only_the_newest_link_is_good(capsys, slug):
    first, second = open_it(capsys, slug), open_it(capsys, slug)
    assert Client().get(first).status_code == 404
    assert Client().get(second).status_code == 200


def test_a_hospital_with_people_is_left_alone(capsys, slug):
    path = open_it(capsys, slug)
    Client().post(path, {"name": "Grace", "password": "a long and quiet river"})
    with pytest.raises(CommandError, match="already"):
        open_it(capsys, slug)
    with acting_for(Tenant.objects.get(slug=slug)):
        assert Membership.objects.count() == 1


def test_without_mail_the_link_is_only_printed(capsys, slug):
    before = len(mail.outbox)
    open_it(capsys, slug, "--no-mail")
    assert len(mail.outbox) == before


@pytest.mark.parametrize("wrong", [("--currency", "euro"), ("--time-zone", "Mars/Olympus"), ("--accent", "beige")])
def test_a_setting_that_is_none_opens_nothing(capsys, slug, wrong):
    with pytest.raises(CommandError):
        open_it(capsys, slug, *wrong)
    assert not Tenant.objects.filter(slug=slug).exists()


def test_an_address_of_the_system_is_refused(capsys):
    with pytest.raises(CommandError, match="system itself"):
        open_it(capsys, "accounts")
