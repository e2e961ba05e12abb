"""To which organisation a message belongs, where one listener serves several.

Which sender brings its messages where is decided by whoever operates the installation (`manage.py hl7_sender`), not by
the administrator of one organisation: otherwise one could claim what is meant for another.
"""

from __future__ import annotations

from time import monotonic

from clinical.hl7.reading import Message
from clinical.models import Hl7Sender
from hospital.models import Tenant
from hospital.tenancy import acting_for

KEPT_SECONDS = 15
Key = tuple[str, str]


class Routes:
    """A fixed organisation, or whichever the sender's row names. The rows are read again every quarter of a minute."""

    def __init__(self, fixed: Tenant | None = None) -> None:
        self.fixed, self.read_at = fixed, -float(KEPT_SECONDS)
        self.table: list[tuple[Key, Key, Tenant]] = []

    def tenant_for(self, message: Message | None) -> Tenant | None:
        """None where nobody is meant, or more than one: then nothing may be stored anywhere."""
        if self.fixed is not None:
            return Tenant.objects.filter(pk=self.fixed.pk, is_active=True).first()
        if message is None:
            return None
        if monotonic() - self.read_at >= KEPT_SECONDS:
            self.table, self.read_at = list(self._rows()), monotonic()
        found = {
            tenant.pk: tenant
            for sender, receiver, tenant in self.table
            if sender == message.sender and fits(receiver, message.receiver)
        }
        return next(iter(found.values())) if len(found) == 1 else None

    @staticmethod
    def _rows() -> list[tuple[Key, Key, Tenant]]:
        rows = []
        for tenant in Tenant.objects.filter(is_active=True):
            with acting_for(tenant):
                for one in Hl7Sender.objects.filter(is_routed=True):
                    rows.append(((one.application, one.facility), (one.for_application, one.for_facility), tenant))
        return rows


def fits(wanted: Key, said: Key) -> bool:
    return all(not one or one == other for one, other in zip(wanted, said, strict=True))
