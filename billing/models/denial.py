"""What a payer refused to pay, until somebody has it paid, leaves it to the patient, or writes it off."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models, transaction
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils import timezone

from billing.appeal_words import refuse_unknown
from billing.models.claim import SETTLE, WRITE_OFF, Claim
from billing.models.payer_move import ENDS, PayerMove
from billing.money import ZERO, spoken
from billing.x12.codes import Category, Reason, reason
from clinical import days
from hospital.seals import raw
from hospital.tenancy import EditableModel, TenantKey, TenantManager
from hospital.workflow import SYSTEM, Refused, Workflow, allow, needs

if TYPE_CHECKING:
    from uuid import UUID

    from hospital.models import Person

CATEGORIES = [(str(one.value), one.label) for one in Category]
S = Claim.Status
KEPT_OUT = "The payer says that the patient does not owe it (CO). Appeal it, correct the claim, or write it off."
NOTHING_MOVES = "Nothing was due from the payer: what the patient paid or owes stays as it is."
SOON = 14  # days before the last day of an appeal


@dataclass(frozen=True)
class Parts:
    """Of a denial, by charge: what the patient could owe, and what nobody but us bears."""

    patients: Mapping[UUID, Decimal]
    ours: Mapping[UUID, Decimal]

    @property
    def of_the_patient(self) -> Decimal:
        return sum(self.patients.values(), ZERO)

    @property
    def of_us(self) -> Decimal:
        return sum(self.ours.values(), ZERO)


class Denials(models.QuerySet):
    def shown(self) -> Self:
        return self.select_related("claim__patient", "claim__payer", "assigned_to", "heard__remittance")

    def open(self) -> Self:
        return self.filter(status__in=Denial.OPEN)

    def with_rest(self) -> Self:
        """Adds `still_due`: what the payer of the claim has not settled."""
        signed = models.Case(models.When(kind__in=ENDS, then=-models.F("amount")), default=models.F("amount"))
        moves = PayerMove.objects.filter(claim=models.OuterRef("claim")).order_by().values("claim")
        rest = models.Subquery(moves.annotate(rest=models.Sum(signed)).values("rest"))
        return self.annotate(still_due=Coalesce(rest, ZERO, output_field=models.DecimalField()))

    def at_risk(self) -> Decimal:
        """What is refused and not settled."""
        return self.with_rest().aggregate(sum=models.Sum("still_due", default=ZERO))["sum"]

    def by_deadline(self) -> Self:
        """Those without a last day come last."""
        return self.order_by(models.F("deadline").asc(nulls_last=True), "-amount", "pk")


class Denial(Workflow):
    """One refusal of one claim. The money stays due from the payer until a person decides."""

    class Status(models.TextChoices):
        TO_DO = "to_do", "To do"
        APPEALED = "appealed", "Appealed"
        RECOVERED = "recovered", "Paid after all"
        TRANSFERRED = "transferred", "Left to the patient"
        WRITTEN_OFF = "written_off", "Written off"
        TAKEN_BACK = "taken_back", "Taken back by the payer"

    ENDS: dict[str, str] = {
        Status.TRANSFERRED: SETTLE,
        Status.WRITTEN_OFF: WRITE_OFF,
        Status.RECOVERED: SYSTEM,
        Status.TAKEN_BACK: SYSTEM,
    }
    MOVES = {
        Status.TO_DO: {Status.APPEALED: SETTLE, **ENDS},
        Status.APPEALED: {Status.TO_DO: SETTLE, Status.APPEALED: SETTLE, **ENDS},
        # Another payer had paid it, and takes that back.
        Status.RECOVERED: {Status.TO_DO: SYSTEM},
    }
    OPEN = (Status.TO_DO, Status.APPEALED)
    in_the_clear: ClassVar = ("category",)

    claim = TenantKey("billing.Claim", related_name="denials", editable=False)
    heard = TenantKey("billing.RemittanceClaim", related_name="denials", editable=False)
    status = models.CharField(max_length=11, choices=Status.choices, default=Status.TO_DO, editable=False)
    category = models.CharField(max_length=22, choices=CATEGORIES, editable=False)
    codes = ArrayField(models.CharField(max_length=8), default=list, editable=False)
    amount = models.DecimalField(max_digits=12, decimal_places=2, editable=False)
    recovered = models.DecimalField(max_digits=12, decimal_places=2, default=ZERO, editable=False)
    denied_on = models.DateField(editable=False)
    deadline = models.DateField("last day of the appeal", null=True, editable=False)
    level = models.PositiveSmallIntegerField("appeals so far", default=0, editable=False)
    assigned_to = models.ForeignKey("hospital.Person", on_delete=models.PROTECT, null=True, related_name="+")
    closed_at = models.DateTimeField(null=True, editable=False)
    closed_by = models.ForeignKey(
        "hospital.Person", on_delete=models.PROTECT, null=True, related_name="+", editable=False
    )
    reason = models.CharField(max_length=200, blank=True, default="", editable=False)

    objects: ClassVar = TenantManager.from_queryset(Denials)()

    class Meta(Workflow.Meta):
        ordering = ["-denied_on", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "heard"], name="denial_once"),
            models.CheckConstraint(condition=models.Q(amount__gt=0), name="denial_is_positive"),
            models.CheckConstraint(
                condition=models.Q(recovered__gte=0, recovered__lte=models.F("amount")), name="denial_recovers_its_own"
            ),
        ]
        indexes = [models.Index(fields=["tenant", "status", "deadline"], name="denial_worklist")]

    def __str__(self) -> str:
        return f"{self.claim}: {self.get_category_display().lower()}"

    def get_absolute_url(self) -> str:
        return reverse("billing:denial", args=[self.pk])

    @property
    def is_open(self) -> bool:
        return self.status in self.OPEN

    @property
    def in_words(self) -> str:
        return self.get_status_display().lower()

    @property
    def spoken_amount(self) -> str:
        """Of the newest refusal: less than the first one, if something was paid meanwhile."""
        return spoken(self.rest or (self.amount - self.recovered if self.is_open else ZERO))

    @property
    def reasons(self) -> list[Reason]:
        return [reason(code) for code in self.codes]

    @property
    def days_left(self) -> int | None:
        return (self.deadline - days.today()).days if self.deadline and self.is_open else None

    @property
    def is_urgent(self) -> bool:
        left = self.days_left
        return left is not None and left <= SOON

    @property
    def rest(self) -> Decimal:
        """What is still due from the payer of this claim."""
        return PayerMove.objects.filter(claim=self.claim_id).rest()

    @property
    def is_in_advance(self) -> bool:
        """Nothing is due from the payer: what it refused is the patient's, who had paid it before, or owes it."""
        return self.is_open and not self.rest

    @cached_property
    def is_borne_by_us(self) -> bool:
        return self._is_borne_by_us()

    @raw()
    def _is_borne_by_us(self) -> bool:
        from billing.denying import is_borne_by_us

        return is_borne_by_us(self)

    @cached_property
    def parts(self) -> Parts:
        """For the page, and for the verbs, which look again under their lock."""
        return self._parts()

    @raw()
    def _parts(self) -> Parts:
        """Of what is refused and due still: what nobody but us bears by the payer's word (CO), and what the patient could owe."""
        from billing.denying import parts_of

        found = list(parts_of(self))
        return Parts(
            patients={charge: sum_ for charge, _, sum_ in found if sum_ > 0},
            ours={charge: sum_ for charge, sum_, _ in found if sum_ > 0},
        )

    @property
    def may_end(self) -> bool:
        """Its claim is where a refusal is settled: not under correction, or with the payer again."""
        return self.Status.WRITTEN_OFF in self.claim.MOVES.get(self.claim.status, {})

    # --- verbs -----------------------------------------------------------------------------------

    def lock(self) -> None:
        """After its claim, as everywhere."""
        self.claim.lock()
        super().lock()

    @transaction.atomic
    def assign(self, person: Person | None, *, by: Person | None) -> None:
        allow(SETTLE, by)
        self.lock()
        self._refuse_closed()
        self.assigned_to = person
        self.save(update_fields=["assigned_to"])

    @transaction.atomic
    def transfer(self, reason: str, *, by: Person | None) -> None:
        """The patient is asked for it from now on: a person's decision, with a reason. What a contract forbids never is."""
        why = needs(reason, "Say why the patient owes it.")
        parts = self._settled(SETTLE, by)
        if self.is_in_advance:
            if self._is_borne_by_us():
                raise Refused(KEPT_OUT)
        elif not parts.patients:
            raise Refused(KEPT_OUT if parts.ours else "Nothing that the patient could owe is due any more.")
        self._end(self.Status.TRANSFERRED, PayerMove.Kind.TO_PATIENT, why, by, of=parts.patients, stays=parts.of_us)

    @transaction.atomic
    def write_off_contract(self, reason: str, *, by: Person | None) -> None:
        """What the patient does not owe by the payer's word (CO) is asked of nobody; the rest of the denial stays."""
        why = needs(reason, "Say why it is written off.")
        parts = self._settled(WRITE_OFF, by)
        if not parts.ours:
            raise Refused("Nothing of it is refused under the group CO, and due still.")
        self._end(self.Status.WRITTEN_OFF, PayerMove.Kind.GIVEN_UP, why, by, of=parts.ours, stays=parts.of_the_patient)

    @transaction.atomic
    def write_off(self, reason: str, *, by: Person | None) -> None:
        """Nobody pays any of it."""
        why = needs(reason, "Say why it is written off.")
        self._settled(WRITE_OFF, by)
        self._end(self.Status.WRITTEN_OFF, PayerMove.Kind.GIVEN_UP, why, by)

    def _settled(self, permission: str, by: Person | None) -> Parts:
        """Held, and open where its claim can be settled."""
        allow(permission, by)
        self.lock()
        self._refuse_closed()
        if not self.may_end:
            raise Refused(f"{self.claim} is {self.claim.in_words}: its denial is not settled now.")
        return self._parts()

    @transaction.atomic
    def put(self, **fields: Any) -> None:
        for name, value in fields.items():
            setattr(self, name, value)
        self.save(update_fields=list(fields))

    @transaction.atomic
    def close(self, status: str, *, recovered: Decimal = ZERO) -> None:
        """A later remittance settled it."""
        self.move_to(status, by=None, closed_at=timezone.now(), recovered=recovered)

    def _end(
        self,
        status: str,
        kind: str,
        why: str,
        by: Person | None,
        *,
        of: Mapping[UUID, Decimal] | None = None,
        stays: Decimal = ZERO,
    ) -> None:
        """Where something that was refused `stays` to be settled, the denial stays open."""
        from billing.posting import move_rest

        self.put(reason=why[:200])
        if not stays:
            self.move_to(status, by=by, reason=why, closed_at=timezone.now(), closed_by=by)
        moved = move_rest(self.claim, kind, why[:200], by=by, of=of)
        if not moved:
            self.claim.go(status, by=by, words=f"{why} {NOTHING_MOVES}")
        elif stays:
            label = self.Status(status).label.lower()
            self.claim.tell(f"{spoken(moved)} {label}: {why} {spoken(stays)} of the denial stays open.", by=by)
        else:
            self._tell_claim(status, why, by)

    def _tell_claim(self, status: str, why: str, by: Person | None) -> None:
        """What the payer has not answered stays with it."""
        claim, rest = self.claim, self.rest
        words = f"{why} {spoken(rest)} stays due from the payer."
        if not rest:
            claim.go(status, by=by, words=why)
        elif claim.status == S.IN_PROCESS:
            claim.tell(words, by=by)
        else:
            claim.go(S.IN_PROCESS, by=None, words=words)

    def _refuse_closed(self) -> None:
        if not self.is_open:
            raise Refused(f"This denial is settled: {self.get_status_display().lower()}.")


