"""The stock's pages: what is there, what is done with a batch, what arrives, and the catalogue of medicines."""

from __future__ import annotations

import re
import uuid

import pytest

from clinical.models import Medicine, StockMove
from clinical.tests.answers import PANEL, text
from clinical.tests.dispensary import a_medicine, books_agree, received
from hospital.tests.asking import queries


class TestStock:
    @pytest.fixture
    def shelf(self, alpha) -> dict[str, Medicine]:
        with alpha.acting():
            shelf = {
                name: a_medicine(name, name=name, low_at=10)
                for name in ("Plenty", "Little", "Nothing", "Ending", "Locked")
            }
            received(shelf["Plenty"], 100)
            received(shelf["Little"], 10)
            received(shelf["Ending"], 50, days=30)
            received(shelf["Locked"], 50).set_state("quarantined", "To be checked", by=None)
        return shelf

    @pytest.mark.parametrize(
        ("query", "names"),
        [
            ("", ["Ending", "Little", "Locked", "Nothing", "Plenty"]),
            ("?show=low", ["Little"]),
            ("?show=out", ["Locked", "Nothing"]),
            ("?show=expiring", ["Ending"]),
            ("?show=locked", ["Locked"]),
            ("?q=plen", ["Plenty"]),
            ("?q=plen&show=low", []),
            ("?show=odd", ["Ending", "Little", "Locked", "Nothing", "Plenty"]),
        ],
    )
    def test_the_stock_is_searched_and_filtered(self, alpha, shelf, query, names):
        page = text(alpha.client("pharmacy").get(f"{alpha.url}/stock/{query}"))
        found = re.findall(r'<tr id="medicine-[^>]*>\s*<td class="cell-title"><a[^>]*>(\w+)</a>', page)
        assert found == names

    def test_low_and_expiring_are_marked_with_a_word(self, alpha, shelf):
        page = text(alpha.client("pharmacy").get(f"{alpha.url}/stock/"))
        for word in ("Low", "Out of stock", "50 expiring", "50 locked", "In stock"):
            assert re.search(rf'class="chip tone-\w+">\s*<svg[^>]*>.*?</svg>{word}</span>', page), word

    def test_the_queries_do_not_grow_with_the_stock(self, alpha):
        client, counts = alpha.client("pharmacy"), []
        for more in (2, 20):
            with alpha.acting():
                for _ in range(more):
                    received(a_medicine(uuid.uuid4().hex[:8]), 5)
            counts.append(len(queries(client, f"{alpha.url}/stock/")))
        assert counts[0] == counts[1]

    def test_the_page_of_a_medicine_shows_its_batches_and_its_ledger(self, alpha, shelf):
        page = text(alpha.client("pharmacy").get(f"{alpha.url}/stock/{shelf['Locked'].pk}/"))
        assert "Quarantined" in page
        assert "To be checked" in page
        assert "+50" in page

    @pytest.mark.parametrize(
        ("action", "said", "left"),
        [
            ("count", {"counted": 8, "reason": "Two are missing"}, 8),
            ("count", {"counted": 10}, 10),
            ("write-off", {"quantity": 4, "reason": "Broken"}, 6),
            ("transfer", {"quantity": 4, "location": "Ward 3"}, 10),
            ("lock", {"state": "recalled", "reason": "Letter"}, 10),
        ],
    )
    def test_each_act_is_a_form_of_its_own(self, alpha, action, said, left):
        with alpha.acting():
            medicine = a_medicine()
            batch = received(medicine, 10)
        client, address = alpha.client("pharmacy"), f"{alpha.url}/stock/batches/{batch.pk}/{action}/"
        assert client.get(address).status_code == 200
        assert "<html" not in text(client.get(address, headers=PANEL))
        assert client.post(address, said).status_code == 302
        with alpha.acting():
            assert books_agree(medicine) == left

    @pytest.mark.parametrize(
        ("action", "said", "words"),
        [
            ("count", {"counted": 8}, "Say why it differs"),
            ("count", {"counted": -1}, "Write 0 or more."),
            ("write-off", {"quantity": 11, "reason": "Broken"}, "has only 10"),
            ("write-off", {"quantity": 1, "reason": ""}, "required"),
            ("transfer", {"quantity": 1, "location": ""}, "required"),
            ("lock", {"state": "eaten", "reason": "Rats"}, "one of those that are offered"),
        ],
    )
    def test_what_cannot_be_done_is_said_at_the_field(self, alpha, action, said, words):
        with alpha.acting():
            medicine = a_medicine()
            batch = received(medicine, 10)
        answer = alpha.client("pharmacy").post(f"{alpha.url}/stock/batches/{batch.pk}/{action}/", said, headers=PANEL)
        assert answer.status_code == 422
        assert words in text(answer)
        with alpha.acting():
            assert books_agree(medicine) == 10
            assert StockMove.objects.count() == 1

    def test_receiving_leads_back_to_the_medicine(self, alpha):
        with alpha.acting():
            medicine = a_medicine()
        client, address = alpha.client("pharmacy"), f"{alpha.url}/stock/{medicine.pk}/receive/"
        said = {"lot": "A1", "expires_on": "2099-01-01", "quantity": 50, "location": "Shelf 2"}
        assert client.post(address, {**said, "expires_on": "2001-01-01"}).status_code == 422
        answer = client.post(address, said, headers=PANEL)
        assert answer.headers["HX-Redirect"] == f"{alpha.url}/stock/{medicine.pk}/"
        with alpha.acting():
            assert books_agree(medicine) == 50


class TestTwice:
    def test_a_receipt_that_is_sent_again_arrives_once(self, alpha):
        with alpha.acting():
            medicine = a_medicine()
        said = {"lot": "A1", "expires_on": "2099-01-01", "quantity": 5, "form_key": str(uuid.uuid4())}
        client = alpha.client("pharmacy")
        for _ in range(3):
            assert client.post(f"{alpha.url}/stock/{medicine.pk}/receive/", said).status_code == 302
        with alpha.acting():
            assert books_agree(medicine) == 5


class TestCatalogue:
    def test_the_administrator_keeps_the_medicines_and_only_reads_the_stock(self, alpha):
        client = alpha.client("admin")
        said = {
            "code": "PARA",
            "name": "Paracetamol",
            "strength": "500 mg",
            "form": "tablet",
            "unit": "tablet",
            "low_at": 5,
            "is_active": "on",
        }
        assert client.post(f"{alpha.url}/admin/clinical/medicine/add/", said).status_code == 302
        with alpha.acting():
            medicine = Medicine.objects.get()
            assert medicine.low_since is not None
            batch = received(medicine, 100)
        assert client.get(f"{alpha.url}/admin/clinical/batch/{batch.pk}/change/").status_code == 200
        assert client.post(f"{alpha.url}/admin/clinical/batch/{batch.pk}/change/", {"lot": "X"}).status_code == 403
        assert client.get(f"{alpha.url}/admin/clinical/stockmove/").status_code == 200

    def test_a_new_threshold_counts_at_once(self, alpha):
        with alpha.acting():
            medicine = a_medicine()
            received(medicine, 20)
        said = {"code": medicine.code, "name": medicine.name, "unit": "tablet", "low_at": 30, "is_active": "on"}
        alpha.client("admin").post(f"{alpha.url}/admin/clinical/medicine/{medicine.pk}/change/", said)
        with alpha.acting():
            assert Medicine.objects.get().low_since is not None
