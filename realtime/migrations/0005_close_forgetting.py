from django.conf import settings
from django.db import migrations

# Only the application forgets: a role that was made to read, say for reports, may not.
CLOSE = "REVOKE EXECUTE ON FUNCTION realtime_forget(interval, integer) FROM PUBLIC"
OPEN = f'GRANT EXECUTE ON FUNCTION realtime_forget(interval, integer) TO "{settings.DATABASES["default"]["USER"]}"'


class Migration(migrations.Migration):
    dependencies = [
        ("realtime", "0004_retention"),
    ]

    operations = [
        migrations.RunSQL([CLOSE, OPEN], migrations.RunSQL.noop),
    ]
