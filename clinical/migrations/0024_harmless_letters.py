from django.db import migrations

# The letter that every house began with said by itself that a result is harmless. Since then a field says it, and such a
# letter is offered for a benign result only. Whoever wrote the letter anew in words of their own looks at it themselves.
HARMLESS = """
ALTER TABLE clinical_biopsyletter NO FORCE ROW LEVEL SECURITY;
ALTER TABLE clinical_biopsyletter DISABLE TRIGGER USER;
UPDATE clinical_biopsyletter SET version = version + 1,
    body = replace(body, 'This is harmless, and nothing more is needed.', '{harmless}')
WHERE body LIKE '%This is harmless, and nothing more is needed.%';
ALTER TABLE clinical_biopsyletter ENABLE TRIGGER USER;
ALTER TABLE clinical_biopsyletter FORCE ROW LEVEL SECURITY;
"""


class Migration(migrations.Migration):
    dependencies = [("clinical", "0023_payers")]

    operations = [
        migrations.RunSQL("SET CONSTRAINTS ALL IMMEDIATE", migrations.RunSQL.noop),
        migrations.RunSQL(HARMLESS, migrations.RunSQL.noop),
    ]
