"""That the patient was told what was found, or could not be reached: who tried, when and how. A row never changes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, ClassVar

from django.db import models, transaction
from django.utils import timezone

from clinical.letters import refuse_unknown
from clinical.models.biopsy import REVIEW, Biopsy
from clinical.models.lab_result import by_person
from clinical.models.pathology_report import PathologyReport
from hospital.tenancy import EditableModel, TenantKey, TenantManager, TenantModel
from hospital.workflow import Refused, allow, needs

if TYPE_CHECKING:
    from hospital.models import Person

ENOUGH = 3
APART = timedelta(minutes=30)


class BiopsyLetter(EditableModel):
    """A letter to a patient as the house writes it. `{patient}` and the like are filled in: see clinical/letters.py."""

    class Purpose(models.TextChoices):
        RESULT = "result", "Tells the result"
        UNREACHED = "unreached", "The patient could not be reached"

    name = models.CharField(max_length=80)
    purpose = models.CharField("what for", max_length=9, choices=Purpose.choices, default=Purpose.UNREACHED)
    subject = models.CharField(max_length=120, validators=[refuse_unknown])
    body = models.TextField("text", max_length=4000, validators=[refuse_unknown])
    is_active = models.BooleanField("offered", default=True)

    class Meta(EditableModel.Meta):
        ordering = ["purpose", "name"]
        verbose_name = "letter"
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "name"],
                name="biopsy_letter_once",
                violation_error_message="There is a letter with this name already.",
            )
        ]

    def __str__(self) -> str:
        return self.name


class Tellings(models.QuerySet):
    def about(self, report: PathologyReport | None) -> Tellings:
        """What was said before a correction does not count for the report that took its place."""
        return self.filter(report=report)

    def attempts(self) -> Tellings:
        return self.filter(kind=BiopsyTelling.Kind.ATTEMPT)

    def letters(self) -> Tellings:
        return self.filter(kind=BiopsyTelling.Kind.LETTER)


class BiopsyTelling(TenantModel):
    class Kind(models.TextChoices):
        TOLD = "told", "Told"
        ATTEMPT = "attempt", "Not reached"
        LETTER = "letter", "Letter"

    class Way(models.TextChoices):
        VISIT = "visit", "In the house"
        PHONE = "phone", "Telephone"
        VIDEO = "video", "Video call"
        HOME = "home", "At home"
        POST = "post", "Post"

    biopsy = TenantKey(Biopsy, related_name="tellings")
    report = TenantKey(PathologyReport, related_name="tellings")
    kind = models.CharField(max_length=7, choices=Kind.choices)
    way = models.CharField("how", max_length=5, choices=Way.choices)
    whom = models.CharField("who was told", max_length=120, blank=True, default="")
    words = models.TextField("what was said", blank=True, default="")
    subject = models.CharField(max_length=200, blank=True, default="")
    body = models.TextField(blank=True, default="", help_text="Of a letter: as it went out.")
    at = models.DateTimeField("when")
    by = by_person()
    written_at = models.DateTimeField(default=timezone.now, editable=False)

    objects: ClassVar = TenantManager.from_queryset(Tellings)()

    class Meta(TenantModel.Meta):
        ordering = ["at", "id"]
        verbose_name = "telling of a result"
        verbose_name_plural = "tellings of results"
        constraints = [
            models.CheckConstraint(
                name="telling_is_whole",
                condition=(models.Q(kind="told") & ~models.Q(whom="") & ~models.Q(way="post"))
                | (models.Q(kind="attempt") & ~models.Q(way="post"))
                | (models.Q(kind="letter", way="post") & ~models.Q(body="")),
            )
        ]
        indexes = [models.Index(fields=["tenant", "biopsy", "at"], name="telling_of_biopsy")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.get_way_display().lower()}"

    @classmethod
    @transaction.atomic
    def tell(
        cls, biopsy: Biopsy, way: str, whom: str, words: str, *, by: Person | None, at: datetime | None = None
    ) -> BiopsyTelling:
        """The patient, or who stands for the patient, knows."""
        who = needs(whom, "Say who was told: the patient, or who stands for the patient.", field="whom")
        said = needs(words, "Say what was told.", field="words")
        return cls._write(biopsy, cls.Kind.TOLD, way, at, by, whom=who, words=said)

    @classmethod
    @transaction.atomic
    def attempt(
        cls, biopsy: Biopsy, way: str, words: str, *, by: Person | None, at: datetime | None = None
    ) -> BiopsyTelling:
        """Nobody was reached. One evening's calls are one attempt."""
        biopsy.lock()
        when = at or timezone.now()
        near = cls.objects.about(biopsy.report).attempts().filter(at__gt=when - APART, at__lt=when + APART)
        if biopsy.tellings.filter(pk__in=near.values("pk")).exists():
            raise Refused(
                "Another attempt is written down within half an hour of this one. Try again later.",
                status=422,
                field="at",
            )
        return cls._write(biopsy, cls.Kind.ATTEMPT, way, when, by, words=words.strip())

    @classmethod
    @transaction.atomic
    def write(cls, biopsy: Biopsy, subject: str, body: str, *, by: Person | None) -> BiopsyTelling:
        """A letter, as it goes out."""
        text = needs(body, "A letter has a text.", field="body")
        about = needs(subject, "A letter has a subject.", field="subject")
        return cls._write(biopsy, cls.Kind.LETTER, cls.Way.POST, None, by, subject=about, body=text)

    @classmethod
    def _write(
        cls, biopsy: Biopsy, kind: str, way: str, at: datetime | None, by: Person | None, **fields: str
    ) -> BiopsyTelling:
        allow(REVIEW, by)
        biopsy.lock()
        when = at or timezone.now()
        biopsy.refuse_unless(Biopsy.Status.REVIEWED, "The patient is told what was reviewed, until the loop is closed.")
        refuse_unless_since(biopsy, when)
        row = cls(biopsy=biopsy, report=biopsy.report, kind=kind, way=way, at=when, by=by, **fields)
        row.save(force_insert=True)
        biopsy.touch()
        return row


def refuse_unless_since(biopsy: Biopsy, at: datetime) -> None:
    """Nobody tells what is not known yet, or what is still to come."""
    if at > timezone.now():
        raise Refused("This moment has not come yet.", status=422, field="at")
    report = biopsy.report
    if report and at < report.entered_at.replace(second=0, microsecond=0):  # people write whole minutes
        when = timezone.localtime(report.entered_at)
        raise Refused(
            f"The report came on {when:%-d %B %Y, %H:%M}. Nobody could tell it before.", status=422, field="at"
        )


def missing_in(rows: Iterable[BiopsyTelling]) -> str:
    """What is left to do before the loop is closed, in words; nothing, if these tellings of the report are enough.

    Told is enough. So are three attempts together with a letter.
    """
    kinds = Counter(row.kind for row in rows)
    if kinds[BiopsyTelling.Kind.TOLD]:
        return ""
    left = ENOUGH - kinds[BiopsyTelling.Kind.ATTEMPT]
    tries = f"{left} more {'attempt' if left == 1 else 'attempts'}" if left > 0 else ""
    letter = "" if kinds[BiopsyTelling.Kind.LETTER] else "a letter"
    missing = " and ".join(filter(None, (tries, letter)))
    return f"Tell the patient, or write down {missing}." if missing else ""


def missing_of(biopsy: Biopsy) -> str:
    return missing_in(biopsy.tellings.about(biopsy.report))
