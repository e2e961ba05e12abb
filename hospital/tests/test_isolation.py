"""TI-1 to TI-4, TI-8, TI-9, TI-13, TI-14: no address shows or changes a row of another hospital.

The inventory of addresses comes from the resolver, and each is tried with every id that the other hospital has; then
again with each of the two fences switched off, since they must not lean on each other.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.apps import apps
from django.db import connection, models
from django.test import Client

from hospital.access import Entry, entries
from hospital.tenancy import TenantManager, TenantModel
from hospital.tests.databases import owner
from hospital.tests.hospital import Hospital
from hospital.tests.test_access import address
from hospital.tests.world import World

pytestmark = pytest.mark.usefixtures("plain_templates")

WITH_ID = [entry for entry in entries() if "<uuid:" in entry.route]
LISTS = [
    entry
    for entry in entries()
    if "<" not in entry.route and "GET" in entry.methods and not entry.route.startswith("admin/")
]

# What stands at an address whose noun is not the name of its table.
KINDS = {
    "authorisations/letters/": "authorisationletter",
    "authorisations/uses/": "authorisationuse",
    "biopsies/": "biopsy",
    "biopsies/again/": "rebiopsytask",
    "biopsies/codes/": "pathologycode",
    "biopsies/corrected/": "pathologynotice",
    "biopsies/filters/": "savedfilter",
    "biopsies/laboratories/": "pathologylab",
    "biopsies/manifests/": "couriermanifest",
    "biopsies/manifests/items/": "manifestitem",
    "biopsies/parts/": "biopsypart",
    "biopsies/tellings/": "biopsytelling",
    "calendar/": "appointment",
    "chart/immunisation/": "immunization",
    "chart/measurement/": "observation",
    "chart/medicine/": "medicationstatement",
    "conditions/": "patientcondition",
    "claim-batches/": "claimbatch",
    "claim-codes/doctors/": "providernumber",
    "claim-codes/organisation/": "billingidentity",
    "claim-codes/procedures/": "procedurecode",
    "claims/notes/": "encounter",
    "contacts/": "patientcontact",
    "eligibility/": "eligibilitycheck",
    "credit-notes/": "creditnote",
    "lab-catalogue/conditions/": "labcondition",
    "lab-catalogue/tests/": "labtest",
    "lab-catalogue/types/": "specimentype",
    "laboratory/tests/": "laborder",
    "messages/": "hl7message",
    "notes/": "encounter",
    "notes/plan/": "planitem",
    "notices/": "event",
    "payer-files/": "payerfile",
    "payer-refunds/": "payerrefund",
    "payers/levels/": "appeallevel",
    "payers/rules/": "authorisationrule",
    "policies/": "policy",
    "receipts/": "payment",
    "relations/": "patientrelation",
    "remittances/claims/": "remittanceclaim",
    "results/corrected/": "correctionnotice",
    "sessions/": "signin",
    "stock/": "medicine",
    "waitlist/": "wish",
}

OTHER_KINDS = 0.3
WORDS = "Ida|Latex|Asthma|Letter|Cough|Fever|AMOX|New|LOT|House|Lane|Closed|Check-up|Group|Bring|Rash|Wheelchair|Ill|Bus|Dressing|Mornings|Travels|List|Nobody|Neighbour|Half|Tag|Package|Wrong|Less|Owes|Note"


@pytest.fixture(scope="module")
def own(django_db_setup, django_db_blocker) -> World:
    with django_db_blocker.unblock():
        return World(Hospital("Own"))


@pytest.fixture(scope="module")
def other(django_db_setup, django_db_blocker) -> World:
    with django_db_blocker.unblock():
        return World(Hospital("Other"))


@contextmanager
def only_the_database(monkeypatch) -> Iterator[None]:
    """TI-13: the application's manager shows all rows."""
    with monkeypatch.context() as patch:
        patch.setattr(TenantManager, "get_queryset", models.Manager.get_queryset)
        yield


@contextmanager
def only_the_application(monkeypatch) -> Iterator[None]:
    """TI-14: row-level security is off in this worker's database."""
    tables = [model._meta.db_table for model in apps.get_models() if issubclass(model, TenantModel)]
    with owner() as database:
        try:
            for table in tables:
                database.execute(f'ALTER TABLE "{table}" DISABLE ROW LEVEL SECURITY')
            yield
        finally:
            for table in tables:
                database.execute(f'ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY')


@contextmanager
def both_fences(monkeypatch) -> Iterator[None]:
    yield


def each_fence_and(keys: list[str], others: list[str]) -> pytest.MarkDecorator:
    """A role also with each fence alone, the others behind both."""
    fences = {"both": both_fences, "database alone": only_the_database, "application alone": only_the_application}
    cases = [pytest.param(fence, key, id=f"{key}, {name}") for key in keys for name, fence in fences.items()]
    return pytest.mark.parametrize(("fence", "key"), cases + [pytest.param(both_fences, key, id=key) for key in others])


def rows_of(world: World) -> list[TenantModel]:
    """The newest row of each table, and every visit and appointment."""
    with world.hospital.acting():
        rows = [model.objects.order_by("-pk").first() for model in apps.get_models() if issubclass(model, TenantModel)]
    return [row for row in rows if row] + list(world.visits.values()) + list(world.desk.appointments.values())


