"""What colleagues see at once: patients, visits, the laboratory, the pharmacy and documents."""

from __future__ import annotations

from django.urls import reverse

from clinical import lab_words
from clinical.models import Batch, Document, LabOrder, Medicine, Patient, Policy, Prescription, QueuePlace, Visit
from realtime.catalogue import LiveEvent, Loudness, changed, created, either, reached, said

CARING = ("reception", "checker_doctor", "lab_technician", "main_doctor", "pharmacy", "billing")
ON_THE_WAY = (*CARING, "admin")
SEES_PATIENTS, SEES_VISITS = ("clinical.view_patient",), ("clinical.view_visit",)
SEES_STOCK, READS_RESULTS = ("clinical.view_stock",), ("clinical.view_results",)


def called(place: QueuePlace, created: bool, fields: frozenset[str] | None) -> bool:
    """Called, and what ends a call: the wall board shows a token from the one to the other."""
    fields = fields or frozenset()
    return not created and ("called_at" in fields or ("ended_at" in fields and place.called_at is not None))


@said("a policy is verified")
def verified(policy: Policy, created: bool, fields: frozenset[str] | None) -> bool:
    return policy.verified_at is not None and "verified_at" in (fields or ())


def call_loudness(place: QueuePlace) -> Loudness:
    return Loudness.NOTICE if place.called_at and not place.ended_at else Loudness.INFO


def call_title(place: QueuePlace, role: str) -> str:
    return f"{place.label} is called to {place.called_to or place.get_queue_display().lower()}"


def to_examine(visit: Visit) -> str:
    return reverse("clinical:examine", args=[visit.pk])


at_pharmacy = reached("active")
moved_on = reached("dispensing", "dispensed", "partly", "declined", "cancelled")


def after_signing(prescription: Prescription, created: bool, fields: frozenset[str] | None) -> bool:
    """A draft that is thrown away concerns nobody else."""
    return prescription.prescribed_at is not None and moved_on(prescription, created, fields)


def became_low(medicine: Medicine, created: bool, fields: frozenset[str] | None) -> bool:
    return medicine.low_since is not None and "low_since" in (fields or ())


@said("comes near its expiry")
def became_expiring(batch: Batch, created: bool, fields: frozenset[str] | None) -> bool:
    return batch.expiring_since is not None and "expiring_since" in (fields or ())


def low_title(medicine: Medicine, role: str) -> str:
    return (
        f"{medicine} is low: {medicine.stock.usable} left" if medicine.stock.usable else f"{medicine} is out of stock"
    )


EVENTS = (
    # --- patients, visits, queues ---
    LiveEvent(
        "patient:registered",
        Patient,
        when=created,
        hears=("reception", "admin"),
        needs=SEES_PATIENTS,
        about=lambda patient: patient.pk,
    ),
    LiveEvent(
        "patient:updated",
        Patient,
        when=changed(),
        hears=CARING,
        needs=SEES_PATIENTS,
        about=lambda patient: patient.pk,
    ),
    LiveEvent(
        "patient:insurance_verified",
        Policy,
        when=verified,
        hears=("reception", "billing"),
        needs=("clinical.manage_insurance",),
        title="{0.patient.name}: {0.insurer} is verified",
        link=Policy.get_absolute_url,
    ),
    LiveEvent(
        "visit:created",
        Visit,
        when=created,
        hears=("checker_doctor", "reception", "admin"),
        needs=SEES_VISITS,
        loudness={"checker_doctor": Loudness.NOTICE},
        template="clinical/visit/_row.html",
        title="New visit: {0.patient.name}",
        link=to_examine,
    ),
    LiveEvent(
        "visit:updated", Visit, when=changed(), hears=ON_THE_WAY, needs=SEES_VISITS, template="clinical/visit/_row.html"
    ),
    LiveEvent(
        "queue:called",
        QueuePlace,
        when=called,
        hears=("reception", "board"),
        needs=("clinical.view_board",),
        loudness=call_loudness,
        template="clinical/board/_token.html",
        title=call_title,
    ),
    # --- consultation and pharmacy ---
    LiveEvent(
        "prescription:ready",
        Prescription,
        when=at_pharmacy,
        hears=("pharmacy",),
        needs=("clinical.view_prescription",),
        loudness=Loudness.NOTICE,
        template="clinical/prescription/_row.html",
        title="To dispense: {0.patient.name}, {0.number}",
        link="clinical:prescription",
    ),
    LiveEvent(
        "prescription:status_changed",
        Prescription,
        when=after_signing,
        hears=("main_doctor", "pharmacy", "reception"),
        needs=("clinical.view_prescription", *SEES_VISITS),  # the medicines are shown to the former only
        template="clinical/prescription/_row.html",
    ),
    LiveEvent(
        "stock:changed",
        Medicine,
        when=either(created, changed()),
        hears=("pharmacy",),
        needs=SEES_STOCK,
        template="clinical/pharmacy/_stock_row.html",
    ),
    LiveEvent(
        "stock:low",
        Medicine,
        when=became_low,
        hears=("pharmacy", "admin"),
        needs=SEES_STOCK,
        loudness=Loudness.NOTICE,
        title=low_title,
        link="clinical:medicine",
    ),
    LiveEvent(
        "stock:expiring",
        Batch,
        when=became_expiring,
        hears=("pharmacy", "admin"),
        needs=SEES_STOCK,
        loudness=Loudness.NOTICE,
        title="{0.medicine}: lot {0.lot} expires on {0.expires_on:%-d %B}, {0.on_hand} left",
        link=lambda batch: batch.medicine.get_absolute_url(),
    ),
    # --- laboratory and documents ---
    LiveEvent(
        "lab_order:created",
        LabOrder,
        when=created,
        hears=("lab_technician",),
        needs=("clinical.process_lab",),
        loudness=lab_words.notice_once,
        template="clinical/laboratory/_order_row.html",
        title=lab_words.title_of_order,
        link=lab_words.bench_of,
    ),
    LiveEvent(
        "lab_order:updated",
        LabOrder,
        when=changed(),
        hears=("lab_technician", "checker_doctor", "main_doctor"),
        needs=("clinical.process_lab", *READS_RESULTS),  # the values are shown to the latter only
        loudness=lab_words.loud_if_lost,
        template="clinical/laboratory/_order_row.html",
        title=lab_words.title_of_step,
        link=lab_words.visit_of,
    ),
    LiveEvent(
        "lab:result_ready",
        LabOrder,
        when=reached("released"),
        hears=("main_doctor", "checker_doctor"),
        needs=READS_RESULTS,
        loudness=lab_words.critical_or_notice_once,
        title=lab_words.title_of_result,
        link=lab_words.visit_of,
        answers=lambda order: order.ordered_by_id,
        reads_back=lambda order: str(order.result),
    ),
    LiveEvent(
        "document:uploaded",
        Document,
        when=reached("filed"),
        hears=("checker_doctor", "lab_technician", "main_doctor", "admin"),
        needs=("clinical.view_document",),
        template="clinical/document/_row.html",
    ),
)
