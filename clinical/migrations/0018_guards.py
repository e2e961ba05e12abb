from django.db import migrations, models

from clinical.guard_sql import ACTING_PERSON, RELEASES, RELEASES_UNDO, SIGNATURES, SIGNATURES_UNDO, TITLES


class Migration(migrations.Migration):
    dependencies = [("clinical", "0017_documents")]

    operations = [
        migrations.AddField(
            model_name="encounter",
            name="title",
            field=models.CharField(
                default="", editable=False, help_text="As its template was called then.", max_length=60
            ),
        ),
        migrations.AddField(
            model_name="hl7message",
            name="traces",
            field=models.JSONField(
                blank=True,
                default=dict,
                editable=False,
                help_text="What it made and changed: by it a wrong patient is undone.",
            ),
        ),
        migrations.RunSQL(TITLES, migrations.RunSQL.noop),
        migrations.RunSQL(ACTING_PERSON, "DROP FUNCTION acting_person"),
        migrations.RunSQL(RELEASES, RELEASES_UNDO),
        migrations.RunSQL(SIGNATURES, SIGNATURES_UNDO),
    ]
