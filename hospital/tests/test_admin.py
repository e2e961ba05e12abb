"""TI-7: Django admin shows a tenant's administrator nothing of another tenant, and no way out of the own one."""

import pytest
from django.contrib import admin

from hospital.admin_site import TenantAdmin
from hospital.models import AuditEntry, Membership, Person, Role, Tenant
from hospital.tenancy import TenantModel


def changelist(model) -> str:
    return f"/admin/{model._meta.app_label}/{model._meta.model_name}/"


MODELS = sorted(admin.site._registry, key=lambda model: model._meta.label)


def test_the_catalogue_of_the_house_is_in_the_administration():
    assert {"hospital.Tenant", "hospital.Role", "hospital.Membership", "hospital.AuditEntry"} <= {
        model._meta.label for model in MODELS
    }


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_only_pages_written_for_one_tenant_are_registered(model):
    assert isinstance(admin.site._registry[model], TenantAdmin)
    assert issubclass(model, TenantModel) or model in (Tenant, Person) or not hasattr(model, "tenant")


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_each_list_opens_and_can_be_searched(alpha, model):
    client = alpha.client("admin")
    assert client.get(alpha.url + changelist(model)).status_code == 200
    assert client.get(alpha.url + changelist(model) + "?q=a").status_code == 200


@pytest.mark.parametrize(
    "key", ["reception", "checker_doctor", "lab_technician", "main_doctor", "pharmacy", "billing", "board"]
)
def test_other_roles_may_not_enter(alpha, key):
    client = alpha.client(key)
    assert client.get(f"{alpha.url}/admin/").status_code == 403
    assert client.get(alpha.url + changelist(Role)).status_code == 403


def test_the_lists_carry_nothing_of_the_other_hospital(alpha, beta):
    assert beta.reception.pk != beta.admin.pk
    client = alpha.client("admin")
    for model in MODELS:
        page = client.get(alpha.url + changelist(model) + "?q=").content.decode()
        assert beta.mark not in page, model


def test_a_foreign_row_is_not_found(alpha, beta):
    with beta.acting():
        foreign = Membership.objects.create(person=beta.reception, role=Role.objects.get(key="billing"))
    client = alpha.client("admin")
    for tail in ("change/", "history/", "delete/"):
        answer = client.get(f"{alpha.url}{changelist(Membership)}{foreign.pk}/{tail}")
        assert answer.status_code in (302, 403, 404) and beta.mark not in answer.content.decode()
    client.post(f"{alpha.url}{changelist(Membership)}{foreign.pk}/change/", {"is_active": ""})
    with beta.acting():
        foreign.refresh_from_db()
        assert foreign.is_active


def test_a_foreign_person_cannot_be_given_a_role_here(alpha, beta):
    with alpha.acting():
        role = Role.objects.get(key="admin")
    page = alpha.client("admin").post(
        f"{alpha.url}{changelist(Membership)}add/", {"person": beta.reception.pk, "role": role.pk, "is_active": "on"}
    )
    assert page.status_code == 200
    with alpha.acting():
        assert not Membership.objects.filter(person=beta.reception).exists()


@pytest.mark.parametrize(
    "query",
    ["tenant__name=x", "person__memberships__tenant__slug=x", "person__password__startswith=a", "role__tenant__id=1"],
)
def test_filters_reach_no_other_rows(alpha, query):
    assert alpha.client("admin").get(f"{alpha.url}{changelist(Membership)}?{query}").status_code in (302, 400)


def test_an_administrator_changes_what_a_role_may_and_it_is_recorded(alpha):
    client = alpha.client("admin")
    with alpha.acting():
        role = Role.objects.get(key="billing")
    answer = client.post(
        f"{alpha.url}{changelist(Role)}{role.pk}/change/",
        {"title": "Accounts", "position": 6, "permissions": ["billing.view_account"]},
    )
    assert answer.status_code == 302
    with alpha.acting():
        role = Role.objects.get(key="billing")
        assert role.permissions == {"billing.view_account"}
        assert AuditEntry.objects.filter(table="hospital_role", row_id=role.pk, action="update").exists()
    assert client.get(f"{alpha.url}{changelist(Role)}{role.pk}/history/").status_code == 200


def test_an_administrator_cannot_lock_themselves_out(alpha):
    with alpha.acting():
        role = Role.objects.get(key="admin")
    page = alpha.client("admin").post(
        f"{alpha.url}{changelist(Role)}{role.pk}/change/",
        {"title": "Administrator", "position": 0, "permissions": ["billing.waive"]},
    )
    assert "lock yourself out" in page.content.decode()


@pytest.mark.parametrize("page", ["password_change/", "logout/", "login/"])
def test_the_side_doors_of_the_administration_are_closed(alpha, page):
    assert alpha.client("admin").get(f"{alpha.url}/admin/{page}").status_code in (403, 404, 405)


def test_nobody_becomes_a_superuser_from_inside_a_tenant(alpha):
    client = alpha.client("admin")
    client.post(
        f"{alpha.url}{changelist(Person)}{alpha.reception.pk}/change/",
        {"is_superuser": "on", "is_staff": "on", "name": "x", "email": "x@example.org"},
    )
    person = Person.objects.get(pk=alpha.reception.pk)
    assert not person.is_superuser and not person.is_staff and person.name == "Reception"


def test_the_organisation_changes_its_own_settings_only(alpha, beta):
    client = alpha.client("admin")
    assert client.get(f"{alpha.url}{changelist(Tenant)}{beta.tenant.pk}/change/").status_code in (302, 404)
    fields = {
        "name": "Alpha anew",
        "accent": "teal",
        "time_zone": "Europe/Berlin",
        "currency": "EUR",
        "phone_region": "DE",
        "require_payment_before": "nothing",
        "second_person": "off",
        "waiting_amber_minutes": 10,
        "waiting_red_minutes": 20,
    }
    assert client.post(f"{alpha.url}{changelist(Tenant)}{alpha.tenant.pk}/change/", fields).status_code == 302
    assert Tenant.objects.get(pk=alpha.tenant.pk).name == "Alpha anew"
    assert Tenant.objects.get(pk=beta.tenant.pk).name == beta.tenant.name
