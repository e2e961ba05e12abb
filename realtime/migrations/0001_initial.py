import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

import hospital.db.fence
import hospital.identifiers

# Numbers an event at COMMIT. The head's row lock is held from here to the end of the commit, so numbers are dense and
# in the order of the commits. By then the transaction may speak for another tenant or for none, so the function
# speaks for the event's own; it is called by no other way than by the trigger.
NUMBER = """
CREATE FUNCTION realtime_number() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    speaking text := coalesce(current_setting('app.tenant', true), '');
    next bigint;
BEGIN
    PERFORM set_config('app.tenant', NEW.tenant_id::text, true);
    INSERT INTO realtime_head AS head (id, tenant_id, epoch, seq) VALUES (gen_random_uuid(), NEW.tenant_id, NEW.tenant_id, 1)
        ON CONFLICT (tenant_id) DO UPDATE SET seq = head.seq + 1 RETURNING seq INTO next;
    UPDATE realtime_event SET seq = next WHERE id = NEW.id;
    PERFORM set_config('app.tenant', speaking, true);
    RETURN NULL;
END $$
"""
TRIGGER = """
CREATE CONSTRAINT TRIGGER number AFTER INSERT ON realtime_event DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION realtime_number()
"""


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("hospital", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Event",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=hospital.identifiers.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("seq", models.BigIntegerField(editable=False, null=True)),
                ("name", models.CharField(max_length=60)),
                ("object_id", models.UUIDField()),
                ("patient_id", models.UUIDField(null=True)),
                ("loudness", models.JSONField(default=dict, help_text="By role.")),
                (
                    "roles",
                    django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=30), size=None),
                ),
                (
                    "people",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.UUIDField(),
                        default=list,
                        help_text="Only these persons hear it; empty: everybody in the roles.",
                        size=None,
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "tenant",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="hospital.tenant",
                    ),
                ),
            ],
            options={
                "ordering": ["seq"],
                "abstract": False,
                "base_manager_name": "objects",
                "constraints": [models.UniqueConstraint(fields=("tenant", "seq"), name="event_seq_once")],
            },
        ),
        migrations.CreateModel(
            name="Head",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=hospital.identifiers.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("epoch", models.UUIDField()),
                ("seq", models.BigIntegerField(default=0)),
                (
                    "tenant",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="hospital.tenant",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "base_manager_name": "objects",
                "constraints": [models.UniqueConstraint(fields=("tenant",), name="head_once")],
            },
        ),
        hospital.db.fence.Fence(["Event", "Head"], audit=False),
        migrations.RunSQL([NUMBER], "DROP FUNCTION realtime_number()"),
        migrations.RunSQL([TRIGGER], migrations.RunSQL.noop),
        hospital.db.fence.Withhold("Event", ["UPDATE", "DELETE"]),
        hospital.db.fence.Withhold("Head", ["INSERT", "UPDATE", "DELETE"]),
    ]
