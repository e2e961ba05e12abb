"""The main job, end to end: a patient walks from the front desk to the pharmacy, on seven screens at once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from playwright.sync_api import Browser

from clinical.models import Batch, LabTest
from hospital.tests.hospital import Hospital
from hospital.tests.journey.cast import Cast
from hospital.tests.journey.way import Way
from hospital.tests.world import World, middle_of
from realtime.tests.server import Site
from realtime.tests.servers import Valkey

pytestmark = pytest.mark.browser
PICTURES = Path(os.environ.get("HOSPITAL_PICTURES", settings.STATE_DIR / "pictures"))


class Stage:
    """A hospital with shelves and prices, a stranger's hospital, and the pictures of one performance."""

    def __init__(self, alpha: Hospital, beta: Hospital) -> None:
        self.alpha, self.beta = alpha, beta
        with alpha.acting():
            World.shelves(shelf := Shelf(alpha))
            tests = list(
                LabTest.objects.filter(kind="numeric", ranges__low__isnull=False).distinct().order_by("name")[:2]
            )
            self.tests, self.value = [test.name for test in tests], middle_of(tests[0])
        self.medicine = shelf.medicine

    def perform(self, browser: Browser, base: str, name: str, *, scripts: bool = True) -> tuple[Cast, Way]:
        folder = PICTURES / name
        folder.mkdir(parents=True, exist_ok=True)
        cast = Cast(browser, base, self.alpha, self.beta, folder, scripts=scripts)
        way = Way(cast, f"Kone{self.alpha.mark}", self.medicine.name, self.tests)
        way.first_value, way.medicine_code = self.value, self.medicine.code
        return cast, way


class Shelf:
    def __init__(self, hospital: Hospital) -> None:
        from clinical.tests.dispensary import load_codes

        load_codes()
        self.hospital, self.mark = hospital, hospital.mark


@pytest.fixture
def stage(alpha, beta) -> Stage:
    return Stage(alpha, beta)


@pytest.fixture
def site_without_valkey(django_db_setup, tmp_path_factory) -> Iterator[Site]:
    """A server whose Valkey was there when it started, and is gone."""
    folder = tmp_path_factory.mktemp("v")
    valkey = Valkey(folder).start()
    running = Site(folder / "site.log", REDIS_URL=valkey.url).start()
    valkey.kill()
    yield running
    running.stop()


def ends_well(cast: Cast, way: Way, stage: Stage) -> None:
    assert cast.stranger.never_heard_of(way.mark)
    with stage.alpha.acting():
        assert Batch.objects.get(medicine=stage.medicine).on_hand == 90
    cast.close()


def test_a_patient_walks_from_the_front_desk_to_the_pharmacy_and_each_screen_shows_each_step(browser, site, stage):
    cast, way = stage.perform(browser, site.url, "journey")
    for step in way.steps():
        step()
    ends_well(cast, way, stage)


def test_the_same_with_the_sockets_cut_before_each_step_and_mended_after_it(browser, site, stage):
    cast, way = stage.perform(browser, site.url, "journey-cut")
    for step in way.steps():
        for page in cast.pages.values():
            cast.wires[page].cut()
            cast.wires[page].mend()
        step()
    ends_well(cast, way, stage)


def test_the_same_without_valkey(browser, site_without_valkey, stage):
    cast, way = stage.perform(browser, site_without_valkey.url, "journey-without-valkey")
    for step in way.steps():
        step()
    ends_well(cast, way, stage)


def test_the_same_without_scripts(browser, site, stage):
    cast, way = stage.perform(browser, site.url, "journey-without-scripts", scripts=False)
    for step in way.steps():
        step()
    ends_well(cast, way, stage)
