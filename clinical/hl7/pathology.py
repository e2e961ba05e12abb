"""ORU about a biopsy: found by its number or a label, it becomes the report. Which biopsy or diagnosis is not known, a person says."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from uuid import UUID

from django.core.files.base import ContentFile
from django.utils import timezone

from clinical import accession
from clinical.hl7.ack import Problem
from clinical.hl7.intake import Intake, Reason, Subject, Waits, ask
from clinical.hl7.observations import Group, Result
from clinical.hl7.pathology_findings import finding_of, graver, name_of
from clinical.measure import in_words
from clinical.models import Biopsy, BiopsyPart, Document, PathologyCode, PathologyLab, PathologyReport, Patient
from clinical.models.biopsy import Malignancy
from clinical.models.biopsy_part import LETTER
from clinical.models.pathology import GRAVITY
from clinical.models.pathology_report import BEFORE_RESULT, SaysTheSame, takes_report
from clinical.outside import CORRECTED, PRELIMINARY
from hospital.seals import truth

OUR_NUMBER = re.compile(r"\ABX-?0*(\d{1,12})\Z", re.IGNORECASE)
# Surgical pathology study, pathology report, final diagnosis (LOINC).
STUDIES = {"11529-5", "11526-1", "60567-5", "22637-3"}
FINAL_DIAGNOSIS = "22637-3"
# Systems of codes (table 0396) in which our diagnoses have a code too.
CLASSIFICATIONS = ("I10", "I10C", "ICD10", "ICD10CM", "ICDO", "ICDO2", "ICDO3", "ICD-O-3")
# What stays when a correction names no diagnosis: the mild ones are left open, and a person says.
KEPT = {level for level, rank in GRAVITY.items() if rank <= GRAVITY[Malignancy.PRE_MALIGNANT]}


def reported(intake: Intake, patient: Patient, groups: list[Group]) -> tuple[dict[UUID, Told], list[Group]]:
    """What is said of biopsies, by biopsy, and the groups that are about something else."""
    found: dict[UUID, Told] = {}
    rest = []
    for group in groups:
        biopsy = biopsy_of(intake, patient, group)
        if biopsy is None:
            rest.append(group)
        else:
            found.setdefault(biopsy.pk, Told(biopsy)).groups.append(group)
    return found, rest


# --- which biopsy ---------------------------------------------------------------------------


def biopsy_of(intake: Intake, patient: Patient, group: Group) -> Biopsy | None:
    """By our number or a label; as a person said for this filler's number; else a person is asked, if it can be one of ours."""
    named = [one for one in map(named_by, group.placers) if one]
    said = intake.meaning("biopsy", *filler_keys(intake, group))
    found = {one.pk: one for one in [*named, *([said] if said else [])]}
    if len(found) > 1:
        raise Waits(Reason.CONFLICT, f"It names {' and '.join(sorted(map(str, found.values())))}.")
    biopsy = next(iter(found.values()), None)
    if biopsy is None:
        refuse_unless_elsewhere(intake, patient, group)
    elif biopsy.patient_id != patient.pk:
        raise Waits(
            Reason.CONFLICT,
            f"{biopsy.number} is of another patient than the message says.",
            problem=Problem(204, "The specimen is of another patient", ("PID", "1", "3"), "W"),
        )
    return biopsy


def named_by(number: str) -> Biopsy | None:
    rows = Biopsy.objects.select_related("patient", "laboratory", "report")
    if match := OUR_NUMBER.match(number.strip()):
        return rows.filter(serial=int(match[1])).first()
    try:
        serial = accession.parse(number, LETTER)
    except accession.BadAccession:
        return None
    part = BiopsyPart.objects.filter(serial=serial).first()
    return rows.get(pk=part.biopsy_id) if part else None


