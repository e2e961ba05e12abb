"""What the pathologist wrote about a biopsy, in versions that never change, and who is told of a correction."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any, ClassVar

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction
from django.utils import timezone

from clinical.biopsy_readers import readers_of
from clinical.models.biopsy import RESULT, Biopsy, Malignancy
from clinical.models.lab_result import by_person, moment
from clinical.models.pathology import PathologyCode, PathologyCodeVersion
from clinical.models.rebiopsy import RebiopsyTask
from hospital.seals import raw
from hospital.tenancy import EditableModel, TenantKey, TenantManager, TenantModel
from hospital.workflow import Refused, allow, needs

if TYPE_CHECKING:
    from hospital.models import Person

S = Biopsy.Status
# The laboratory has it, whether or not somebody wrote that down before its report came.
# What was given up may have been there all the time.
BEFORE_RESULT = (S.SENT, S.RECEIVED, S.PROCESSING, S.LOST, S.UNSATISFACTORY)
AFTER_RESULT = (S.RESULTED, S.REVIEWED, S.CLOSED, S.UNSATISFACTORY)
# What a later report opens again is done anew.
UNDONE: dict[str, Any] = {
    "reviewed_at": None,
    "reviewed_by": None,
    "closed_at": None,
    "closed_by": None,
    "ended_because": "",
}


def takes_report(biopsy: Biopsy) -> bool:
    """Whether the next report can come: the first, also of one that was given up and closed without any, or a correction."""
    if biopsy.report_id is not None:
        return biopsy.status in AFTER_RESULT
    return biopsy.status in (*BEFORE_RESULT, S.CLOSED)


class SaysTheSame(Refused):
    """A correction that corrects nothing."""


def measured(most: int, digits: int, places: int) -> dict[str, Any]:
    return {
        "max_digits": digits,
        "decimal_places": places,
        "null": True,
        "blank": True,
        "validators": [MinValueValidator(0), MaxValueValidator(most)],
    }


class Findings(models.Model):
    """What a report of a tumour says beside its text."""

    class Margins(models.TextChoices):
        UNSAID = "", "Not stated"
        CLEAR = "clear", "Clear"
        CLOSE = "close", "Close"
        INVOLVED = "involved", "Involved"

    class Clark(models.TextChoices):
        UNSAID = "", "Not stated"
        ONE = "1", "I"
        TWO = "2", "II"
        THREE = "3", "III"
        FOUR = "4", "IV"
        FIVE = "5", "V"

    class Ulceration(models.TextChoices):
        UNSAID = "", "Not stated"
        ABSENT = "absent", "Absent"
        PRESENT = "present", "Present"

    margins = models.CharField(max_length=8, choices=Margins.choices, blank=True, default="")
    margin_mm = models.DecimalField("closest margin", **measured(200, 5, 1))
    breslow_mm = models.DecimalField("Breslow thickness", **measured(100, 5, 2))
    clark = models.CharField("Clark level", max_length=1, choices=Clark.choices, blank=True, default="")
    mitoses = models.DecimalField("mitoses per mm²", **measured(500, 4, 1))
    ulceration = models.CharField(max_length=7, choices=Ulceration.choices, blank=True, default="")
    stage = models.CharField("stage as reported", max_length=40, blank=True, default="")

    class Meta:
        abstract = True

    @property
    def stage_by_thickness(self) -> str:
        """The T of a melanoma by AJCC, 8th edition: thickness to a tenth of a millimetre, and ulceration where it is said."""
        return t_of_melanoma(self.breslow_mm, self.ulceration)

    @property
    def stage_differs(self) -> bool:
        """The T that the laboratory reports is not the one of its own measures. Without a letter T2 is any of its two."""
        said, reckoned = T_SAID.search(self.stage), self.stage_by_thickness.removeprefix("pT")
        if said is None or not reckoned:
            return False
        told = said[1].lower()
        return not (reckoned.startswith(told) or told.startswith(reckoned))


FINDINGS = tuple(column.name for column in Findings._meta.local_fields)
T_SAID = re.compile(r"(?<![A-Za-z])[ycra]*p?T(is|[0-4][ab]?)(?![0-9])", re.IGNORECASE)
SAME_AS_ULCERATED = Decimal("0.8")  # millimetres, of a T1
LIMITS = ((Decimal("1.0"), "1"), (Decimal("2.0"), "2"), (Decimal("4.0"), "3"))


def t_of_melanoma(breslow: Decimal | None, ulceration: str) -> str:
    if breslow is None:
        return ""
    thickness, ulcerated = breslow.quantize(Decimal("0.1"), ROUND_HALF_UP), ulceration == Findings.Ulceration.PRESENT
    number = next((name for limit, name in LIMITS if thickness <= limit), "4")
    if number == "1":
        ulcerated = ulcerated or thickness >= SAME_AS_ULCERATED
    return f"pT{number}{'b' if ulcerated else 'a' if ulceration else ''}"


class PathologyReport(Findings, TenantModel):
    class Source(models.TextChoices):
        HAND = "hand", "Written by hand"
        MESSAGE = "hl7", "HL7 message"
        FILE = "file", "File"

    biopsy = TenantKey(Biopsy, related_name="reports")
    number = models.PositiveSmallIntegerField("version", help_text="From 1; the highest is what counts.")
    source = models.CharField(max_length=4, choices=Source.choices)
    sender = models.CharField("laboratory", max_length=120, blank=True, default="")
    text = models.TextField(blank=True, default="")
    coded = TenantKey(PathologyCodeVersion, null=True, blank=True, related_name="reports")
    # As the version of the code says them; here they are sealed with the chart.
    code = models.CharField(max_length=20, blank=True, default="")
    diagnosis = models.CharField(max_length=160, blank=True, default="")
    malignancy = models.CharField(max_length=13, choices=Malignancy.choices, blank=True, default="")
    document = TenantKey("clinical.Document", null=True, blank=True, related_name="pathology_reports")
    reason = models.CharField(max_length=300, blank=True, default="", help_text="Why it took the place of another.")
    is_preliminary = models.BooleanField(default=False)
    reported_at = models.DateTimeField(default=timezone.now, help_text="When the laboratory signed it.")
    entered_by = by_person()
    entered_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(TenantModel.Meta):
        ordering = ["biopsy", "-number"]
        verbose_name = "pathology report"
        constraints = [
            models.UniqueConstraint(fields=["tenant", "biopsy", "number"], name="pathology_report_once"),
            models.CheckConstraint(
                name="pathology_report_says_something", condition=~models.Q(text="") | models.Q(document__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"Report {self.number}"

    @property
    @raw()
    def is_malignant(self) -> bool:
        return self.malignancy == Malignancy.MALIGNANT

    @raw()
    def says_the_same(self, other: PathologyReport) -> bool:
        """Whatever a reader sees of it is the same."""
        names = ("text", "code", "malignancy", "document_id", "is_preliminary", *FINDINGS)
        return all(getattr(self, name) == getattr(other, name) for name in names)

    @classmethod
    @transaction.atomic
    def enter(
        cls, biopsy: Biopsy, *, by: Person | None, source: str, code: PathologyCode | None = None, **fields: Any
    ) -> PathologyReport:
        """The first report of a biopsy that the laboratory has. Another one is a correction, and says why."""
        allow(RESULT, by)
        biopsy.lock()
        if biopsy.report_id is not None:
            raise Refused(f"{biopsy.number} has a report already. Correct it, and say why.")
        report = cls.next_of(biopsy, by=by, source=source, code=code, **fields)
        walk_to_result(biopsy, report, by=by)
        return report

    @classmethod
    @transaction.atomic
    def correct(
        cls,
        biopsy: Biopsy,
        reason: str,
        *,
        by: Person | None,
        source: str,
        code: PathologyCode | None = None,
        **fields: Any,
    ) -> PathologyReport:
        """The next version. What was reviewed or closed is open again, and who read the former one is told."""
        allow(RESULT, by)
        why = needs(reason, "Say why the report is corrected.")
        biopsy.lock()
        former = biopsy.report
        if former is None or biopsy.status not in AFTER_RESULT:
            raise Refused(f"{biopsy.number} has no report that could be corrected.")
        if code is None and former.is_malignant:
            raise Refused(
                "The former report is malignant. Choose the diagnosis of the corrected one.", status=422, field="code"
            )
        report = cls.next_of(biopsy, by=by, source=source, code=code, reason=why, **fields)
        if report.says_the_same(former):
            raise SaysTheSame("This is what the report says already. Change what was wrong.", status=422, field="text")
        PathologyNotice.send(report, former, by=by)
        take_over(biopsy, report, by=by)
        return report

    @classmethod
    @raw()
    def next_of(
        cls, biopsy: Biopsy, *, by: Person | None, source: str, code: PathologyCode | None, **fields: Any
    ) -> PathologyReport:
        report = cls(biopsy=biopsy, number=biopsy.reports.count() + 1, source=source, entered_by=by, **fields)
        report.text = report.text.strip()
        report.sender = report.sender or biopsy.laboratory.name
        if report.document is not None and report.document.patient_id != biopsy.patient_id:
            raise Refused("This file belongs to another patient.", status=422, field="file")
        if not report.text and report.document is None:
            raise Refused("Write what the report says, or add its file.", status=422, field="text")
        if code is not None:
            report._code_as(code)
        report.save(force_insert=True)
        return report

    def _code_as(self, code: PathologyCode) -> None:
        meaning = code.meaning
        self.coded, self.code = meaning, meaning.code
        self.diagnosis, self.malignancy = meaning.name, meaning.malignancy


@raw()
def walk_to_result(biopsy: Biopsy, report: PathologyReport, *, by: Person | None) -> None:
    """Each step by itself, also those that nobody wrote down."""
    if biopsy.status == S.SENT:
        biopsy.receive(biopsy.laboratory.name, by=by)
    if biopsy.status == S.RECEIVED:
        biopsy.process(biopsy.laboratory.name, by=by)
    note = f"{report.get_source_display()}, from {report.sender}."
    RebiopsyTask.settle_by_report(biopsy, by=by)
    biopsy.go(S.RESULTED, by=by, note=note, report=report, malignancy=report.malignancy, **UNDONE)


@raw()
def take_over(biopsy: Biopsy, report: PathologyReport, *, by: Person | None) -> None:
    """The new version counts from now on."""
    fields: dict[str, Any] = {"report": report, "malignancy": report.malignancy}
    if biopsy.status == S.RESULTED:
        biopsy.put(**fields)
        biopsy.note_custody("Report corrected", by=by, note=report.reason)
    else:
        RebiopsyTask.settle_by_report(biopsy, by=by)
        biopsy.go(S.RESULTED, by=by, note=report.reason, **fields, **UNDONE)
    biopsy.telling = ()


class Notices(models.QuerySet):
    def open(self) -> Notices:
        return self.filter(acknowledged_at=None)

    def shown(self) -> Notices:
        return self.select_related(
            "report__biopsy__patient", "report__entered_by", "report__document", "former__biopsy", "former__document"
        )


class PathologyNotice(EditableModel):
    """One person who read a report that was wrong, until that person has looked at the right one."""

    report = TenantKey(PathologyReport, related_name="notices")
    former = TenantKey(PathologyReport, related_name="+")
    person = models.ForeignKey("hospital.Person", on_delete=models.PROTECT, related_name="+")
    why = models.CharField(max_length=60)
    acknowledged_at = moment()

    objects: ClassVar = TenantManager.from_queryset(Notices)()

    class Meta(EditableModel.Meta):
        ordering = ["created_at"]
        verbose_name = "notice of a corrected report"
        verbose_name_plural = "notices of corrected reports"
        constraints = [
            models.UniqueConstraint(fields=["tenant", "report", "person"], name="pathology_notice_once"),
        ]
        indexes = [
            models.Index(
                fields=["tenant", "person"],
                condition=models.Q(acknowledged_at__isnull=True),
                name="pathology_notice_open",
            )
        ]

    def __str__(self) -> str:
        return f"{self.person} {self.why}"

    @classmethod
    def send(cls, report: PathologyReport, former: PathologyReport, *, by: Person | None) -> None:
        """Whoever opened the former version, ordered it, or reviewed it; not who writes the new one."""
        biopsy = report.biopsy
        seen = readers_of(former)
        own = ((biopsy.ordered_by_id, "ordered it"), (biopsy.reviewed_by_id, "reviewed it"))
        seen |= {person: why for person, why in own if person}
        for person in seen.keys() - {by.pk if by else None}:
            cls.objects.create(report=report, former=former, person_id=person, why=seen[person])
        biopsy.telling = tuple(seen)

    def acknowledge(self, *, by: Person) -> None:
        if self.person_id != by.pk:
            raise Refused("This notice is for a colleague.", status=403)
        if self.acknowledged_at is None:
            self.acknowledged_at = timezone.now()
            self.save(update_fields=["acknowledged_at"])
