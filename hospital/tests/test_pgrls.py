"""A second opinion on row-level security: pgrls reads the catalogue, and each thing it remarks on is known here, with the reason."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from django.conf import settings

PERMISSIVE = (
    "the permissive policy lets everybody in, and the restrictive one beside it keeps all but the tenant's rows out"
)
ACCEPTED = {
    "SEC003": PERMISSIVE,
    "SEC005": PERMISSIVE,
    "SEC008": PERMISSIVE,
    "SEC028": PERMISSIVE,
    "SEC038": PERMISSIVE,
    "SEC010": "nobody deletes an organisation",
    "SEC013": "triggers write the audit and number the events; row-level security is forced, so it binds their owner too",
    "SEC014": "the same",
    "SEC017": "searches need their operator to be leakproof; it compares texts and tells nothing else",
    "VIEW002": "the views run as who asks: row-level security of the tables below is the barrier, and they filter nothing secret",
    "SEC035": "a group belongs to one role, and the key of a group comes from no person",
}
# Tables without a tenant: people and their log-ins, and what Django and its libraries keep.
GLOBAL = (
    "account_",
    "auth_",
    "django_",
    "guardian_",
    "mfa_",
    "hospital_person",
    "hospital_session",
    "hospital_authchange",
    "clinical_icd10code",
)


def test_pgrls_finds_nothing_that_is_not_known():
    found = {(finding["rule_id"], finding["location"].removeprefix("public.")) for finding in findings()}
    assert found, "pgrls saw no table at all"
    assert {one for one in found if one[0] == "SEC001" and not one[1].startswith(GLOBAL)} == set()
    assert {one for one in found if one[0] not in ACCEPTED and one[0] != "SEC001"} == set()


def test_the_remarks_on_triggers_and_keys_are_about_the_known_ones():
    named = {rule: {f["location"] for f in findings() if f["rule_id"] == rule} for rule in ("SEC010", "SEC035")}
    assert all("hospital_tenant" in place for place in named["SEC010"])
    assert all("hospital_role" in place or "hospital_tenant" in place for place in named["SEC035"])


def findings() -> list[dict]:
    owner = settings.DATABASES["owner"]
    url = f"postgresql://{owner['USER']}@/{owner['NAME']}?host={owner['HOST']}&port={owner['PORT']}"
    command = [
        str(Path(sys.executable).parent / "pgrls"),
        "lint",
        "--database-url",
        url,
        "--schemas",
        "public",
        "--format",
        "json",
    ]
    answer = json.loads(subprocess.run(command, capture_output=True, text=True, check=False).stdout)
    return answer["violations"] if "violations" in answer else answer["findings"]
