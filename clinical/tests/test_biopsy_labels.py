"""What is printed is what is read: Code 128 and DataMatrix of a label say its number, on screen and on paper."""

from __future__ import annotations

import re

import pytest
import zxingcpp

from clinical import accession
from clinical.biopsy_labels import HEIGHT, WIDTH, PartLabel, pdf
from clinical.models import BiopsyPart
from clinical.tests.answers import text
from clinical.tests.pathology import a_biopsy
from clinical.tests.test_wristband import MM, in_print
from hospital.workflow import Refused


@pytest.mark.parametrize("serial", [1, 999_999, 123_456_789])
def test_both_codes_of_the_printed_label_are_read_back_and_its_page_has_the_size_of_a_label(alpha, serial):
    biopsy = a_biopsy(alpha, "ordered")
    with alpha.acting("main_doctor"):
        part = BiopsyPart.objects.shown().get(biopsy=biopsy)
        part.serial = serial
        paper = pdf([part])
    boxes = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", paper)
    assert {tuple(round(float(side) / MM) for side in box) for box in boxes} == {(WIDTH, HEIGHT)}
    read = zxingcpp.read_barcodes(in_print(paper, WIDTH, HEIGHT))
    assert {code.text for code in read} == {accession.in_bars(serial, "B")}
    assert {code.format for code in read} == {zxingcpp.BarcodeFormat.Code128, zxingcpp.BarcodeFormat.DataMatrix}


def test_a_label_says_two_identifiers_which_biopsy_and_where(alpha):
    biopsy = a_biopsy(alpha, "ordered")
    with alpha.acting("main_doctor"):
        part = BiopsyPart.objects.shown().get(biopsy=biopsy)
        wanted = (biopsy.patient.number, "12.03.1990", part.number, f"{biopsy.number} A", "Upper back, left")
    page = text(labels_page(alpha, biopsy))
    assert [said for said in wanted if said not in page] == []


def labels_page(alpha, biopsy):
    return alpha.client("lab_technician").post(f"{alpha.url}/biopsies/{biopsy.pk}/labels/", {})


def test_a_second_label_says_that_it_is_one(alpha):
    biopsy = a_biopsy(alpha, "ordered")
    with alpha.acting("main_doctor") as acting:
        part = BiopsyPart.objects.shown().get(biopsy=biopsy)
        assert "REPRINT" not in PartLabel(part).foot
        assert part.print_label(by=acting.person)
        assert "REPRINT 1" in PartLabel(part).foot


def test_the_label_of_a_tube_is_never_taken_for_one_of_a_biopsy(alpha):
    with alpha.acting("lab_technician"), pytest.raises(Refused, match="no number of a specimen"):
        BiopsyPart.by_label(accession.in_bars(1))


def test_what_names_no_part_is_refused_with_words(alpha):
    biopsy = a_biopsy(alpha, "ordered")
    answer = alpha.client("lab_technician").post(f"{alpha.url}/biopsies/{biopsy.pk}/labels/", {"part": ["nonsense"]})
    assert answer.status_code == 422
    assert "Choose at least one label" in text(answer)