class Appeal(EditableModel):
    """One letter to the payer at one of its levels, and what came of it."""

    class Outcome(models.TextChoices):
        WAITING = "waiting", "No answer yet"
        WON = "won", "Granted"
        LOST = "lost", "Refused"

    denial = TenantKey(Denial, related_name="appeals", editable=False)
    level = models.PositiveSmallIntegerField(editable=False)
    name = models.CharField("level", max_length=80, editable=False)
    subject = models.CharField(max_length=120)
    body = models.TextField("text")
    sent_at = models.DateTimeField(default=timezone.now, editable=False)
    sent_by = models.ForeignKey(
        "hospital.Person", on_delete=models.PROTECT, null=True, related_name="+", editable=False
    )
    outcome = models.CharField(max_length=7, choices=Outcome.choices, default=Outcome.WAITING, editable=False)
    decided_on = models.DateField(null=True, editable=False)
    note = models.CharField(max_length=200, blank=True, default="", editable=False)

    class Meta(EditableModel.Meta):
        ordering = ["level"]
        constraints = [models.UniqueConstraint(fields=["tenant", "denial", "level"], name="appeal_once_a_level")]

    def __str__(self) -> str:
        return f"{self.level}. {self.name}"

    def get_absolute_url(self) -> str:
        return reverse("billing:appeal_letter", args=[self.pk])

    @classmethod
    @transaction.atomic
    def send(cls, denial: Denial, subject: str, body: str, *, by: Person | None) -> Appeal:
        """The letter as it goes out, at the payer's next level."""
        text = needs(body, "A letter has a text.", field="body")
        about = needs(subject, "A letter has a subject.", field="subject")
        denial.lock()
        level = next_level(denial)
        if level is None:
            raise Refused(
                f"{denial.claim.payer.name} has no further level of appeal. Leave it to the patient, or write it off."
            )
        denial.move_to(Denial.Status.APPEALED, by=by, level=level.level)
        denial.claim.go(denial.claim.Status.APPEALED, by=by, words=f"{level.name}: {about}")
        return cls.objects.create(
            denial=denial, level=level.level, name=level.name, subject=about[:120], body=text, sent_by=by
        )

    @transaction.atomic
    def decide(self, outcome: str, decided_on: date, note: str, *, by: Person | None) -> None:
        """The payer's answer. Money comes with a remittance; a refusal can go to the next level."""
        allow(SETTLE, by)
        denial = self.denial
        denial.lock()
        self.lock()
        if self.outcome != self.Outcome.WAITING:
            raise Refused(f"It is answered already: {self.get_outcome_display().lower()}.")
        if decided_on < timezone.localtime(self.sent_at).date() or decided_on > days.today():
            raise Refused("The answer came after the letter, and not later than today.", status=422, field="decided_on")
        self.outcome, self.decided_on, self.note = self.Outcome(outcome), decided_on, note.strip()[:200]
        self.save(update_fields=["outcome", "decided_on", "note"])
        if self.outcome == self.Outcome.LOST:
            denial.move_to(Denial.Status.TO_DO, by=by, deadline=deadline_after(denial, decided_on))
            paid = denial.claim.moves.sums()[PayerMove.Kind.PAID] > 0
            self._tell(S.PARTIALLY_PAID if paid else S.DENIED, "refused")
        else:
            self._tell(S.IN_PROCESS, "granted")

    def _tell(self, status: str, words: str) -> None:
        """The claim goes along from its appeal. Where a remittance was quicker, it stays where that brought it."""
        claim = self.denial.claim
        if claim.status == S.APPEALED:
            claim.go(status, by=None, words=f"{self.name}: {words}")
        else:
            claim.tell(f"{self.name}: {words}", by=None)


def next_level(denial: Denial):
    return denial.claim.payer.appeal_levels.filter(level__gt=denial.level).order_by("level").first()


def deadline_after(denial: Denial, decided_on: date) -> date | None:
    level = next_level(denial)
    return decided_on + timedelta(days=level.days) if level else None


class AppealLetter(EditableModel):
    """A letter to a payer as the house writes it. `{claim}` and the like are filled in: see billing/appeal_words.py."""

    name = models.CharField(max_length=80)
    category = models.CharField(
        max_length=22, choices=CATEGORIES, blank=True, default="", help_text="Offered first for this kind of denial."
    )
    subject = models.CharField(max_length=120, validators=[refuse_unknown])
    text = models.TextField(max_length=6000, validators=[refuse_unknown])
    is_active = models.BooleanField("in use", default=True)

    class Meta(EditableModel.Meta):
        ordering = ["name"]
        verbose_name = "letter of appeal"
        verbose_name_plural = "letters of appeal"
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "name"],
                name="appeal_letter_once",
                violation_error_message="There is a letter with this name already.",
            )
        ]

    def __str__(self) -> str:
        return self.name
