"""Results that nobody here ordered: rows of the chart, found again by the sender's own numbers when it corrects them."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from hashlib import sha256
from typing import Any

from django.core.files.base import ContentFile

from clinical import vitals
from clinical.hl7.intake import Intake, Reason, Waits
from clinical.hl7.observations import Group, Result
from clinical.measure import NotANumber, read_number
from clinical.models import Document, LabOrder, LabTest, Observation, Patient, Report
from clinical.models.lab_result import in_unit
from clinical.models.of_chart import MISTAKE
from clinical.outside import PRELIMINARY, Outside, graver

FLAGS = set(Observation.Flag.values)


def identity(intake: Intake, group: Group, result: Result | None = None) -> str:
    """The filler's number says which report it is; without one, the message does."""
    report = (group.fillers or group.placers or [intake.row.digest])[0]
    parts = [report, group.name.key if result is None else result.code.key]
    if result is not None:
        parts.append(result.sub_id or str(group.results.index(result)) if repeated(group, result) else result.sub_id)
    kind = "report" if result is None else "result"
    return f"{intake.identity}:{kind}:{sha256('|'.join(parts).encode()).hexdigest()[:40]}"


def repeated(group: Group, result: Result) -> bool:
    return sum(one.code.key == result.code.key and one.sub_id == result.sub_id for one in group.results) > 1


def keep_result(intake: Intake, patient: Patient, group: Group, result: Result, test: LabTest | None) -> Observation:
    key = identity(intake, group, result)
    row = known(patient, key)
    fields = fields_of(intake, patient, group, result, test)
    if row is None:
        row = Observation(patient=patient, fhir_id=key, recorded_by=intake.by, **fields)
        row.save(force_insert=True)
        intake.done.append(f"{row.text} kept")
    elif changed := [name for name, value in fields.items() if getattr(row, name) != value]:
        for name in changed:
            setattr(row, name, fields[name])
        row.save(update_fields=changed)
        intake.done.append(f"{row.text} corrected")
    alarm(intake, row, result)
    return row


def known(patient: Patient, key: str) -> Observation | None:
    row = Observation.objects.filter(fhir_id=key).first()
    if row is not None and row.patient_id != patient.pk:
        raise Waits(Reason.CONFLICT, "The sender reported the same result for another patient before.")
    return row


def fields_of(intake: Intake, patient: Patient, group: Group, result: Result, test: LabTest | None) -> dict[str, Any]:
    at, said = group.at_of(result, intake.row.received_at)
    sent = Outside.said(result.words or "No value", source=str(intake.sender), range=result.range, flag=result.flag)
    low, high = sent.limits
    code = (test.loinc if test and test.loinc else result.code.code)[:40]
    number, coded = result.number, result.coded
    flag = graver(sent.known_flag, ours_of(patient, result, test, at))
    return {
        "category": "vital-signs" if code in vitals.BY_CODE else "laboratory",
        "code": code,
        "text": ((test.name if test else "") or result.code.name or group.name.name or "Result")[:255],
        "value_number": number,
        "value_code": coded.code[:40] if coded else "",
        "value_text": "" if number is not None else result.words or "No value",
        "unit": result.unit[:40],
        "low": low,
        "high": high,
        "flag": flag if not flag or flag in FLAGS else "abnormal",
        "status": result.state,
        "note": notes_of(result, low, high),
        "effective_at": at,
        "effective_said": said,
    }


def ours_of(patient: Patient, result: Result, test: LabTest | None, at: datetime) -> str:
    """What our own limits of this test say of it, in whatever unit it is."""
    if test is None or result.number is None or not result.unit:
        return ""
    with suppress(NotANumber):
        return in_unit(result.unit, test.limits_for(patient, at), test).flag(read_number(result.words))
    return ""


def notes_of(result: Result, low: Any, high: Any) -> str:
    """With the range as it was sent, where it is not made of numbers."""
    told = [f"Range of the sender: {result.range}"] if result.range and low is None and high is None else []
    if result.state == PRELIMINARY:
        told.insert(0, "Preliminary")
    return "\n".join([*told, *result.notes])


def alarm(intake: Intake, row: Observation, result: Result) -> None:
    """The first critical value of the message is what the doctors are called for."""
    said = Outside.said(result.words or "-", source="", flag=result.flag).known_flag
    grave = any(flag.startswith("critical") for flag in (said, row.flag))
    if grave and intake.critical is None and row.status != MISTAKE:
        shown = f"{row.value} {row.unit}".strip()[:255]
        intake.critical = f"{row.text} {shown}"[:255], shown


def keep_report(intake: Intake, patient: Patient, group: Group, kept: list[Observation]) -> None:
    """What belongs together, with the notes that are of no single value."""
    words = "\n".join(group.notes)
    if not kept and not words:
        return
    key = identity(intake, group)
    at, said = group.at.at if group.at else intake.row.received_at, group.at.said if group.at else ""
    row = Report.objects.filter(fhir_id=key, patient=patient).first() or Report(fhir_id=key, patient=patient)
    fields = {
        "code": group.name.code[:255],
        "system": group.name.system[:255],
        "text": group.name.name or "Results from elsewhere",
        "category": "Laboratory",
        "effective_at": at,
        "effective_said": said,
        "conclusion": words,
        "results": list(dict.fromkeys([*row.results, *(one.fhir_id for one in kept)])),
    }
    for name, value in fields.items():
        setattr(row, name, value)
    row.save()


def keep_files(
    intake: Intake, patient: Patient, group: Group, result: Result, order: LabOrder | None = None
) -> Document | None:
    """A file within the message is a document of the patient: its type known by its bytes, scanned, hashed."""
    sent = result.file
    if sent is None:
        return None
    digest = sha256(sent.content).hexdigest()
    if Document.objects.filter(patient=patient, sha256=digest).exclude(status=Document.Status.REJECTED).exists():
        return None
    title = (result.code.name or group.name.name or "Report")[:200]
    file = ContentFile(sent.content, name=f"{title[:60]}{sent.ending}")
    made = Document.upload(
        file, patient=patient, by=intake.by, lab_order=order, title=title, category=Document.Category.LAB_REPORT
    )
    intake.leave_trace("documents", str(made.pk))
    intake.done.append(f"{title} filed")
    return made


def take_back(intake: Intake, patient: Patient, group: Group, result: Result, order: LabOrder | None) -> None:
    """The sender says that it was wrong. On an order of ours a person decides what becomes of it."""
    if order is not None and order.result is not None:
        raise Waits(Reason.CONFLICT, f"The sender takes back the result of {order.test} ({order.number}).")
    row = known(patient, identity(intake, group, result))
    if row is None or row.is_mistake:
        return
    row.take_back(by=None, because="Taken back by its sender")
    intake.done.append(f"{row.text} taken back")
