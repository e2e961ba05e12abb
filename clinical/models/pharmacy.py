"""Medicines and their batches.

The ledger (clinical/models/ledger.py) is the truth: the database itself adds each move to the batch's `on_hand`, which nothing else can change and
which is never negative (clinical/sql.py). Whoever moves stock holds the medicine first and then its batches, so that
two who want the last piece take turns.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from django.db import models, transaction
from django.urls import reverse
from django.utils import timezone

from clinical.days import today
from clinical.models.ledger import StockMove, at_least_one
from clinical.stock import EXPIRING_WITHIN, Stock, plural
from hospital.tenancy import EditableModel, TenantKey, TenantManager
from hospital.workflow import Refused, allow, needs

if TYPE_CHECKING:
    from clinical.models.prescription_line import PrescriptionLine
    from hospital.models import Person

MANAGE = "clinical.manage_stock"


class Medicines(models.QuerySet):
    def look_up(self, text: str) -> Medicines:
        """All of these words somewhere in the name, strength or form; or a code that begins so."""
        found = self.filter(is_active=True)
        for word in text.split():
            named = models.Q(name__icontains=word) | models.Q(strength__icontains=word) | models.Q(form__icontains=word)
            found = found.filter(named | models.Q(code__istartswith=word) | models.Q(atc__istartswith=word))
        return found

    def low_overnight(self) -> Medicines:
        """Low because a batch expired, and nobody has noticed. One that never was on the shelf is not low, but not used."""
        expired = models.Q(batches__on_hand__gt=0, batches__expires_on__lt=today())
        gone = self.filter(pk__in=self.filter(expired, is_active=True, low_since=None).values("pk"))
        return gone.with_usable().filter(usable__lte=models.F("low_at"))

    def with_usable(self) -> Medicines:
        """With the number of pieces that may be issued today, that expire soon, and that are expired or locked."""
        there = models.Q(batches__on_hand__gt=0)
        good = there & models.Q(batches__state=Batch.State.AVAILABLE, batches__expires_on__gte=today())
        soon = good & models.Q(batches__expires_on__lte=today() + EXPIRING_WITHIN)
        total = models.Sum("batches__on_hand", filter=there, default=0)
        return self.annotate(
            usable=models.Sum("batches__on_hand", filter=good, default=0),
            expiring=models.Sum("batches__on_hand", filter=soon, default=0),
            locked=total - models.Sum("batches__on_hand", filter=good, default=0),
        ).order_by("name", "strength", "pk")


class Medicine(EditableModel):
    code = models.CharField(max_length=30)
    name = models.CharField(max_length=160)
    form = models.CharField(max_length=60, blank=True, default="")
    strength = models.CharField(max_length=60, blank=True, default="")
    unit = models.CharField(max_length=30, default="tablet", help_text="What is counted when it is dispensed.")
    atc = models.CharField("ATC code", max_length=7, blank=True, default="")
    rxnorm = models.CharField("RxNorm code", max_length=12, blank=True, default="")
    low_at = models.PositiveIntegerField(default=0, help_text="Stock is low at this many, or fewer.")
    low_since = models.DateTimeField(null=True, editable=False)
    is_active = models.BooleanField(default=True)

    objects: ClassVar = TenantManager.from_queryset(Medicines)()

    class Meta(EditableModel.Meta):
        ordering = ["name", "strength"]
        constraints = [models.UniqueConstraint(fields=["tenant", "code"], name="medicine_code_once")]

    def __str__(self) -> str:
        return " ".join(filter(None, [self.name, self.strength, self.form]))

    def get_absolute_url(self) -> str:
        return reverse("clinical:medicine", args=[self.pk])

    @property
    def units(self) -> str:
        """The unit, of many."""
        return plural(self.unit)

    @cached_property
    def stock(self) -> Stock:
        return Stock.of(list(self.batches.all()), self.low_at)

    def lock(self) -> None:
        """Hold the medicine, and with it all of its stock, until the transaction ends."""
        super().lock()
        self.__dict__.pop("stock", None)

    def usable_batches(self) -> list[Batch]:
        """What may be issued, in the order in which it should be: first expiry first."""
        return list(self.batches.usable())

    def propose(self, quantity: int) -> list[tuple[Batch, int]]:
        """From which batches so many would be taken: fewer, if there are fewer."""
        return list(share(quantity, self.usable_batches()))

    def issue(
        self, quantity: int, *, line: PrescriptionLine, by: Person | None, batch: Batch | None = None, reason: str = ""
    ) -> list[StockMove]:
        """Take pieces for a prescription, first expiry first. Another batch may be chosen, with a reason."""
        self.lock()
        batches = list(self.batches.usable().select_for_update(of=("self",), no_key=True))
        if batch is not None:
            batches = [chosen(batch, batches, reason)]
        there = sum(found.on_hand for found in batches)
        if there < quantity:
            raise Refused(too_little(self, there, batch), field="quantity")
        kind = StockMove.Kind.DISPENSE
        moves = [found.book(kind, -taken, by=by, reason=reason, line=line) for found, taken in share(quantity, batches)]
        self.recount()
        return moves

    @transaction.atomic
    def notice_expired(self) -> None:
        """The calendar took a batch away, and nobody moved anything."""
        self.lock()
        self.recount()

    def recount(self) -> None:
        """After a change of the stock: note when it became low, and let the screens follow."""
        self.__dict__.pop("stock", None)
        if self.stock.is_low == (self.low_since is not None):
            self.save(update_fields=[])
            return
        self.low_since = timezone.now() if self.stock.is_low else None
        self.save(update_fields=["low_since"])


def share(quantity: int, batches: list[Batch]) -> Iterator[tuple[Batch, int]]:
    """Each batch gives what it can until the quantity is reached."""
    for batch in batches:
        taken = min(quantity, batch.on_hand)
        if taken:
            yield batch, taken
        quantity -= taken


def chosen(batch: Batch, usable: list[Batch], reason: str) -> Batch:
    """The batch that somebody picked, if it may be issued; not the first to expire only with a reason."""
    found = next((candidate for candidate in usable if candidate.pk == batch.pk), None)
    if found is None:
        batch.refresh_from_db()
        raise Refused(f"Lot {batch.lot} cannot be issued: it is {batch.trouble}. Choose another batch.", field="batch")
    if found != usable[0]:
        needs(reason, f"Lot {usable[0].lot} expires first. Say why lot {found.lot} is issued instead.")
    return found


def too_little(medicine: Medicine, there: int, batch: Batch | None) -> str:
    where = f"lot {batch.lot}" if batch else "stock"
    if not there:
        return f"Nothing of {medicine} in {where} can be issued. Decline it with a reason, or receive new stock."
    return f"Only {there} of {medicine} in {where} can be issued. Issue {there} and say why, or decline it."


class Batches(models.QuerySet):
    def usable(self) -> Batches:
        """Neither empty nor expired, recalled or in quarantine. The expiry date itself is the last good day."""
        return self.filter(state=Batch.State.AVAILABLE, expires_on__gte=today(), on_hand__gt=0)

    def newly_expiring(self) -> Batches:
        """What came near its expiry since the calendar was last looked at."""
        return self.usable().filter(expires_on__lte=today() + EXPIRING_WITHIN, expiring_since=None)


class Batch(EditableModel):
    class State(models.TextChoices):
        AVAILABLE = "available", "Available"
        QUARANTINED = "quarantined", "Quarantined"
        RECALLED = "recalled", "Recalled"

    medicine = TenantKey(Medicine, related_name="batches")
    lot = models.CharField(max_length=60)
    expires_on = models.DateField()
    location = models.CharField(max_length=60, blank=True, default="")
    state = models.CharField(max_length=12, choices=State.choices, default=State.AVAILABLE)
    state_reason = models.CharField(max_length=250, blank=True, default="")
    on_hand = models.PositiveIntegerField(default=0, editable=False)
    received_at = models.DateTimeField(default=timezone.now, editable=False)
    expiring_since = models.DateTimeField(null=True, editable=False, help_text="When it was noticed to expire soon.")

    objects: ClassVar = TenantManager.from_queryset(Batches)()

    class Meta(EditableModel.Meta):
        verbose_name_plural = "batches"
        ordering = ["expires_on", "received_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "medicine", "lot", "location"], name="batch_lot_once"),
            models.CheckConstraint(condition=models.Q(on_hand__gte=0), name="batch_never_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.medicine}, lot {self.lot}"

    @property
    def is_expired(self) -> bool:
        return self.expires_on < today()

    @property
    def is_expiring(self) -> bool:
        return not self.is_expired and self.expires_on <= today() + EXPIRING_WITHIN

    @property
    def is_usable(self) -> bool:
        return bool(self.on_hand) and not self.is_expired and self.state == self.State.AVAILABLE

    @property
    def trouble(self) -> str:
        """Why it may not be issued, in words."""
        if self.state != self.State.AVAILABLE:
            return self.get_state_display().lower()
        return "expired" if self.is_expired else "empty" if not self.on_hand else ""

    @property
    def tone(self) -> str:
        """The badge that fits it."""
        if self.state != self.State.AVAILABLE:
            return self.state
        return "expired" if self.is_expired else "expiring" if self.is_expiring else "ok"

    @classmethod
    @transaction.atomic
    def receive(
        cls,
        medicine: Medicine,
        *,
        lot: str,
        expires_on: date,
        quantity: int,
        by: Person | None,
        location: str = "",
        reason: str = "",
    ) -> Batch:
        """Put pieces on the shelf: into the batch of this lot that stands there, or into a new one."""
        allow(MANAGE, by)
        at_least_one(quantity)
        if expires_on < today():
            raise Refused("This lot has expired. It cannot be received.", status=422, field="expires_on")
        medicine.lock()
        batch, _ = cls.objects.get_or_create(
            medicine=medicine, lot=lot.strip(), location=location.strip(), defaults={"expires_on": expires_on}
        )
        if batch.expires_on != expires_on:
            raise Refused(
                f"Lot {batch.lot} is here already and expires on {batch.expires_on:%-d %B %Y}. Check the package.",
                status=422,
                field="expires_on",
            )
        batch.book(StockMove.Kind.RECEIPT, quantity, by=by, reason=reason)
        medicine.recount()
        return batch

    @transaction.atomic
    def notice_expiry(self) -> None:
        """Once in the life of a batch: it may still be issued, but soon no more."""
        medicine = self.hold()
        if self.is_usable and self.is_expiring and self.expiring_since is None:
            self.expiring_since = timezone.now()
            self.save(update_fields=["expiring_since"])
            medicine.save(update_fields=[])

    @transaction.atomic
    def write_off(self, quantity: int, reason: str, *, by: Person | None) -> None:
        """Broken, lost, expired: gone, with a reason."""
        allow(MANAGE, by)
        at_least_one(quantity)
        needs(reason, "Say why it is written off.")
        medicine = self.hold()
        self.book(StockMove.Kind.WRITE_OFF, -quantity, by=by, reason=reason)
        medicine.recount()

    @transaction.atomic
    def count(self, counted: int, *, by: Person | None, reason: str = "") -> int:
        """Somebody counted the shelf: the difference becomes a move, even if it is none. Returns the difference."""
        allow(MANAGE, by)
        if counted < 0:
            raise Refused("Nobody can count fewer than none.", status=422, field="counted")
        medicine = self.hold()
        difference = counted - self.on_hand
        if difference:
            needs(reason, f"The books say {self.on_hand}. Say why it differs.")
        self.book(StockMove.Kind.COUNT, difference, by=by, reason=reason)
        medicine.recount()
        return difference

    @transaction.atomic
    def transfer(self, quantity: int, location: str, *, by: Person | None, reason: str = "") -> Batch:
        """Move pieces to another shelf, where they are a batch of their own."""
        allow(MANAGE, by)
        at_least_one(quantity)
        medicine = self.hold()
        if location.strip() == self.location:
            raise Refused("It is there already. Name another place.", status=422, field="location")
        other, _ = Batch.objects.get_or_create(
            medicine=medicine,
            lot=self.lot,
            location=location.strip(),
            defaults={
                "expires_on": self.expires_on,
                "state": self.state,
                "expiring_since": self.expiring_since,
            },
        )
        if other.state != self.state:
            raise Refused(
                f"Lot {self.lot} is {other.get_state_display().lower()} there, and {self.get_state_display().lower()} here. Name another place.",
                status=422,
                field="location",
            )
        self.book(StockMove.Kind.TRANSFER, -quantity, by=by, reason=reason)
        other.book(StockMove.Kind.TRANSFER, quantity, by=by, reason=reason)
        medicine.recount()
        return other

    @transaction.atomic
    def set_state(self, state: str, reason: str, *, by: Person | None) -> None:
        """Lock it away, recall it, or make it available again."""
        allow(MANAGE, by)
        needs(reason, "Say why.")
        medicine = self.hold()
        self.state, self.state_reason = self.State(state), reason.strip()
        self.save(update_fields=["state", "state_reason"])
        medicine.recount()

    def hold(self) -> Medicine:
        """The medicine first, then the batch."""
        medicine = self.medicine
        medicine.lock()
        self.lock()
        return medicine

    def book(
        self, kind: str, quantity: int, *, by: Person | None, reason: str = "", line: PrescriptionLine | None = None
    ) -> StockMove:
        """Write a line of the ledger. The caller holds the medicine; the database changes `on_hand`."""
        if self.on_hand + quantity < 0:
            raise Refused(f"Lot {self.lot} has only {self.on_hand}.", field="quantity")
        move = StockMove.objects.create(
            batch=self,
            medicine_id=self.medicine_id,
            quantity=quantity,
            kind=kind,
            reason=reason.strip(),
            line=line,
            by=by,
        )
        self.refresh_from_db(fields=["on_hand", "version"])
        return move
