"""What a biopsy consists of: containers, the blocks cut from each, the slides of each block; and where each one was."""

from __future__ import annotations

import string
from typing import TYPE_CHECKING, Any, ClassVar

from django.db import models, transaction
from django.utils import timezone

from clinical import accession
from clinical.models.biopsy_taking import COLLECT, is_recent
from clinical.models.lab_result import by_person, moment
from hospital.models import Counter
from hospital.tenancy import EditableModel, TenantKey, TenantManager, TenantModel
from hospital.workflow import Refused, allow

if TYPE_CHECKING:
    from clinical.models.biopsy import Biopsy
    from hospital.models import Person

LETTER = "B"
MOST = 26


class Parts(models.QuerySet):
    def specimens(self) -> Parts:
        return self.filter(kind=BiopsyPart.Kind.SPECIMEN)

    def shown(self) -> Parts:
        return self.select_related("biopsy__patient", "biopsy__laboratory", "parent", "received_by", "labelled_by")


class BiopsyPart(EditableModel):
    """Specimen A, its blocks A1 and A2, and the slides A1.1 and A1.2. Each has a number of its own on its label."""

    class Kind(models.TextChoices):
        SPECIMEN = "specimen", "Specimen"
        BLOCK = "block", "Block"
        SLIDE = "slide", "Slide"

    in_the_clear: ClassVar = ("name", "stain")
    BELOW: ClassVar[dict[str, Kind]] = {Kind.SPECIMEN: Kind.BLOCK, Kind.BLOCK: Kind.SLIDE}

    biopsy = TenantKey("clinical.Biopsy", related_name="parts")
    parent = TenantKey("self", null=True, blank=True, related_name="children", editable=False)
    kind = models.CharField(max_length=8, choices=Kind.choices, editable=False)
    serial = models.PositiveBigIntegerField(editable=False)
    position = models.PositiveSmallIntegerField(editable=False)
    name = models.CharField(max_length=12, editable=False)
    what = models.CharField("what it is", max_length=120, blank=True, default="")
    stain = models.CharField(max_length=40, blank=True, default="")
    made_at = models.DateTimeField(default=timezone.now, editable=False)
    made_by = by_person()
    labels = models.PositiveSmallIntegerField("labels printed", default=0, editable=False)
    labelled_at = moment()
    labelled_by = by_person()
    received_at = moment()
    received_by = by_person()

    objects: ClassVar = TenantManager.from_queryset(Parts)()

    class Meta(EditableModel.Meta):
        ordering = ["name"]
        verbose_name = "part of a biopsy"
        verbose_name_plural = "parts of biopsies"
        constraints = [
            models.UniqueConstraint(fields=["tenant", "serial"], name="biopsy_part_serial_once"),
            models.UniqueConstraint(fields=["tenant", "biopsy", "name"], name="biopsy_part_name_once"),
            models.CheckConstraint(
                name="biopsy_part_has_parent",
                condition=models.Q(kind="specimen", parent=None)
                | (~models.Q(kind="specimen") & models.Q(parent__isnull=False)),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.name}"

    @property
    def number(self) -> str:
        return accession.in_words(self.serial, LETTER)

    @property
    def bars(self) -> str:
        return accession.in_bars(self.serial, LETTER)

    @property
    def is_specimen(self) -> bool:
        return self.kind == self.Kind.SPECIMEN

    @property
    def below(self) -> str:
        """The word for what is made of it: a block of a specimen, a slide of a block, nothing of a slide."""
        kind = self.BELOW.get(self.kind)
        return str(kind.label).lower() if kind else ""

    @classmethod
    def by_label(cls, text: str) -> BiopsyPart | None:
        """The part whose label was scanned or typed. What cannot be one is refused with words."""
        try:
            serial = accession.parse(text, LETTER)
        except accession.BadAccession as error:
            raise Refused(str(error), status=422, field="scan") from None
        return cls.objects.shown().filter(serial=serial).first()

    @classmethod
    def specimen_of(cls, biopsy: Biopsy, what: str) -> BiopsyPart:
        position = biopsy.parts.specimens().count()
        if position >= MOST:
            raise Refused("One biopsy has 26 specimens at most. Order another one.", status=422, field="specimens")
        return cls._new(biopsy, None, cls.Kind.SPECIMEN, position + 1, string.ascii_uppercase[position], what=what)

    @classmethod
    def _new(
        cls, biopsy: Biopsy, parent: BiopsyPart | None, kind: str, position: int, name: str, **fields: Any
    ) -> BiopsyPart:
        return cls.objects.create(
            biopsy=biopsy,
            parent=parent,
            kind=kind,
            position=position,
            name=name,
            serial=Counter.take("biopsy_part"),
            **fields,
        )

    @transaction.atomic
    def make(self, *, by: Person | None, what: str = "", stain: str = "") -> BiopsyPart:
        """The next block of a specimen, or the next slide of a block."""
        allow(COLLECT, by)
        kind = self.BELOW.get(self.kind)
        if kind is None:
            raise Refused("Nothing is cut from a slide.")
        biopsy = self.biopsy
        biopsy.lock()
        if not biopsy.may_be_cut:
            raise Refused(f"{biopsy.number} is not being processed. Blocks and slides are made when it is.")
        position = self.children.count() + 1
        name = f"{self.name}{position}" if kind == self.Kind.BLOCK else f"{self.name}.{position}"
        part = self._new(biopsy, self, kind, position, name, what=what.strip(), stain=stain.strip(), made_by=by)
        biopsy.note_custody(f"{part.get_kind_display()} made", by=by, part=part)
        biopsy.touch()
        return part

    @transaction.atomic
    def print_label(self, *, by: Person | None) -> bool:
        """Count one more label; whether it is a reprint, which the label says."""
        allow(COLLECT, by)
        self.biopsy.lock()
        if self.is_specimen:
            self._refuse_unless_beside_patient()
        self.lock()
        self.put(labels=self.labels + 1, labelled_at=timezone.now(), labelled_by=by)
        return self.labels > 1

    def _refuse_unless_beside_patient(self) -> None:
        """Before it is taken a label is printed in front of the patient; later it is one more of the same."""
        if not self.biopsy.is_open:
            raise Refused(f"{self.biopsy.number} is {self.biopsy.get_status_display().lower()}. Nothing is labelled.")
        if self.biopsy.status == self.biopsy.Status.ORDERED and not self.biopsy.is_confirmed:
            raise Refused(
                "Identify the patient and take the time-out first: labels are printed in front of the patient."
            )

    @property
    def is_labelled(self) -> bool:
        """In front of the patient, after the time-out that counts."""
        return is_recent(self.labelled_at, since=self.biopsy.time_out_at)

    @transaction.atomic
    def receive(self, place: str, *, by: Person | None) -> None:
        """This container is in the laboratory; with the last one the biopsy is. Of two who take it one is told."""
        allow(COLLECT, by)
        biopsy = self.biopsy
        biopsy.lock()
        self.lock()
        if self.received_at is not None:
            raise Refused(f"{self.number} is already received{f' by {self.received_by}' if self.received_by else ''}.")
        if not self.is_specimen:
            raise Refused("Only containers are received. Blocks and slides are made here.")
        biopsy.refuse_unless(biopsy.Status.SENT, "Only what was sent is received.")
        self.put(received_at=timezone.now(), received_by=by)
        waiting = biopsy.specimens.filter(received_at=None).count()
        if waiting == 0:
            biopsy.receive(place, by=by, last=self)
            return
        biopsy.note_custody("Received by the laboratory", by=by, place=place, part=self)
        biopsy.touch()

    def put(self, **fields: Any) -> None:
        for name, value in fields.items():
            setattr(self, name, value)
        self.save(update_fields=list(fields))


class CustodyStep(TenantModel):
    """One line of the chain: who had it, where, since when. The database lets nobody change or delete one."""

    in_the_clear: ClassVar = ("what", "place")

    biopsy = TenantKey("clinical.Biopsy", related_name="custody")
    part = TenantKey(BiopsyPart, null=True, blank=True, related_name="custody")
    what = models.CharField(max_length=60)
    place = models.CharField(max_length=120, blank=True, default="")
    note = models.CharField(max_length=400, blank=True, default="")
    by = models.ForeignKey("hospital.Person", on_delete=models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField(default=timezone.now)

    class Meta(TenantModel.Meta):
        ordering = ["at", "id"]
        verbose_name = "step of custody"
        verbose_name_plural = "steps of custody"
        indexes = [models.Index(fields=["tenant", "biopsy", "at"], name="custody_of_biopsy")]

    def __str__(self) -> str:
        return self.what


class BiopsyPhoto(TenantModel):
    """A picture of the place, taken before."""

    biopsy = TenantKey("clinical.Biopsy", related_name="photos")
    document = TenantKey("clinical.Document", related_name="+")
    added_by = by_person()
    added_at = models.DateTimeField(auto_now_add=True)

    class Meta(TenantModel.Meta):
        ordering = ["added_at"]
        constraints = [models.UniqueConstraint(fields=["tenant", "biopsy", "document"], name="biopsy_photo_once")]

    def __str__(self) -> str:
        return str(self.document)
