"""What happens at the bench beside the results: cells that are not saved yet, and calls about critical values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.utils import timezone

from clinical.models.lab_result import LabResult
from hospital.seals import raw
from hospital.tenancy import EditableModel, TenantKey, TenantModel
from hospital.workflow import Refused, allow, needs
from realtime.alerts.reading import is_ambiguous, reads_as

if TYPE_CHECKING:
    from clinical.models.laboratory import LabOrder
    from hospital.models import Person


class ResultDraft(EditableModel):
    """A cell of the grid as somebody typed it, and did not save yet."""

    order = TenantKey("clinical.LabOrder", related_name="drafts")
    person = models.ForeignKey("hospital.Person", on_delete=models.PROTECT, related_name="+")
    value = models.TextField(blank=True, default="")
    note = models.CharField(max_length=500, blank=True, default="")

    class Meta(EditableModel.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant", "order", "person"], name="result_draft_once")]

    def __str__(self) -> str:
        return f"{self.value} by {self.person}"

    @classmethod
    def keep(cls, order: LabOrder, value: str, note: str, *, by: Person) -> None:
        cls.objects.update_or_create(order=order, person=by, defaults={"value": value, "note": note[:500]})


class CriticalCall(TenantModel):
    """A critical value was told to somebody, who read it back. A row never changes."""

    order = TenantKey("clinical.LabOrder", related_name="calls")
    result = TenantKey(LabResult, related_name="calls")
    called = models.CharField(max_length=120, help_text="Who answered.")
    read_back = models.CharField(max_length=200)
    at = models.DateTimeField(default=timezone.now)
    by = models.ForeignKey("hospital.Person", on_delete=models.PROTECT, related_name="+")

    class Meta(TenantModel.Meta):
        ordering = ["at"]
        indexes = [models.Index(fields=["tenant", "order"], name="critical_call_of_order")]

    def __str__(self) -> str:
        return f"Called to {self.called} at {timezone.localtime(self.at):%H:%M}, read back {self.read_back}"

    @classmethod
    def record(cls, order: LabOrder, *, called: str, read_back: str, by: Person) -> CriticalCall:
        """Only of a critical value that is released; whoever reads it back wrongly has not heard it."""
        allow("clinical.process_lab", by)
        order.lock()
        if not (order.is_released and order.is_critical and order.result):
            raise Refused("Only a released critical value is called.")
        who = needs(called, "Say who answered the call.", field="called")
        with raw():
            refuse_unless_read(read_back, str(order.result))
        return cls.objects.create(order=order, result=order.result, called=who, read_back=read_back.strip(), by=by)


def refuse_unless_read(read_back: str, expected: str) -> None:
    if is_ambiguous(read_back, expected) or not reads_as(read_back, expected):
        sentence = "This is not the value. Ask for it again, and write what was read back."
        raise Refused(sentence, status=422, field="read_back")
