"""Tests that are ordered together under one name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models

from clinical.models.lab_test import LabTest
from hospital.tenancy import EditableModel, TenantKey, TenantModel
from hospital.workflow import Refused

if TYPE_CHECKING:
    from uuid import UUID

    from clinical.models import Visit


class Panel(EditableModel):
    """Ordered as one and shown together; each of its tests is an order of its own."""

    code = models.CharField(max_length=20)
    name = models.CharField(max_length=120)
    loinc = models.CharField("LOINC", max_length=20, blank=True, default="")
    is_active = models.BooleanField(default=True)

    class Meta(EditableModel.Meta):
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["tenant", "code"], name="panel_code_once")]

    def __str__(self) -> str:
        return self.name

    def tests(self) -> models.QuerySet[LabTest]:
        """Those that are offered, in the panel's order."""
        return LabTest.objects.filter(in_panels__panel=self, is_active=True).order_by("in_panels__place")

    def set_tests(self, tests: list[LabTest]) -> None:
        """Exactly these, in this order."""
        self.members.all().delete()
        for place, test in enumerate(tests):
            PanelTest(panel=self, test=test, place=place).save()


class PanelTest(TenantModel):
    panel = TenantKey(Panel, on_delete=models.CASCADE, related_name="members")
    test = TenantKey(LabTest, on_delete=models.CASCADE, related_name="in_panels")
    place = models.PositiveSmallIntegerField(default=0)

    class Meta(TenantModel.Meta):
        ordering = ["panel", "place"]
        verbose_name = "test of a panel"
        verbose_name_plural = "tests of panels"
        constraints = [models.UniqueConstraint(fields=["tenant", "panel", "test"], name="panel_test_once")]

    def __str__(self) -> str:
        return f"{self.panel}: {self.test}"


def wanted(visit: Visit, tests: list[LabTest], panels: list[Panel]) -> list[tuple[LabTest, Panel | None]]:
    """What is really to be ordered: each test once, with the panel that it comes with."""
    open_tests = set(visit.lab_orders.open().values_list("test_id", flat=True))
    found: dict[UUID, tuple[LabTest, Panel | None]] = {}
    for panel in panels:
        members = list(panel.tests())
        left = [test for test in members if test.pk not in open_tests]
        if not left:
            why = "is already ordered for this visit" if members else "has no test that is offered"
            raise Refused(f"{panel} {why}.", status=422, field="panels")
        for test in left:
            found.setdefault(test.pk, (test, panel))
    for test in tests:
        found.setdefault(test.pk, (test, None))
    return list(found.values())
