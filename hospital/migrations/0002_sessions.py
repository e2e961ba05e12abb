import uuid

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

import hospital.db.fence
from hospital.db.revocation import STATEMENTS


class Migration(migrations.Migration):
    """Sessions in a table of ours (everybody logs in once more), and triggers on what decides what a person may do."""

    dependencies = [
        ("hospital", "0001_initial"),
        ("guardian", "0003_remove_groupobjectpermission_guardian_gr_content_ae6aec_idx_and_more"),
        ("mfa", "0003_authenticator_type_uniq"),
    ]

    operations = [
        migrations.AddField(
            model_name="person",
            name="credentials",
            field=models.PositiveIntegerField(
                default=0,
                editable=False,
                help_text="Counted by the database whenever a second factor comes or goes.",
            ),
        ),
        migrations.CreateModel(
            name="AuthChange",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("xact", models.BigIntegerField()),
                (
                    "subject",
                    models.UUIDField(help_text="A person; or a tenant: all who act in it; or zero: everybody."),
                ),
                ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), db_index=True)),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("xact", "subject"), name="auth_change_once")],
            },
        ),
        migrations.CreateModel(
            name="Session",
            fields=[
                (
                    "session_key",
                    models.CharField(max_length=40, primary_key=True, serialize=False, verbose_name="session key"),
                ),
                ("session_data", models.TextField(verbose_name="session data")),
                ("expire_date", models.DateTimeField(db_index=True, verbose_name="expire date")),
                (
                    "ref",
                    models.UUIDField(
                        default=uuid.uuid4,
                        editable=False,
                        help_text="Its name in pages: the key is secret.",
                        unique=True,
                    ),
                ),
                ("agent", models.CharField(help_text="What the browser calls itself.", max_length=200)),
                ("started_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("last_active_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "person",
                    models.ForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="sessions",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "session",
                "verbose_name_plural": "sessions",
                "ordering": ["-last_active_at"],
                "abstract": False,
            },
        ),
        hospital.db.fence.Withhold("AuthChange", ["INSERT", "UPDATE"]),
        *[migrations.RunSQL([statement], migrations.RunSQL.noop) for statement in STATEMENTS],
    ]
