"""TI-16: a pooled connection never carries a tenant from one request to the next."""

import random
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import DatabaseError, connection, transaction

from hospital.models import Role
from hospital.tenancy import across_tenants, acting_for
from hospital.tests.hospital import Hospital

TENANTS, ROUNDS, THREADS = 6, 1500, 8


class Cancelled(Exception):
    pass


def one_request(seed: int, tenants: list) -> set:
    """What one request sees with the application's fence lifted, ending in one of the ways that requests end."""
    chance = random.Random(seed)
    tenant = chance.choice(tenants)
    try:
        with acting_for(tenant), across_tenants("test of the pool"):
            seen = set(Role.objects.values_list("tenant_id", flat=True))
            seen |= after_a_savepoint(chance, tenants)
            if chance.random() < 0.3:
                raise Cancelled
            if chance.random() < 0.1:
                with connection.cursor() as cursor:
                    cursor.execute("SELECT 1 / 0")
    except (Cancelled, DatabaseError):
        pass
    assert seen == {tenant.pk}
    return outside()


def after_a_savepoint(chance: random.Random, tenants: list) -> set:
    other = chance.choice(tenants)
    try:
        with acting_for(other):
            if chance.random() < 0.5:
                raise Cancelled
    except Cancelled:
        pass
    return set(Role.objects.values_list("tenant_id", flat=True))


def outside() -> set:
    """What the same connection shows without a tenant; then it goes back to the pool."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT tenant_id FROM hospital_role")
        found = {row[0] for row in cursor.fetchall()}
    connection.close()
    return found


@pytest.fixture(scope="module")
def tenants(django_db_setup, django_db_blocker) -> list:
    with django_db_blocker.unblock():
        return [Hospital(f"Pool {number}".replace(" ", "-")).tenant for number in range(TENANTS)]


def test_no_request_sees_the_tenant_of_another(tenants):
    with ThreadPoolExecutor(THREADS) as pool:
        leaks = list(pool.map(lambda seed: one_request(seed, tenants), range(ROUNDS)))
    assert set().union(*leaks) == set()
