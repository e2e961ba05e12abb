import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("clinical", "0010_encounters"),
    ]

    operations = [
        migrations.AddField(
            model_name="hl7message",
            name="decided",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=20),
                default=list,
                editable=False,
                help_text="What a person decided about it.",
                size=None,
            ),
        ),
        migrations.AddField(
            model_name="hl7sender",
            name="for_application",
            field=models.CharField(
                blank=True,
                default="",
                help_text="Empty: any.",
                max_length=255,
                verbose_name="receiving application (MSH-5)",
            ),
        ),
        migrations.AddField(
            model_name="hl7sender",
            name="for_facility",
            field=models.CharField(
                blank=True,
                default="",
                help_text="Empty: any.",
                max_length=255,
                verbose_name="receiving facility (MSH-6)",
            ),
        ),
    ]
