"""Charges arise from the work itself, inside its transaction: if one cannot be written, the work is undone too."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import models
from django.db.models.signals import post_save, pre_save

from billing.claims import undone
from billing.claims.authorised import give_back_units
from billing.claims.drafting import begin_by_itself, let_go
from billing.models import CONSULTATION, Account, Charge, Claim, ClaimVersion, DeskRules, JournalEntry, Kind
from billing.posting import due_of, give_back, move_to_payer, take_back
from billing.procedures import charge_recorded, charge_services, charge_session
from billing.returning import credit_return
from clinical.models import Biopsy, Encounter, LabOrder, PrescriptionLine, Procedure, StockMove, Visit
from hospital.models import Person, Tenant
from hospital.workflow import START, Refused, moved
from scheduling.models import Appointment

UNDONE = (LabOrder.Status.CANCELLED, LabOrder.Status.REJECTED)
GONE = (Visit.Status.CANCELLED, Visit.Status.LEFT)


def charge_consultation(instance: Visit, before: str, after: str, by: Person | None, **kwargs: Any) -> None:
    """A visit costs the consultation, unless the patient goes before anybody has looked."""
    if before == START:
        Charge.arise(instance, kind=Kind.CONSULTATION, code=CONSULTATION, text="Consultation", source_id=instance.pk)
        Account(instance).settle()
    elif after == Visit.Status.DIAGNOSED and is_free_follow_up(instance):
        cancel_charges(Kind.CONSULTATION, instance.pk, "A follow-up with the same doctor is free.", by)
    elif after in GONE and before == Visit.Status.REGISTERED:
        cancel_charges(
            Kind.CONSULTATION,
            instance.pk,
            f"The visit was {instance.get_status_display().lower()} before the examination.",
            by,
        )


def is_free_follow_up(visit: Visit) -> bool:
    """Whether the same doctor saw the patient shortly before, for a consultation that was charged."""
    length = DeskRules.here().follow_up_days
    if not length or visit.doctor_id is None:
        return False
    since = visit.registered_at - timedelta(days=length)
    former = Charge.objects.live().filter(kind=Kind.CONSULTATION, visit__patient=visit.patient_id, amount__gt=0)
    return (
        former.exclude(visit=visit)
        .filter(visit__doctor=visit.doctor_id, charged_at__gte=since, charged_at__lt=visit.registered_at)
        .exists()
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


def charge_biopsy(instance: Biopsy, before: str, after: str, by: Person | None, **kwargs: Any) -> None:
    """A biopsy costs from its taking on, also when the specimen is lost or no good. One that is found again was charged."""
    if (before, after) == (Biopsy.Status.ORDERED, Biopsy.Status.COLLECTED):
        charge_session(instance, by=by)


def charge_service(instance: Appointment, before: str, after: str, by: Person | None, **kwargs: Any) -> None:
    """The procedure that an appointment was for, by the code of its type, when it is completed; taken back when that is undone."""
    if instance.visit and Appointment.Status.COMPLETED in (before, after):
        charge_services(instance.visit, now=instance, by=by)


def charge_procedure(instance: Procedure, **kwargs: Any) -> None:
    """What colleagues record in the chart as done here, in the visit that is open. History and other houses cost nothing."""
    code = instance.charged_as
    former = Charge.objects.filter(kind=Kind.PROCEDURE, source_id=instance.pk).select_related("visit").first()
    visit = former.visit if former else Visit.objects.here(instance.patient_id) if code else None
    if visit:
        why = "The procedure was entered in error." if instance.is_mistake else "The procedure was recorded otherwise."
        charge_recorded(visit, instance, why=why, by=instance.closed_by or instance.recorded_by)


def cancel_charges(kind: str, source_id: Any, reason: str, by: Person | None) -> None:
    for charge in Charge.objects.live().filter(kind=kind, source_id=source_id).select_related("visit"):
        undone.undo(charge, reason, by=by)


def claim_note(instance: Encounter, after: str, by: Person | None, **kwargs: Any) -> None:
    """A signed note of an insured patient is claimed; of one that was entered in error, nothing is sent any more."""
    if after == Encounter.Status.SIGNED:
        begin_by_itself(instance)
    elif after == Encounter.Status.ENTERED_IN_ERROR:
        let_go(instance, by=by)


def ask_payer(instance: Claim, after: str, by: Person | None, **kwargs: Any) -> None:
    """What is claimed is due from the payer as long as the claim stands, and the patient's account again afterwards."""
    if after == Claim.Status.SUBMITTED:
        move_to_payer(instance, by=by)
    elif after == Claim.Status.REJECTED and instance.current and instance.current.corrects:
        take_back_what_is_new(instance, instance.current, by=by)
    elif after in (Claim.Status.REJECTED, *Claim.GONE):
        take_back(instance, by=by)
    undone.settle(instance, by=by)


def take_back_what_is_new(claim: Claim, rejected: ClaimVersion, *, by: Person | None) -> None:
    """The payer rejects a correction, and has what it corrects still: that is due as before."""
    known = claim.last_taken(but=rejected)
    charges = set(known.lines.values_list("charge", flat=True)) if known else set()
    account = Account.locked(claim.visit)
    give_back(claim, {charge: due for charge, due in due_of(claim).items() if charge not in charges}, by=by)
    account.settle()


def free_authorisation(instance: Claim, after: str, **kwargs: Any) -> None:
    if after in Claim.GONE:
        give_back_units(instance, str(instance.get_status_display()).lower())


def keep_currency(instance: Tenant, **kwargs: Any) -> None:
    """What was booked in one currency would be something else in another. The database says so too."""
    former = Tenant.objects.filter(pk=instance.pk).values_list("currency", flat=True).first()
    if former not in (None, instance.currency) and JournalEntry.objects.filter(tenant=instance).exists():
        raise Refused(f"Money is booked in {former} already, so the currency stays.")


def listen() -> None:
    pre_save.connect(keep_currency, sender=Tenant, dispatch_uid="keep_currency")
    moved.connect(free_authorisation, sender=Claim, dispatch_uid="free_authorisation")
    moved.connect(claim_note, sender=Encounter, dispatch_uid="claim_note")
    moved.connect(ask_payer, sender=Claim, dispatch_uid="ask_payer")
    moved.connect(charge_consultation, sender=Visit, dispatch_uid="charge_consultation")
    moved.connect(charge_biopsy, sender=Biopsy, dispatch_uid="charge_biopsy")
    moved.connect(charge_service, sender=Appointment, dispatch_uid="charge_service")
    post_save.connect(charge_procedure, sender=Procedure, dispatch_uid="charge_procedure")
    moved.connect(charge_test, sender=LabOrder, dispatch_uid="charge_test")
    post_save.connect(credit_return, sender=StockMove, dispatch_uid="credit_return")
    moved.connect(charge_medicine, sender=PrescriptionLine, dispatch_uid="charge_medicine")
