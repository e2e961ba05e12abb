from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("clinical", "0012_merge"),
    ]

    operations = [
        migrations.RenameField("hl7message", "reason", "waits_for"),
        migrations.AlterField(
            model_name="hl7message",
            name="waits_for",
            field=models.CharField(
                blank=True,
                choices=[
                    ("", "—"),
                    ("patient", "Unknown patient"),
                    ("code", "Unknown code"),
                    ("conflict", "Conflict"),
                    ("refused", "Not possible now"),
                    ("not_applied", "Not applied here"),
                    ("test", "Marked as a test"),
                    ("unreadable", "Not readable"),
                    ("fault", "Fault"),
                ],
                default="",
                editable=False,
                max_length=11,
                verbose_name="waits because of",
            ),
        ),
    ]
