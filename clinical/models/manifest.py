"""The courier's list: what leaves in one bag, counted and signed at both ends. What does not agree is told."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any, ClassVar

from django.db import models, transaction
from django.urls import reverse
from django.utils import timezone

from clinical.models.biopsy import COLLECT, Biopsy
from clinical.models.biopsy_part import BiopsyPart
from clinical.models.lab_result import by_person, moment
from clinical.models.pathology_lab import PathologyLab
from clinical.models.rebiopsy import RebiopsyTask
from hospital.models import Counter
from hospital.tenancy import EditableModel, TenantKey, TenantManager
from hospital.workflow import Refused, Workflow, allow, needs

if TYPE_CHECKING:
    from hospital.models import Person


class Manifests(models.QuerySet):
    def shown(self) -> Manifests:
        """With what a row needs, in a constant number of queries."""
        return self.select_related("laboratory", "sent_by", "received_by").prefetch_related("items")


class CourierManifest(Workflow):
    class Status(models.TextChoices):
        PACKING = "packing", "Being packed"
        SENT = "sent", "On its way"
        RECEIVED = "received", "Received"
        CANCELLED = "cancelled", "Cancelled"

    MOVES = {
        Status.PACKING: {Status.SENT: COLLECT, Status.CANCELLED: COLLECT},
        Status.SENT: {Status.RECEIVED: COLLECT},
    }

    serial = models.PositiveBigIntegerField(editable=False)
    laboratory = TenantKey(PathologyLab, related_name="manifests")
    status = models.CharField(max_length=9, choices=Status.choices, default=Status.PACKING, editable=False)
    courier = models.CharField(max_length=120, blank=True, default="", editable=False)
    counted_out = models.PositiveSmallIntegerField("counted when sent", null=True, editable=False)
    sent_at = moment()
    sent_by = by_person()
    counted_in = models.PositiveSmallIntegerField("counted when received", null=True, editable=False)
    taken_by = models.CharField("taken at the laboratory by", max_length=120, blank=True, default="", editable=False)
    received_at = moment()
    received_by = by_person()
    differences = models.TextField(blank=True, default="", editable=False)
    cancelled_at = moment()
    cancelled_by = by_person()

    objects: ClassVar = TenantManager.from_queryset(Manifests)()

    class Meta(Workflow.Meta):
        ordering = ["-serial"]
        verbose_name = "courier's list"
        constraints = [models.UniqueConstraint(fields=["tenant", "serial"], name="manifest_serial_once")]
        indexes = [models.Index(fields=["tenant", "status", "-serial"], name="manifest_by_status")]

    def __str__(self) -> str:
        return self.number

    def get_absolute_url(self) -> str:
        return reverse("clinical:manifest", args=[self.pk])

    @property
    def number(self) -> str:
        return f"CL-{self.serial:06}"

    @property
    def containers(self) -> int:
        return len(self.items.all())

    @property
    def is_packing(self) -> bool:
        return self.status == self.Status.PACKING

    @classmethod
    @transaction.atomic
    def begin(cls, laboratory: PathologyLab, *, by: Person | None) -> CourierManifest:
        allow(COLLECT, by)
        manifest = cls(laboratory=laboratory, serial=Counter.take("manifest"))
        manifest.start(by=by)
        return manifest

    @transaction.atomic
    def add(self, part: BiopsyPart, *, by: Person | None) -> ManifestItem:
        """One container goes into the bag."""
        allow(COLLECT, by)
        self._lock_packing()
        biopsy = part.biopsy
        biopsy.lock()
        if not part.is_specimen:
            raise Refused("The courier's list is of containers. A block or a slide stays in the laboratory.")
        if biopsy.laboratory_id != self.laboratory_id:
            raise Refused(f"{biopsy.number} goes to {biopsy.laboratory}, this list to {self.laboratory}.")
        biopsy.refuse_unless(Biopsy.Status.COLLECTED, "Only what is collected is sent.")
        listed = biopsy.packed_on(part)
        if listed:
            raise Refused(f"{part.number} is on the list {listed} already.")
        item = ManifestItem.objects.create(manifest=self, part=part, added_by=by)
        self.save(update_fields=[])
        return item

    @transaction.atomic
    def take_out(self, item: ManifestItem, *, by: Person | None) -> None:
        allow(COLLECT, by)
        self._lock_packing()
        item.delete()
        self.save(update_fields=[])

    @transaction.atomic
    def send(self, count: int, courier: str, *, by: Person | None) -> None:
        """Signed and given to the courier: what was counted by hand must be what the list has."""
        who = needs(courier, "Say who takes it along.", field="courier")
        self._lock_packing()
        items = self._items()
        if not items:
            raise Refused("Nothing is on the list. Scan what goes into the bag.")
        if count != len(items):
            raise Refused(
                f"You counted {count}, and the list has {len(items)}. Count again, or scan what is missing.",
                status=422,
                field="count",
            )
        biopsies = lock_all(items)
        refuse_halves(biopsies, items)
        self.move_to(self.Status.SENT, by=by, counted_out=count, courier=who, sent_at=timezone.now(), sent_by=by)
        for biopsy in biopsies:
            biopsy.go(Biopsy.Status.SENT, by=by, place=f"Courier {who}"[:120], note=f"List {self.number}.")

    @transaction.atomic
    def receive(self, count: int, arrived: Collection[str], taken_by: str, *, by: Person | None) -> None:
        """Signed at the other end. `arrived` are the keys of the items that are there; the rest is missing, and told."""
        who = needs(taken_by, "Say who took it at the laboratory.", field="taken_by")
        self.lock()
        if by is not None and by.pk == self.sent_by_id:
            raise Refused("You signed for the sending. A colleague signs for the receiving.")
        biopsies = lock_all(self._items())
        items = bound(self._items(), biopsies)  # as they are now that nobody else receives them
        here = [item for item in items if str(item.pk) in arrived]
        missing = [item for item in items if item not in here]
        stamp: dict[str, Any] = {"counted_in": count, "taken_by": who, "received_at": timezone.now(), "received_by": by}
        self.move_to(self.Status.RECEIVED, by=by, differences=differences(count, here, missing), **stamp)
        self._note_arrival(biopsies, by)
        for item in here:
            item.arrive(by=by)
        self._miss([item.part for item in missing], by)

    def _note_arrival(self, biopsies: list[Biopsy], by: Person | None) -> None:
        """In each chain the other end of the list: who took it, what was counted, and what differed."""
        note = f"List {self.number}: taken by {self.taken_by}, {self.counted_in} counted. {self.differences}".strip()
        for biopsy in biopsies:
            biopsy.note_custody("Courier's list received", by=by, place=str(self.laboratory), note=note[:400])

    def _miss(self, parts: list[BiopsyPart], by: Person | None) -> None:
        """What did not come is missing, unless somebody received it by scanner, or it was found since and is on another way."""
        found = RebiopsyTask.objects.found_since(self.sent_at).values_list("biopsy_id", flat=True)
        elsewhere = set(found.filter(biopsy__in=[part.biopsy_id for part in parts]))
        waiting = [part for part in parts if part.received_at is None and part.biopsy.status == Biopsy.Status.SENT]
        lacking = [part for part in waiting if part.biopsy_id not in elsewhere]
        for part in lacking:
            part.biopsy.note_custody("Missing at the laboratory", by=by, part=part, note=f"List {self.number}.")
        for biopsy in {part.biopsy_id: part.biopsy for part in lacking}.values():
            biopsy.tell("Missing at the laboratory", missing_since=self.received_at)

    def cancel(self, *, by: Person | None) -> None:
        """The list is not sent; what was on it can go on another one."""
        self.move_to(self.Status.CANCELLED, by=by, cancelled_at=timezone.now(), cancelled_by=by)

    def _items(self) -> list[ManifestItem]:
        return list(self.items.select_related("part__biopsy__laboratory"))

    def _lock_packing(self) -> None:
        self.lock()
        if not self.is_packing:
            raise Refused(f"{self.number} is {self.get_status_display().lower()}. Begin another list.")


class ManifestItem(EditableModel):
    manifest = TenantKey(CourierManifest, related_name="items")
    part = TenantKey(BiopsyPart, related_name="listed")
    added_by = by_person()
    added_at = models.DateTimeField(auto_now_add=True)
    arrived_at = moment()

    class Meta(EditableModel.Meta):
        ordering = ["added_at", "id"]
        verbose_name = "container on a courier's list"
        verbose_name_plural = "containers on couriers' lists"
        constraints = [models.UniqueConstraint(fields=["tenant", "manifest", "part"], name="manifest_item_once")]

    def __str__(self) -> str:
        return self.part.number

    def arrive(self, *, by: Person | None) -> None:
        """What the scanner has received before stays as it is."""
        self.arrived_at = timezone.now()
        self.save(update_fields=["arrived_at"])
        if self.part.received_at is None and self.part.biopsy.status == Biopsy.Status.SENT:
            self.part.receive(str(self.part.biopsy.laboratory), by=by)


def lock_all(items: list[ManifestItem]) -> list[Biopsy]:
    """The biopsies of these containers, always in the order of their numbers."""
    found = sorted({item.part.biopsy_id: item.part.biopsy for item in items}.values(), key=lambda one: one.serial)
    for biopsy in found:
        biopsy.lock()
    bound(items, found)
    return found


def bound(items: list[ManifestItem], biopsies: list[Biopsy]) -> list[ManifestItem]:
    """Each container with the one row of its biopsy that is locked."""
    locked = {biopsy.pk: biopsy for biopsy in biopsies}
    for item in items:
        item.part.biopsy = locked[item.part.biopsy_id]
    return items


def refuse_halves(biopsies: list[Biopsy], items: list[ManifestItem]) -> None:
    """All containers of a biopsy travel together: one that is forgotten is found before the courier goes."""
    listed = {item.part_id for item in items}
    for biopsy in biopsies:
        left = [part.name for part in biopsy.specimens if part.pk not in listed]
        if left:
            raise Refused(
                f"Specimen {', '.join(left)} of {biopsy.number} is not on the list. Scan it too, or take {biopsy.number} off."
            )


def differences(count: int, here: list[ManifestItem], missing: list[ManifestItem]) -> str:
    """In words, what does not agree between the two ends; nothing, if all does."""
    said = []
    if missing:
        said.append(f"Missing: {', '.join(item.part.number for item in missing)}.")
    if count != len(here):
        said.append(f"Counted {count}, and {len(here)} of the list are there.")
    return " ".join(said)