def is_at(model: type[TenantModel], route: str) -> bool:
    """Whether rows of this table stand at the address."""
    before = route[: route.index("<")]
    name = model._meta.model_name
    if before in KINDS:
        return name == KINDS[before]
    return any(noun.startswith(name) for noun in before.replace("-", "").replace("/", " ").split())


def foreign_ids(route: str, rows: list[TenantModel], chance: random.Random) -> list[str]:
    """Ids to try at an address: one of the newest two of its kind, and now and then one of another kind."""
    fitting = [row for row in rows if is_at(type(row), route)][-2:]
    tried = [chance.choice(fitting or rows)] + [chance.choice(rows)] * (chance.random() < OTHER_KINDS)
    return [str(row.pk) for row in tried]


def test_it_is_known_what_stands_at_each_address():
    """An address that fails here needs a line in KINDS."""
    tables = [model for model in apps.get_models() if issubclass(model, TenantModel)]
    own = [entry.route for entry in WITH_ID if not entry.route.startswith("admin/")]
    assert [route for route in own if not any(is_at(model, route) for model in tables)] == []
    assert {route[: route.index("<")] for route in own} >= set(KINDS)


def state_of(world: World) -> dict[str, str]:
    """A digest of each table as this hospital sees it; logs only grow by its own doing, and are compared by count."""
    found = {}
    with world.hospital.acting(), connection.cursor() as cursor:
        for model in apps.get_models():
            if issubclass(model, TenantModel):
                table = model._meta.db_table
                cursor.execute(
                    f"SELECT count(*) || coalesce(md5(string_agg(t::text, '' ORDER BY id)), '') FROM \"{table}\" t WHERE tenant_id = %s",
                    [world.hospital.tenant.pk],
                )
                found[table] = cursor.fetchone()[0]
    return found


def probe(client: Client, base: str, entry: Entry, pk: str, mark: str) -> str:
    """What is wrong with the answer to a foreign id, or nothing."""
    route = "/" + re.sub(r"<uuid:\w+>", pk, entry.route)
    route = address(route[1:])
    for method in ("get", "post"):
        answer = getattr(client, method)(base + route)
        content = b"".join(answer.streaming_content) if answer.streaming else answer.content
        if mark.encode() in content:
            return f"{method} {entry.route} shows {mark}"
        if answer.status_code not in (302, 403, 404, 405) or (
            answer.status_code == 302 and not entry.route.startswith("admin/")
        ):
            return f"{method} {entry.route} answers {answer.status_code}"
    return ""


@each_fence_and(["admin"], ["reception", "main_doctor", "pharmacy"])
def test_no_address_shows_or_changes_a_row_of_another_hospital(own, other, fence, key, monkeypatch):
    client, wrong = own.hospital.client(key), []
    before, rows, chance = state_of(other), rows_of(other), random.Random(f"{key} {fence.__name__}")
    with fence(monkeypatch):
        for entry in WITH_ID:
            wrong += filter(
                None,
                (
                    probe(client, own.hospital.url, entry, pk, other.mark)
                    for pk in foreign_ids(entry.route, rows, chance)
                ),
            )
    assert wrong == []
    assert state_of(other) == before


@each_fence_and(["admin"], ["main_doctor", "pharmacy", "reception", "lab_technician", "billing", "checker_doctor"])
def test_no_list_search_or_export_carries_anything_of_another_hospital(own, other, fence, key, monkeypatch):
    client, wrong = own.hospital.client(key), []
    with fence(monkeypatch):
        for entry in LISTS:
            for query in ("", f"?q={other.mark}&search={other.mark}&filter={other.mark}&ordering=tenant__name"):
                answer = client.get(
                    own.hospital.url + address(entry.route) + query, headers={"HX-Request": "true"} if query else {}
                )
                text = answer.content.decode(errors="replace").replace(f"value=&quot;{other.mark}", "")
                if (
                    answer.status_code >= 500
                    or f"{other.mark}@" in text
                    or re.search(rf"({WORDS})[\w -]*{other.mark}", text)
                ):
                    wrong.append((entry.route, query, answer.status_code))
    assert wrong == []


def test_the_premise_that_the_own_rows_are_found(own):
    """Without this, the tests above could be green because nothing was ever shown."""
    page = own.hospital.client("reception").get(f"{own.hospital.url}/patients/?q={own.mark}").content.decode()
    assert f"Registered {own.mark}" in page


def test_a_foreign_row_in_a_form_is_refused_and_nothing_changes(own, other):
    """TI-2, TI-3: a foreign id in a field, and fields that nobody may set."""
    before = state_of(other)
    client, url = own.hospital.client("reception"), own.hospital.url
    foreign = other.visits["registered"]
    answers = [
        client.post(f"{url}/visits/new/", {"patient": foreign.patient_id, "complaint": "x", "priority": "routine"}),
        client.post(f"{url}/visits/new/?patient={foreign.patient_id}", {"complaint": "x", "priority": "routine"}),
        client.post(
            f"{url}/patients/{foreign.patient_id}/edit/",
            {"given_name": "x", "tenant": str(own.hospital.tenant.pk), "id": str(foreign.patient_id)},
        ),
    ]
    assert {answer.status_code for answer in answers} <= {404, 405, 422}
    assert state_of(other) == before
