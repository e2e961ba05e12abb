"""A form that is sent twice has one effect.

Every rendered form carries a key. The key's row commits together with the effect, so after a crash there are both or
neither. The same key again gets the first answer; the same key with other contents is refused with 422.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from uuid import UUID

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.template.response import SimpleTemplateResponse

from hospital.context import current
from hospital.identifiers import uuid7
from hospital.models import FormKey
from hospital.workflow import Refused

KEPT_HEADERS = (
    "Content-Type",
    "Location",
    "HX-Redirect",
    "HX-Refresh",
    "HX-Location",
    "HX-Trigger",
    "HX-Retarget",
    "HX-Reswap",
    "HX-Push-Url",
)
CLAIM = """
    INSERT INTO hospital_formkey (id, tenant_id, person_id, key, body, headers, answer, created_at)
    VALUES (%s, %s, %s, %s, %s, '{}', '', now()) ON CONFLICT (tenant_id, person_id, key) DO NOTHING
"""
KEEP = """
    UPDATE hospital_formkey SET status = %s, headers = %s, answer = %s
    WHERE tenant_id = %s AND person_id = %s AND key = %s
"""


def once(request: HttpRequest, work: Callable[[], HttpResponse]) -> HttpResponse:
    """Do the work, or answer as it was answered the first time. A twin in flight waits for the first."""
    key = key_of(request)
    if key is None:
        return work()
    body = digest(request)
    if not claim(key, body):
        return replay(key, body)
    response = work()
    if isinstance(response, SimpleTemplateResponse) and not response.is_rendered:
        response.render()
    keep(key, response)
    return response


def key_of(request: HttpRequest) -> UUID | None:
    text = request.POST.get("form_key", "")
    if not text:
        return None
    try:
        return UUID(text)
    except ValueError:
        raise Refused("This form is damaged. Open the page again and repeat what you did.", status=400) from None


def digest(request: HttpRequest) -> str:
    """SHA-256 over the address, the fields, and each file's name and size."""
    ignored = ("csrfmiddlewaretoken",)
    fields = sorted((name, tuple(values)) for name, values in request.POST.lists() if name not in ignored)
    files = sorted((name, [(file.name, file.size) for file in request.FILES.getlist(name)]) for name in request.FILES)
    return hashlib.sha256(repr((request.method, request.get_full_path(), fields, files)).encode()).hexdigest()


def claim(key: UUID, body: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, [uuid7(), *whose(key), body])
        return cursor.rowcount == 1


def whose(key: UUID) -> list[UUID | None]:
    acting = current()
    return [acting.tenant.pk, acting.person.pk if acting.person else None, key]


def replay(key: UUID, body: str) -> HttpResponse:
    kept = FormKey.objects.get(person=current().person, key=key)
    if kept.body != body:
        raise Refused(
            "This form was already sent with other contents. Open the page again to send a new one.", status=422
        )
    return HttpResponse(bytes(kept.answer), status=kept.status, headers={**kept.headers, "Idempotent-Replay": "true"})


def keep(key: UUID, response: HttpResponse) -> None:
    """An answer that changed something is kept; one that asks to mend the form frees the key again."""
    if response.status_code >= 400:
        FormKey.objects.filter(person=current().person, key=key).delete()
        return
    headers = {name: response.headers[name] for name in KEPT_HEADERS if name in response.headers}
    answer = b"" if response.streaming else response.content
    with connection.cursor() as cursor:
        cursor.execute(KEEP, [response.status_code, json.dumps(headers), answer, *whose(key)])
