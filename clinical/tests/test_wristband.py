"""The wristband: in real size, read back by a scanner, and what was read leads to its patient."""

from __future__ import annotations

import re
import zlib

import pytest
import zxingcpp
from PIL import Image, ImageDraw

from clinical.labels import Matrix
from clinical.models import Patient
from clinical.tests.wards import a_patient

SCALE = 8
MM = 72 / 25.4


@pytest.fixture
def patient(alpha) -> Patient:
    with alpha.acting("reception"):
        return a_patient()


def in_print(paper: bytes, width: float = 250, height: float = 25) -> Image.Image:
    """The dark rectangles of the page (in mm) as a scanner sees them."""
    picture = Image.new("L", (int(width * MM * SCALE), int(height * MM * SCALE)), 255)
    pen = ImageDraw.Draw(picture)
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", paper, re.DOTALL)
    drawn = next(part for part in map(unpacked, streams) if b" re" in part)
    for found in re.findall(rb"([\d.]+) ([\d.]+) ([\d.]+) (-?[\d.]+) re", drawn):
        x, y, wide, high = (float(number) * SCALE for number in found)
        pen.rectangle(
            (x, picture.height - max(y, y + high), x + wide - 1, picture.height - min(y, y + high) - 1), fill=0
        )
    return picture


def unpacked(stream: bytes) -> bytes:
    try:
        return zlib.decompress(stream)
    except zlib.error:
        return b""


def test_both_codes_of_the_printed_band_are_read_back_and_lead_to_the_patient(alpha, patient):
    answer = alpha.client("reception").get(f"{alpha.url}/patients/{patient.pk}/wristband.pdf")
    assert answer["Content-Type"] == "application/pdf"
    [box] = set(re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", answer.content))
    assert [round(float(side) / MM) for side in box] == [250, 25]
    read = zxingcpp.read_barcodes(in_print(answer.content))
    kinds = [str(code.format) for code in read]
    assert {code.text for code in read} == {patient.number}
    assert sum("128" in kind for kind in kinds) == 1 and sum("Matrix" in kind for kind in kinds) == 2
    page = alpha.client("lab_technician").post(
        f"{alpha.url}/specimens/round/", {"patient": read[0].text, "scan": "S000001B"}
    )
    assert "is no patient" not in page.content.decode()
    found = alpha.client("reception").get(f"{alpha.url}/search/?q={read[0].text}")
    assert found["Location"] == f"{alpha.url}/patients/{patient.pk}/"


def test_the_square_of_the_screen_is_read_back():
    matrix = Matrix("P-000123")
    picture = Image.new("L", (matrix.side * 4, matrix.side * 4), 255)
    for x, y, width in re.findall(r"M(\d+) (\d+)h(\d+)v1", matrix.svg):
        left, top = int(x) * 4, int(y) * 4
        ImageDraw.Draw(picture).rectangle((left, top, left + int(width) * 4 - 1, top + 3), fill=0)
    assert [code.text for code in zxingcpp.read_barcodes(picture)] == ["P-000123"]


def test_the_page_says_who_it_is_and_leads_back_to_where_it_was_asked_for(alpha, patient):
    client, url = alpha.client("reception"), f"{alpha.url}/patients/{patient.pk}/wristband/"
    page = client.get(url).content.decode()
    with alpha.acting():
        words = (patient.name, patient.number, f"{patient.birth_date:%-d %b %Y}", patient.get_sex_display())
    assert all(word in page for word in words) and alpha.tenant.name in page
    assert f'href="{alpha.url}/visits/"' in client.get(f"{url}?back={alpha.url}/visits/").content.decode()
    assert "evil.example" not in client.get(f"{url}?back=//evil.example/").content.decode()
    for kind in ("bars", "matrix"):
        answer = client.get(f"{alpha.url}/patients/{patient.pk}/{kind}.svg")
        assert answer["Content-Type"] == "image/svg+xml" and b"<path" in answer.content


def test_nobody_of_another_hospital_prints_it(alpha, beta, patient):
    for tail in ("wristband/", "wristband.pdf", "bars.svg", "matrix.svg"):
        assert beta.client("reception").get(f"{beta.url}/patients/{patient.pk}/{tail}").status_code == 404


@pytest.mark.parametrize("name", ["Wolfeschlegelsteinhausenbergerdorff " * 3, "王小明", "محمد", ""])
def test_any_name_and_an_unknown_date_of_birth_fit(alpha, patient, name):
    with alpha.acting("reception") as acting:
        patient.change(
            by=acting.person, family_name=name or "Kilo", birth_date=None if not name else patient.birth_date
        )
    answer = alpha.client("reception").get(f"{alpha.url}/patients/{patient.pk}/wristband.pdf")
    assert answer.content.startswith(b"%PDF-") and answer.content.count(b"/Type /Page\n") == 1
