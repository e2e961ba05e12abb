"""A row shows the patient, and its token: what the row's own version does not count, its region must fetch."""

from __future__ import annotations

import re

import pytest

SHOWN = {
    ("reception", "/front-desk/", "visits"): {"patient:updated"},
    ("checker_doctor", "/examination/", "queue"): {"patient:updated"},
    ("main_doctor", "/consultation/", "queue"): {"patient:updated"},
    ("main_doctor", "/consultation/", "pending"): {"patient:updated"},
    ("lab_technician", "/laboratory/", "laboratory"): {"patient:updated", "visit:updated"},
    ("pharmacy", "/dispensing/", "dispensing"): {"patient:updated", "visit:updated"},
    ("billing", "/payments/", "accounts"): {"patient:updated"},
}


@pytest.mark.parametrize(("role", "path", "region"), SHOWN)
def test_a_list_follows_a_name_that_is_corrected_and_a_patient_who_is_moved(alpha, role, path, region):
    page = alpha.client(role).get(alpha.url + path).content.decode()
    section = re.search(rf'<section id="(?:open-)?{region}"[^>]*>', page)[0]
    follows = re.search(r'data-live-on="([^"]*)"', section)[1].split()
    assert SHOWN[role, path, region] <= set(follows)
