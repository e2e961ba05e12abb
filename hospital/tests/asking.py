"""What a page asks the database."""

from __future__ import annotations

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

# That somebody is there is written every half a minute: by whichever page comes next.
NOW_AND_THEN = "UPDATE hospital_session SET last_active_at"


def queries(client: Client, url: str) -> list[str]:
    """Of a page that was opened before, so that nothing counts that happens only once."""
    client.get(url)
    return asked(client, url)


def asked(client: Client, url: str) -> list[str]:
    with CaptureQueriesContext(connection) as seen:
        answer = client.get(url)
    assert answer.status_code == 200, (url, answer.status_code)
    return [query["sql"] for query in seen.captured_queries if NOW_AND_THEN not in query["sql"]]
