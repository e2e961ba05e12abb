"""Charges arise from the work itself, inside its transaction: if one cannot be written, the work is undone too."""

from __future__ import annotations

from typing import Any

from django.db import models

from billing.models import CONSULTATION, Account, Charge, Kind
from clinical.models import LabOrder, PrescriptionLine, Visit
from hospital.models import Person
from hospital.workflow import START, moved

UNDONE = (LabOrder.Status.CANCELLED, LabOrder.Status.REJECTED)
GONE = (Visit.Status.CANCELLED, Visit.Status.LEFT)


def charge_consultation(instance: Visit, before: str, after: str, by: Person | None, **kwargs: Any) -> None:
    """A visit costs the consultation, unless the patient goes before anybody has looked."""
    if before == START:
        Charge.arise(instance, kind=Kind.CONSULTATION, code=CONSULTATION, text="Consultation", source_id=instance.pk)
        Account(instance).settle()
    elif after in GONE and before == Visit.Status.REGISTERED:
        cancel_charges(
            Kind.CONSULTATION,
            instance.pk,
            f"The visit was {instance.get_status_display().lower()} before the examination.",
            by,
        )


def charge_test(instance: LabOrder, before: str, after: str, by: Person | None, **kwargs: Any) -> None:
    """A test costs from its order on. A rejected specimen costs nothing: the order that repeats it does."""
    if before == START:
        account = Account.locked(instance.visit)
        Charge.arise(
            account.visit, kind=Kind.TEST, code=instance.test.code, text=instance.test.name, source_id=instance.pk
        )
        account.settle()
    elif after in UNDONE:
        cancel_charges(Kind.TEST, instance.pk, f"The test was {after}.", by)


def charge_medicine(instance: PrescriptionLine, by: Person | None, **kwargs: Any) -> None:
    """What was handed out since the last charge of this line."""
    if not instance.dispensed:
        return
    visit = instance.prescription.visit
    account = Account.locked(visit)
    former = Charge.objects.filter(kind=Kind.MEDICINE, source_id=instance.pk)
    known = former.aggregate(
        quantity=models.Sum("quantity", filter=models.Q(cancelled_at=None)), sequence=models.Max("sequence")
    )
    more = instance.dispensed - (known["quantity"] or 0)
    if more > 0:
        medicine = instance.medicine
        Charge.arise(
            visit,
            kind=Kind.MEDICINE,
            code=medicine.code,
            text=str(medicine),
            quantity=more,
            source_id=instance.pk,
            sequence=(known["sequence"] or 0) + 1,
        )
        account.settle()


def cancel_charges(kind: str, source_id: Any, reason: str, by: Person | None) -> None:
    for charge in Charge.objects.live().filter(kind=kind, source_id=source_id).select_related("visit"):
        charge.cancel(reason, by=by)


def listen() -> None:
    moved.connect(charge_consultation, sender=Visit, dispatch_uid="charge_consultation")
    moved.connect(charge_test, sender=LabOrder, dispatch_uid="charge_test")
    moved.connect(charge_medicine, sender=PrescriptionLine, dispatch_uid="charge_medicine")