def refuse_unless_elsewhere(intake: Intake, patient: Patient, group: Group) -> None:
    """Pathology that a laboratory of ours reports, or that may answer a biopsy which is away, is not put aside unseen."""
    away = list(Biopsy.objects.filter(patient=patient, status__in=BEFORE_RESULT))
    is_ours = is_from_our_laboratory(intake) or any(OUR_NUMBER.match(one.strip()) for one in group.placers)
    if "keep" in intake.anyway or not (is_ours or (away and is_pathology(group))):
        return
    numbers = ", ".join(map(str, away)) or "none of this patient is away"
    key = filler_keys(intake, group)[0]
    raise Waits(
        Reason.CODE,
        f"It reports a biopsy without a number of ours. It may be: {numbers}.",
        asks=[ask("biopsy", key, group.name.name or "Pathology")],
        problem=Problem(204, "Unknown specimen", ("OBR", "1", "2"), "W"),
    )


def is_from_our_laboratory(intake: Intake) -> bool:
    names = [name for name in (intake.sender.application, intake.sender.facility) if name]
    return PathologyLab.objects.offered().filter(hl7_id__in=names).exists()


def is_pathology(group: Group) -> bool:
    return group.name.code in STUDIES or any(result.code.code in STUDIES for result in group.results)


def filler_keys(intake: Intake, group: Group) -> list[str]:
    return [f"report {one}"[:255] for one in group.fillers or [intake.row.digest]]


# --- what it says ---------------------------------------------------------------------------


