"""A biopsy: one loop from the doctor's question to the patient who was told, each step once, by somebody, somewhere."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db import models, transaction
from django.urls import reverse
from django.utils import timezone

from clinical.body_sites import SITES, Laterality, Site
from clinical.models.biopsy_clock import AWAY, Clock, Timed
from clinical.models.biopsy_part import BiopsyPart, BiopsyPhoto, CustodyStep
from clinical.models.biopsy_taking import COLLECT, Taking
from clinical.models.lab_result import by_person, moment
from clinical.models.pathology_lab import PathologyLab
from hospital.context import current
from hospital.models import Counter
from hospital.tenancy import TenantKey, TenantManager
from hospital.workflow import Refused, Workflow, allow, needs
from realtime.alerts.models import ACKNOWLEDGE, Alert

if TYPE_CHECKING:
    from clinical.models import CourierManifest, Document, Visit
    from hospital.models import Person

VIEW, ORDER = "clinical.view_biopsy", "clinical.order_biopsy"
RESULT, REVIEW = "clinical.result_biopsy", "clinical.review_biopsy"
RESULT_IS_IN = "biopsy:result_received"


class Malignancy(models.TextChoices):
    """What a coded diagnosis means. It decides how loudly a result is told, on the server."""

    NONE = "", "Not coded"
    BENIGN = "benign", "Benign"
    UNCERTAIN = "uncertain", "Uncertain or dysplastic"
    PRE_MALIGNANT = "pre_malignant", "Pre-malignant"
    MALIGNANT = "malignant", "Malignant"


class Biopsies(Timed):
    def open(self) -> Biopsies:
        """Those whose loop is not closed."""
        return self.exclude(status__in=Biopsy.ENDED)

    def away(self) -> Biopsies:
        """Sent, and without a result: the clock of the laboratory runs."""
        return self.filter(status__in=Biopsy.AWAY)

    def shown(self) -> Biopsies:
        """With what a row needs, in a constant number of queries."""
        specimens = models.Prefetch(
            "parts", BiopsyPart.objects.filter(kind=BiopsyPart.Kind.SPECIMEN).order_by("position"), to_attr="jars"
        )
        return self.select_related("patient", "visit", "laboratory", "ordered_by").prefetch_related(specimens)


class Biopsy(Taking, Clock, Workflow):
    class Kind(models.TextChoices):
        PUNCH = "punch", "Punch"
        SHAVE = "shave", "Shave"
        EXCISIONAL = "excisional", "Excisional"
        INCISIONAL = "incisional", "Incisional"

    class Status(models.TextChoices):
        ORDERED = "ordered", "Ordered"
        COLLECTED = "collected", "Collected"
        SENT = "sent", "Sent"
        RECEIVED = "received_by_lab", "Received by the laboratory"
        PROCESSING = "processing", "Processing"
        RESULTED = "resulted", "Resulted"
        REVIEWED = "reviewed", "Reviewed"
        CLOSED = "closed", "Closed"
        LOST = "lost", "Lost"
        UNSATISFACTORY = "unsatisfactory", "Unsatisfactory"
        CANCELLED = "cancelled", "Cancelled"

    in_the_clear: ClassVar = ("site", "said_tier")
    ENDED = (Status.CLOSED, Status.CANCELLED)
    AWAY = (Status.SENT, Status.RECEIVED, Status.PROCESSING)
    FAILED = (Status.LOST, Status.UNSATISFACTORY)
    MOVES = {
        Status.ORDERED: {Status.COLLECTED: COLLECT, Status.CANCELLED: ORDER},
        Status.COLLECTED: {Status.SENT: COLLECT, Status.LOST: COLLECT, Status.UNSATISFACTORY: COLLECT},
        Status.SENT: {Status.RECEIVED: COLLECT, Status.LOST: COLLECT},
        Status.RECEIVED: {Status.PROCESSING: COLLECT, Status.LOST: COLLECT, Status.UNSATISFACTORY: COLLECT},
        Status.PROCESSING: {Status.RESULTED: RESULT, Status.LOST: COLLECT, Status.UNSATISFACTORY: COLLECT},
        # A corrected report opens again what was reviewed or closed.
        Status.RESULTED: {Status.REVIEWED: REVIEW, Status.UNSATISFACTORY: RESULT},
        Status.REVIEWED: {Status.CLOSED: REVIEW, Status.RESULTED: RESULT},
        Status.CLOSED: {Status.RESULTED: RESULT},
        # What was lost is found again, its report comes all the same, or its re-biopsy is decided.
        Status.LOST: {Status.COLLECTED: COLLECT, Status.RESULTED: RESULT, Status.CLOSED: REVIEW},
        Status.UNSATISFACTORY: {Status.RESULTED: RESULT, Status.CLOSED: REVIEW},
    }
    # The columns that say when and by whom each status was reached.
    STAMPS: ClassVar = {status.value: "received" if status == "received_by_lab" else status.value for status in Status}
    mark = "X"  # on the body map
    says = ""  # the sentence of the notice that the save under way is, for the event
    telling: tuple[UUID, ...] = ()  # who read the report that the save under way corrects
    is_news = (
        False  # the save under way is a review that found what the report does not say, and who ordered does not know
    )

    serial = models.PositiveBigIntegerField(editable=False)
    patient = TenantKey("clinical.Patient", related_name="biopsies")
    visit = TenantKey("clinical.Visit", related_name="biopsies")
    encounter = TenantKey("clinical.Encounter", null=True, blank=True, related_name="biopsies")
    laboratory = TenantKey(PathologyLab, related_name="biopsies")
    status = models.CharField(max_length=15, choices=Status.choices, default=Status.ORDERED, editable=False)
    kind = models.CharField("type", max_length=10, choices=Kind.choices)
    site = models.CharField(max_length=40, choices=[(code, site.name) for code, site in SITES.items()])
    laterality = models.CharField(max_length=7, choices=Laterality.choices, default=Laterality.NONE, blank=True)
    x = models.DecimalField(max_digits=5, decimal_places=1, editable=False)
    y = models.DecimalField(max_digits=5, decimal_places=1, editable=False)
    question = models.TextField("clinical question", max_length=2000)
    clinical_code = models.CharField("code of the clinical diagnosis", max_length=10, blank=True, default="")
    clinical_diagnosis = models.CharField("clinical diagnosis", max_length=250, blank=True, default="")
    malignancy = models.CharField(max_length=13, choices=Malignancy.choices, blank=True, default="", editable=False)
    report = TenantKey("clinical.PathologyReport", null=True, blank=True, related_name="+", editable=False)
    rebiopsy_of = TenantKey("self", null=True, blank=True, related_name="rebiopsies", editable=False)
    said_tier = models.PositiveSmallIntegerField("tier that was told", default=0, editable=False)
    missing_since = moment()

    identified_at = moment()
    identified_by = by_person()
    time_out_at = moment()
    time_out_by = by_person()
    time_out_with = models.CharField("together with", max_length=120, blank=True, default="", editable=False)
    time_out_items = ArrayField(models.CharField(max_length=12), default=list, blank=True, editable=False)

    ordered_at = models.DateTimeField(default=timezone.now, editable=False)
    ordered_by = by_person()
    collected_at = moment()
    collected_by = by_person()
    sent_at = moment()
    sent_by = by_person()
    received_at = moment()
    received_by = by_person()
    processing_at = moment()
    processing_by = by_person()
    resulted_at = moment()
    resulted_by = by_person()
    reviewed_at = moment()
    reviewed_by = by_person()
    closed_at = moment()
    closed_by = by_person()
    lost_at = moment()
    lost_by = by_person()
    unsatisfactory_at = moment()
    unsatisfactory_by = by_person()
    cancelled_at = moment()
    cancelled_by = by_person()
    ended_because = models.CharField(
        max_length=300, blank=True, default="", editable=False, help_text="Why it was cancelled, lost or no good."
    )

    objects: ClassVar = TenantManager.from_queryset(Biopsies)()

    class Meta(Workflow.Meta):
        ordering = ["-serial"]
        verbose_name_plural = "biopsies"
        constraints = [models.UniqueConstraint(fields=["tenant", "serial"], name="biopsy_serial_once")]
        indexes = [
            models.Index(fields=["tenant", "status", "ordered_at"], name="biopsy_by_status"),
            models.Index(fields=["tenant", "patient", "-ordered_at"], name="biopsy_of_patient"),
            models.Index(
                fields=["tenant", "sent_at"],
                condition=models.Q(status__in=("sent", "received_by_lab", "processing")),
                name="biopsy_away",
            ),
        ]

    def __str__(self) -> str:
        return self.number

    def get_absolute_url(self) -> str:
        return reverse("clinical:biopsy", args=[self.pk])

    @property
    def number(self) -> str:
        return f"BX-{self.serial:06}"

    @property
    def at(self) -> Site:
        return SITES[self.site]

    @property
    def where(self) -> str:
        return self.at.in_words(self.laterality)

    @property
    def is_open(self) -> bool:
        return self.status not in self.ENDED

    @property
    def is_away(self) -> bool:
        return self.status in self.AWAY

    @property
    def may_be_cut(self) -> bool:
        """Whether blocks and slides are made now; after the first report for deeper levels."""
        return self.status in (self.Status.PROCESSING, self.Status.RESULTED)

    @property
    def is_missing(self) -> bool:
        """The laboratory signed for a list that it was on, and did not have it."""
        return self.missing_since is not None and self.is_away

    @property
    def has_failed(self) -> bool:
        return self.status in self.FAILED

    @property
    def specimens(self) -> models.QuerySet[BiopsyPart]:
        return self.parts.filter(kind=BiopsyPart.Kind.SPECIMEN).order_by("position")

    # --- ordering -----------------------------------------------------------------------------

    @classmethod
    @transaction.atomic
    def order(
        cls,
        visit: Visit,
        *,
        by: Person | None,
        specimens: Iterable[str],
        photos: Iterable[Document] = (),
        **fields: Any,
    ) -> Biopsy:
        """Ask for one. Each of `specimens` is what goes into one container, in words that may be empty."""
        allow(ORDER, by)
        visit.lock()
        if not visit.is_open:
            raise Refused("This visit is over. Order the biopsy in the visit in which it is taken.")
        biopsy = cls(visit=visit, patient_id=visit.patient_id, ordered_by=by, **fields)
        biopsy.serial = Counter.take("biopsy")
        biopsy.start(by=by)
        biopsy.note_custody("Ordered", by=by)
        for what in list(specimens) or [""]:
            BiopsyPart.specimen_of(biopsy, what)
        for photo in photos:
            biopsy._add_photo(photo, by)
        return biopsy

    @transaction.atomic
    def add_photo(self, photo: Document, *, by: Person | None) -> None:
        allow(COLLECT, by)
        self._add_photo(photo, by)

    def _add_photo(self, photo: Document, by: Person | None) -> None:
        self.lock()
        if photo.patient_id != self.patient_id:
            raise Refused("This photo is of another patient.", status=422, field="photos")
        BiopsyPhoto.objects.get_or_create(biopsy=self, document=photo, defaults={"added_by": by})
        self.put()

    # --- steps --------------------------------------------------------------------------------

    @transaction.atomic
    def go(
        self,
        status: str,
        *,
        by: Person | None,
        place: str = "",
        note: str = "",
        part: BiopsyPart | None = None,
        **fields: Any,
    ) -> None:
        """Take one step: what stands in its way (clinical/biopsy_guards.py), who, when, and a line of custody."""
        from clinical.biopsy_guards import check

        self.lock()
        if status in self.MOVES.get(self.status, {}):
            check(self, status)
        name, label = self.STAMPS[status], self.Status(status).label
        stamp: dict[str, Any] = {f"{name}_at": timezone.now(), f"{name}_by": by}
        if not {self.status, status} <= set(AWAY):
            stamp["said_tier"] = 0  # another clock begins
        self.move_to(status, by=by, reason=note, **(stamp | fields))
        self.note_custody(label, by=by, place=place, note=note, part=part)

    def note_custody(
        self, what: str, *, by: Person | None, place: str = "", note: str = "", part: BiopsyPart | None = None
    ) -> CustodyStep:
        """A line that nobody changes: who has it, where, since when."""
        return CustodyStep.objects.create(biopsy=self, part=part, what=what, place=place.strip(), note=note, by=by)

    def collect(self, place: str, *, by: Person | None) -> None:
        where = needs(place, "Say where it was taken.", field="place")
        self.go(self.Status.COLLECTED, by=by, place=where)

    def send(self, place: str, *, by: Person | None) -> None:
        """Given to somebody who carries it; with a courier, the manifest says it."""
        self.go(self.Status.SENT, by=by, place=needs(place, "Say who carries it.", field="place"))

    @transaction.atomic
    def receive(self, place: str, *, by: Person | None, last: BiopsyPart | None = None) -> None:
        """All its containers are in the laboratory, with the `last` one that was scanned."""
        where = needs(place, "Say where it was received.", field="place")
        self.go(self.Status.RECEIVED, by=by, place=where, part=last, missing_since=None)
        for part in self.specimens.filter(received_at=None):
            part.put(received_at=self.received_at, received_by=by)

    def process(self, place: str, *, by: Person | None) -> None:
        self.go(self.Status.PROCESSING, by=by, place=needs(place, "Say where it is worked on.", field="place"))

    def cancel(self, reason: str, *, by: Person | None) -> None:
        why = needs(reason, "Say why the biopsy is cancelled.")
        self.go(self.Status.CANCELLED, by=by, note=why, ended_because=why)

    @transaction.atomic
    def fail(self, status: str, reason: str, *, by: Person | None, place: str = "") -> None:
        """Lost, or no good: from here the question is whether it is taken again, and somebody must answer it."""
        from clinical.models.rebiopsy import RebiopsyTask

        if status not in self.FAILED:
            raise Refused("Choose whether it is lost or unsatisfactory.", status=422, field="status")
        why = needs(reason, "Say what happened.")
        self.lock()
        self.says = f"{self.Status(status).label}, decide about a re-biopsy"
        self.go(status, by=by, place=place, note=why, ended_because=why, missing_since=None)
        self.says = ""
        RebiopsyTask.open_for(self, why)

    @transaction.atomic
    def close(self, *, by: Person | None) -> None:
        """The patient knows, or nothing came of it and that is decided: see the guards."""
        self.go(self.Status.CLOSED, by=by)
        self.answer_alert("Closed: reviewed, and the patient is told or written to", by=by)

    def answer_alert(self, what: str, *, by: Person | None) -> None:
        """Whoever does what the alert asks for has answered it."""
        acting = current()
        if by is None or acting.role is None or not acting.may(ACKNOWLEDGE):
            return
        for alert in Alert.objects.open().filter(kind=RESULT_IS_IN, object_id=self.pk):
            alert.acknowledge(by=by, role=acting.role.key, done=Alert.Done.ACTED, text=what)

    @transaction.atomic
    def tell(self, sentence: str, **fields: Any) -> None:
        """A fact that those who work on it hear as a notice, such as that it is overdue."""
        self.lock()
        self.says = sentence
        self.put(**fields)
        self.says = ""

    def touch(self) -> None:
        """Something below it changed that is shown with it."""
        self.lock()
        self.put()

    def packed_on(self, part: BiopsyPart | None = None) -> CourierManifest | None:
        """The courier's list that it, or this container of it, waits on."""
        from clinical.models.manifest import CourierManifest, ManifestItem

        rows = ManifestItem.objects.filter(manifest__status=CourierManifest.Status.PACKING, part__biopsy=self)
        item = (rows.filter(part=part) if part else rows).select_related("manifest").first()
        return item.manifest if item else None

    def refuse_unless(self, status: str, sentence: str) -> None:
        if self.status != status:
            raise Refused(f"{self.number} is {self.get_status_display().lower()}. {sentence}")

    def put(self, **fields: Any) -> None:
        for name, value in fields.items():
            setattr(self, name, value)
        self.save(update_fields=list(fields))
