"""What colleagues see at once: patients, visits, the laboratory, the pharmacy and documents."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from django.urls import reverse

from clinical import biopsy_words, lab_words
from clinical.models import (
    Batch,
    Biopsy,
    CourierManifest,
    Document,
    LabOrder,
    Medicine,
    Patient,
    Policy,
    PossibleDuplicate,
    Prescription,
    QueuePlace,
    Visit,
)
from clinical.models.encounter import Encounter
from clinical.models.message import FAMILIES, MANAGE, Hl7Message
from realtime.catalogue import LiveEvent, Loudness, changed, created, either, reached, said

if TYPE_CHECKING:
    from hospital.models import Role

CARING = ("reception", "checker_doctor", "lab_technician", "main_doctor", "pharmacy", "billing")
ON_THE_WAY = (*CARING, "admin")
DOCTORS, READS_CHART = ("checker_doctor", "main_doctor"), "clinical.view_chart"
SEES_PATIENTS, SEES_VISITS = ("clinical.view_patient",), ("clinical.view_visit",)
WITH_BIOPSIES, SEES_BIOPSIES = ("main_doctor", "lab_technician"), ("clinical.view_biopsy",)
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


@said("becomes released, or is corrected and is or was critical")
def out(order: LabOrder, created: bool, fields: frozenset[str] | None) -> bool:
    fields = fields or frozenset()
    if not order.is_released or "corrected_at" not in fields:
        return "released_at" in fields
    return order.results.filter(flag__startswith="critical").exists()


at_pharmacy = reached("active")
moved_on = reached("dispensing", "dispensed", "partly", "declined", "cancelled")


def after_signing(prescription: Prescription, created: bool, fields: frozenset[str] | None) -> bool:
    """A draft that is thrown away concerns nobody else."""
    return prescription.prescribed_at is not None and moved_on(prescription, created, fields)


@said("called back from an outside pharmacy")
def called_back(prescription: Prescription, created: bool, fields: frozenset[str] | None) -> bool:
    return at_pharmacy(prescription, created, fields) and "call_back_reason" in (fields or ())


def became_low(medicine: Medicine, created: bool, fields: frozenset[str] | None) -> bool:
    return medicine.low_since is not None and "low_since" in (fields or ())


@said("comes near its expiry")
def became_expiring(batch: Batch, created: bool, fields: frozenset[str] | None) -> bool:
    return batch.expiring_since is not None and "expiring_since" in (fields or ())


@said("its bytes are not those that came")
def damaged(document: Document, created: bool, fields: frozenset[str] | None) -> bool:
    return document.damaged_at is not None and "damaged_at" in (fields or ())


def low_title(medicine: Medicine, role: str) -> str:
    return (
        f"{medicine} is low: {medicine.stock.usable} left" if medicine.stock.usable else f"{medicine} is out of stock"
    )


@said("notice for the author")
def its_author(note: Encounter) -> list[UUID]:
    """Told once for each tier, by `Encounter.notice_age`."""
    return [note.provider_id]


@said("those who have the note open, where only its words change")
def who_reads(note: Encounter) -> tuple[UUID, ...]:
    return note.telling


became_late = changed("told_tier")


def works_on(row: Hl7Message, role: Role) -> bool:
    """Each role hears of the messages of its own work."""
    return any(one in role.permissions for one in (FAMILIES[row.family], FAMILIES[Hl7Message.Family.OTHER]))


@said("results that nobody here ordered are in the chart")
def brought_results(row: Hl7Message, created: bool, fields: frozenset[str] | None) -> bool:
    return row.family == Hl7Message.Family.RESULTS and row.patient_id is not None and applied(row, created, fields)


def knows_patient(row: Hl7Message) -> UUID | None:
    """Who saw the patient last is told first; where nobody did, all in the roles."""
    visits = Visit.objects.filter(patient=row.patient_id).order_by("-registered_at")
    people = visits.values_list("doctor", "checker").first()
    return next(filter(None, people or ()), None)


@said("critical if a value is, else info")
def outside_loudness(row: Hl7Message) -> Loudness:
    return Loudness.CRITICAL if row.critical else Loudness.INFO


applied = reached("applied")

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
        "patient:duplicate",
        PossibleDuplicate,
        when=either(created, changed()),
        hears=("reception", "admin"),
        needs=("clinical.merge_patients",),
        template="clinical/patient/_pair.html",
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
        "prescription:sent",
        Prescription,
        when=reached("sent"),
        hears=("main_doctor", "pharmacy", "reception"),
        needs=("clinical.view_prescription", *SEES_VISITS),
        template="clinical/prescription/_row.html",
        title="{0.patient.name}: {0.number} is sent to {0.outside_pharmacy}",
        link=Prescription.get_absolute_url,
    ),
    LiveEvent(
        "prescription:status_changed",
        Prescription,
        when=either(after_signing, called_back),
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
    # --- notes: the row that all get carries not a word of them ---
    *(
        LiveEvent(
            f"encounter:{name}",
            Encounter,
            when=when,
            hears=(*DOCTORS, *more),
            needs=(READS_CHART, *SEES_VISITS) if more else (READS_CHART,),
            people=who_reads if name == "updated" else None,
            template="clinical/encounter/_row.html",
        )
        for name, when, more in (
            ("created", created, ()),
            ("updated", changed(), ()),
            ("completed", reached("ready_for_review"), ("billing",)),
            ("signed", reached("signed"), ("billing",)),
        )
    ),
    LiveEvent(
        "encounter:unsigned",
        Encounter,
        when=became_late,
        hears=DOCTORS,
        needs=(READS_CHART,),
        notice_to=its_author,
        title="Not signed for {0.tier} hours: {0.patient.name}, {0.title}",
        link="clinical:encounter",
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
        notice_to=lab_words.who_must_know,
    ),
    LiveEvent(
        "lab:result_ready",
        LabOrder,
        when=out,
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
        tells=lambda document, role: document.is_for_role(role),
        people=lambda document: document.only_for(),
        template="clinical/document/_row.html",
    ),
    LiveEvent(
        "document:damaged",
        Document,
        when=damaged,
        hears=("admin",),
        needs=("clinical.view_document",),
        loudness=Loudness.CRITICAL,
        title="A document was damaged in storage: {0.title}",
        link=Document.get_absolute_url,
    ),
    # --- biopsies: no row and no title says what came out ---
    LiveEvent(
        "biopsy:created",
        Biopsy,
        when=created,
        hears=WITH_BIOPSIES,
        needs=SEES_BIOPSIES,
        template="clinical/biopsy/_row.html",
    ),
    LiveEvent(
        "biopsy:updated",
        Biopsy,
        when=changed(),
        hears=WITH_BIOPSIES,
        needs=SEES_BIOPSIES,
        loudness=biopsy_words.step_loudness,
        template="clinical/biopsy/_row.html",
        title=biopsy_words.title_of_step,
        notice_to=biopsy_words.who_must_know,
        link=Biopsy.get_absolute_url,
    ),
    LiveEvent(
        "biopsy:result_received",
        Biopsy,
        when=biopsy_words.result_is_in,
        hears=("main_doctor",),
        needs=SEES_BIOPSIES,
        loudness=biopsy_words.result_loudness,
        title=biopsy_words.title_of_result,
        link=Biopsy.get_absolute_url,
        answers=biopsy_words.orderer,
    ),
    LiveEvent(
        "biopsy:reviewed",
        Biopsy,
        when=reached("reviewed"),
        hears=WITH_BIOPSIES,
        needs=SEES_BIOPSIES,
        template="clinical/biopsy/_row.html",
    ),
    LiveEvent(
        "manifest:changed",
        CourierManifest,
        when=either(created, changed()),
        hears=WITH_BIOPSIES,
        needs=SEES_BIOPSIES,
        loudness=biopsy_words.manifest_loudness,
        template="clinical/biopsy/_manifest_row.html",
        title=biopsy_words.title_of_manifest,
        link=CourierManifest.get_absolute_url,
    ),
    # --- messages of other systems ---
    LiveEvent(
        "message:changed",
        Hl7Message,
        when=reached("waiting", "applied", "aside"),
        hears=("admin", "lab_technician", "reception"),
        needs=(MANAGE,),
        tells=works_on,
    ),
    LiveEvent(
        "lab:outside_result",
        Hl7Message,
        when=brought_results,
        hears=("main_doctor", "checker_doctor"),
        needs=READS_RESULTS,
        loudness=outside_loudness,
        title="From another laboratory: {0.critical}, {0.patient.name}",
        link=lambda row: reverse("clinical:chart_results", args=[row.patient_id]),
        answers=knows_patient,
        reads_back=lambda row: row.critical_value,
    ),
)