@dataclass
class Told:
    """All that a message says about one biopsy."""

    biopsy: Biopsy
    groups: list[Group] = field(default_factory=list)

    @property
    def results(self) -> list[Result]:
        return [result for group in self.groups for result in group.results if not result.is_pending]

    def take(self, intake: Intake) -> None:
        """By the verbs of the report: the first, or the next version of it."""
        if any(result.is_taken_back for result in self.results):
            raise Waits(Reason.CONFLICT, f"The sender takes back the report of {self.biopsy.number}.")
        if not self.results and not any(group.notes for group in self.groups):
            intake.done.append(f"nothing reported yet of {self.biopsy.number}")
            return
        self.biopsy.lock()
        if not takes_report(self.biopsy):
            status = self.biopsy.get_status_display().lower()
            raise Waits(Reason.REFUSED, f"{self.biopsy.number} is {status}: it can take no report now.")
        self._enter(intake)

    def _enter(self, intake: Intake) -> None:
        said = self._said(intake)
        former = self.biopsy.report
        if former is None:
            PathologyReport.enter(self.biopsy, by=None, **said)
            self._done(intake, "report")
            return
        self._refuse_older_than(former, said)
        if former.coded and truth(former, "malignancy") in KEPT:
            said["code"] = said["code"] or former.coded.of
        said["document"] = said["document"] or former.document
        try:
            PathologyReport.correct(self.biopsy, self._why(said, former, intake), by=None, **said)
        except SaysTheSame:
            intake.done.append(f"nothing new of {self.biopsy.number}")
        else:
            self._done(intake, "corrected report")

    def _refuse_older_than(self, former: PathologyReport, said: dict[str, Any]) -> None:
        """What was late on its way does not take the place of what was sent after it."""
        if former.is_preliminary:
            return
        if said["is_preliminary"]:
            raise Waits(Reason.CONFLICT, f"A preliminary report of {self.biopsy.number} came after the final one.")
        if said["reported_at"] < former.reported_at and former.source == PathologyReport.Source.MESSAGE:
            raise Waits(Reason.CONFLICT, f"An older report of {self.biopsy.number} came after a newer one.")

    def _done(self, intake: Intake, what: str) -> None:
        intake.done.append(f"{what} of {self.biopsy.number}")
        intake.leave_trace("biopsies", self.biopsy.number)

    def _why(self, said: dict[str, Any], former: PathologyReport, intake: Intake) -> str:
        if former.is_preliminary and not said["is_preliminary"]:
            return f"The final report of {intake.sender}"[:300]
        is_correction = any(result.state == CORRECTED for result in self.results)
        return f"{'Corrected' if is_correction else 'Sent again'} by {intake.sender}"[:300]

    def _said(self, intake: Intake) -> dict[str, Any]:
        findings, lines = self._findings()
        lines += [note for group in self.groups for note in group.notes]
        at = min(
            (group.at_of(one, intake.row.received_at)[0] for group in self.groups for one in group.results),
            default=None,
        )
        text = "\n".join(filter(None, lines))
        document = self._file(intake)
        return {
            "source": PathologyReport.Source.MESSAGE,
            "sender": str(intake.sender)[:120],
            "text": text or ("" if document else "No text was sent."),
            "code": self._code(intake),
            "document": document,
            "is_preliminary": any(result.state == PRELIMINARY for result in self.results),
            "reported_at": min(at or intake.row.received_at, timezone.now()),
            **findings,
        }

    def _findings(self) -> tuple[dict[str, Any], list[str]]:
        """What has a field of its own, and all as lines of text: nothing that was sent is lost."""
        findings: dict[str, Any] = {}
        lines = []
        for result in self.results:
            if result.kind == "ED":
                continue
            for name, value in finding_of(result).items():
                findings[name] = graver(name, findings[name], value) if name in findings else value
            unit = f" {in_words(result.unit)}" if result.unit else ""
            name = f"{result.code.name}: " if result.code.name else ""
            lines.append(f"{name}{result.words}{unit}")
            lines += result.notes
        return findings, lines

    def _code(self, intake: Intake) -> PathologyCode | None:
        """Of several diagnoses the gravest. A code that nobody has explained is asked for."""
        found, unknown = [], []
        for result in filter(is_diagnosis, self.results):
            meant = code_of_ours(intake, result)
            if meant is not None:
                found.append(meant)
            elif result.coded and result.coded.code:
                unknown.append(ask("pathology", result.coded.key, result.coded.name))
        if unknown and "keep" not in intake.anyway:
            names = ", ".join(one["text"] for one in unknown)[:500]
            raise Waits(
                Reason.CODE,
                f"Nobody has said yet which diagnosis this is: {names}.",
                asks=unknown,
                problem=Problem(103, "Unknown code of a diagnosis", ("OBX", "1", "5"), "W"),
            )
        return min(found, key=lambda one: GRAVITY[one.malignancy], default=None)

    def _file(self, intake: Intake) -> Document | None:
        """The first file of the report; the same one is not filed twice."""
        sent = next((result.file for result in self.results if result.kind == "ED"), None)
        if sent is None:
            return None
        digest = sha256(sent.content).hexdigest()
        same = Document.objects.filter(patient=self.biopsy.patient_id, source_sha256=digest)
        known = same.exclude(status=Document.Status.REJECTED).first()
        title = f"Pathology {self.biopsy.number}"
        return known or Document.upload(
            ContentFile(sent.content, name=f"{title}{sent.ending}"),
            patient=self.biopsy.patient,
            by=None,
            title=title,
            category=Document.Category.LAB_REPORT,
        )


def is_diagnosis(result: Result) -> bool:
    return result.coded is not None and (
        result.code.code == FINAL_DIAGNOSIS or "diagnos" in name_of(result) or "morpholog" in name_of(result)
    )


def code_of_ours(intake: Intake, result: Result) -> PathologyCode | None:
    coded = result.coded
    if coded is None:
        return None
    said = intake.meaning("pathology", coded.key)
    if said is not None or coded.system not in CLASSIFICATIONS:
        return said
    return PathologyCode.objects.by_coding(coded.code)


def find_code(pk: Any) -> PathologyCode | None:
    return PathologyCode.objects.filter(pk=pk).first()


def find_biopsy(pk: Any) -> Biopsy | None:
    return Biopsy.objects.select_related("patient", "laboratory", "report").filter(pk=pk).first()


SUBJECTS = (
    Subject("biopsy", "Biopsy", lambda: Biopsy.objects.filter(status__in=BEFORE_RESULT), find_biopsy),
    Subject("pathology", "Diagnosis", PathologyCode.objects.offered, find_code),
)
