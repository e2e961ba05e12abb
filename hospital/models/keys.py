"""Numbers without gaps, and forms that work once."""

from __future__ import annotations

from django.db import connection, models

from hospital.context import current
from hospital.tenancy import TenantModel

TAKE = """
    INSERT INTO hospital_counter (id, tenant_id, name, value) VALUES (gen_random_uuid(), %s, %s, 1)
    ON CONFLICT (tenant_id, name) DO UPDATE SET value = hospital_counter.value + 1 RETURNING value
"""


class Counter(TenantModel):
    """The last number given out under a name. The row stays locked until the transaction ends, so there are no gaps."""

    name = models.CharField(max_length=60)
    value = models.PositiveBigIntegerField(default=0)

    class Meta(TenantModel.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant", "name"], name="counter_name_once")]

    @classmethod
    def take(cls, name: str) -> int:
        """The next number, from 1. Taken as late as possible: others who want one wait for this transaction."""
        with connection.cursor() as cursor:
            cursor.execute(TAKE, [current().tenant.pk, name])
            return cursor.fetchone()[0]


class FormKey(TenantModel):
    """A form that was sent: the same key again gets the first answer. See hospital.idempotency."""

    key = models.UUIDField()
    person = models.ForeignKey("hospital.Person", on_delete=models.CASCADE, related_name="+")
    body = models.CharField(max_length=64, help_text="SHA-256 of the address and the fields.")
    status = models.PositiveSmallIntegerField(null=True)
    headers = models.JSONField(default=dict)
    answer = models.BinaryField(default=bytes)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta(TenantModel.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant", "person", "key"], name="form_key_once")]
