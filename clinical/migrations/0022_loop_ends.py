from django.db import migrations, models

from clinical.biopsy_sql import FORMER_LOOP, LOOP_ENDS


class Migration(migrations.Migration):
    dependencies = [("clinical", "0021_saved_filters")]

    operations = [
        migrations.RunSQL(LOOP_ENDS, FORMER_LOOP),
        migrations.AlterField(
            model_name="rebiopsytask",
            name="answer",
            field=models.CharField(
                blank=True,
                choices=[
                    ("", "To decide"),
                    ("ordered", "Taken again"),
                    ("not_again", "Not taken again"),
                    ("found", "Found again"),
                    ("reported", "A report came"),
                ],
                default="",
                editable=False,
                max_length=9,
            ),
        ),
    ]
