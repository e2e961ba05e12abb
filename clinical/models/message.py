"""HL7 v2 messages of other systems: as they came, what became of each, and what a person decided about their words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db import models, transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from hospital.tenancy import EditableModel, TenantKey, TenantManager, TenantModel
from hospital.workflow import SYSTEM, Workflow, allow, needs

if TYPE_CHECKING:
    from clinical.models.patient import Patient
    from hospital.context import Acting
    from hospital.models import Person

MANAGE = "clinical.manage_messages"
WORD: dict[str, Any] = {"max_length": 255, "blank": True, "default": ""}


class Hl7Sender(EditableModel):
    """A system that sends messages, by MSH-3 and MSH-4. It is written down with its first message."""

    application = models.CharField("application (MSH-3)", **WORD)
    facility = models.CharField("facility (MSH-4)", **WORD)
    our_authority = models.CharField(
        "assigning authority of our numbers",
        **WORD,
        help_text="If it sends our own patient numbers in PID-3: the authority that it names for them.",
    )
    takes_tests = models.BooleanField(
        "apply messages marked as a test",
        default=False,
        help_text="MSH-11 is T or D. Otherwise they wait until a person applies them.",
    )
    for_application = models.CharField("receiving application (MSH-5)", **WORD, help_text="Empty: any.")
    for_facility = models.CharField("receiving facility (MSH-6)", **WORD, help_text="Empty: any.")
    is_routed = models.BooleanField(
        default=False, editable=False, help_text="A listener for several organisations brings its messages here."
    )

    class Meta(EditableModel.Meta):
        ordering = ["application", "facility"]
        verbose_name = "sender of messages"
        verbose_name_plural = "senders of messages"
        constraints = [models.UniqueConstraint(fields=["tenant", "application", "facility"], name="hl7_sender_once")]

    def __str__(self) -> str:
        return " at ".join(filter(None, (self.application, self.facility))) or "Nameless sender"


class Hl7Messages(models.QuerySet):
    def waiting(self) -> Self:
        return self.filter(status=Hl7Message.Status.WAITING)

    def seen_by(self, acting: Acting) -> Self:
        """Each role has the messages of its own work; whoever administers has all."""
        return self.filter(family__in=families_of(acting))


class Hl7Message(Workflow):
    """One message. It is stored in one transaction with its effect, or with the reason why it waits for a person."""

    class Status(models.TextChoices):
        RECEIVED = "received", "Received"
        APPLIED = "applied", "Applied"
        WAITING = "waiting", "Waiting"
        ASIDE = "aside", "Put aside"

    class Family(models.TextChoices):
        REGISTRATION = "registration", "Registration"
        RESULTS = "results", "Results"
        APPOINTMENTS = "appointments", "Appointments"
        OTHER = "other", "Other"

    class Reason(models.TextChoices):
        NONE = "", "—"
        PATIENT = "patient", "Unknown patient"
        CODE = "code", "Unknown code"
        CONFLICT = "conflict", "Conflict"
        REFUSED = "refused", "Not possible now"
        NOT_APPLIED = "not_applied", "Not applied here"
        TEST = "test", "Marked as a test"
        UNREADABLE = "unreadable", "Not readable"
        FAULT = "fault", "Fault"

    MOVES = {
        Status.RECEIVED: {Status.APPLIED: SYSTEM, Status.WAITING: SYSTEM},
        Status.WAITING: {Status.APPLIED: MANAGE, Status.ASIDE: MANAGE},
        Status.ASIDE: {Status.WAITING: MANAGE},
        Status.APPLIED: {Status.WAITING: MANAGE},
    }

    sender = TenantKey(Hl7Sender, related_name="messages", editable=False)
    control_id = models.CharField("control id", **WORD, editable=False)
    code = models.CharField("type", max_length=20, blank=True, default="", editable=False, help_text="MSH-9.1: ADT")
    trigger = models.CharField(max_length=20, blank=True, default="", editable=False, help_text="MSH-9.2: A01")
    family = models.CharField(max_length=12, choices=Family.choices, default=Family.OTHER, editable=False)
    said_at = models.DateTimeField("written", null=True, editable=False, help_text="By the sender's clock.")
    received_at = models.DateTimeField(default=timezone.now, editable=False)
    via = models.CharField(**WORD, editable=False, help_text="A file, or the address of a connection.")
    digest = models.CharField(max_length=64, editable=False)
    size = models.PositiveIntegerField(default=0, editable=False)
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.RECEIVED, editable=False)
    waits_for = models.CharField(
        "waits because of", max_length=11, choices=Reason.choices, blank=True, default="", editable=False
    )
    words = models.TextField("why", blank=True, default="", editable=False)
    effect = models.TextField(blank=True, default="", editable=False, help_text="What it did, in words.")
    asks = models.JSONField(
        default=list, blank=True, editable=False, help_text="Words of the sender that nobody has explained yet."
    )
    decided = ArrayField(
        models.CharField(max_length=20), default=list, editable=False, help_text="What a person decided about it."
    )
    patient = TenantKey("clinical.Patient", null=True, blank=True, related_name="messages", editable=False)
    traces = models.JSONField(
        default=dict, blank=True, editable=False, help_text="What it made and changed: by it a wrong patient is undone."
    )
    is_test = models.BooleanField(default=False, editable=False)
    critical = models.CharField(**WORD, editable=False, help_text="A critical value that nobody here ordered.")
    critical_value = models.CharField(**WORD, editable=False, help_text="What is read back.")
    answers = ArrayField(models.TextField(), default=list, editable=False, help_text="What the sender was told.")
    settled_at = models.DateTimeField(null=True, editable=False)
    settled_by = models.ForeignKey(
        "hospital.Person", on_delete=models.PROTECT, null=True, related_name="+", editable=False
    )

    objects: ClassVar = TenantManager.from_queryset(Hl7Messages)()

    class Meta(Workflow.Meta):
        ordering = ["-received_at", "-id"]
        verbose_name = "message"
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "sender", "control_id", "code", "trigger", "digest"], name="hl7_message_once"
            )
        ]
        indexes = [
            models.Index(fields=["tenant", "family", "status", "-received_at"], name="hl7_message_inbox"),
            models.Index(fields=["tenant", "-received_at"], name="hl7_message_by_time"),
            models.Index(fields=["tenant", "received_at"], condition=Q(status="waiting"), name="hl7_message_waiting"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.control_id}".strip()

    def get_absolute_url(self) -> str:
        return reverse("clinical:message", args=[self.pk])

    @property
    def kind(self) -> str:
        """As its sender names it: ORU^R01."""
        return "^".join(filter(None, (self.code, self.trigger))) or "no type"

    @property
    def raw(self) -> bytes:
        return bytes(self.contents.get().raw)

    @property
    def is_waiting(self) -> bool:
        return self.status == self.Status.WAITING

    @property
    def may_be_another_patients(self) -> bool:
        """A person said whose results these are, and may have been mistaken."""
        is_there = self.status in (self.Status.APPLIED, self.Status.WAITING) and self.patient_id is not None
        return self.family == self.Family.RESULTS and is_there and "chosen" in self.decided

    @property
    def may_be_undone(self) -> bool:
        """A registration, merge or appointment that left traces of what it did."""
        families = (self.Family.REGISTRATION, self.Family.APPOINTMENTS)
        did = any(rows for kind, rows in self.traces.items() if kind != "accounts")
        return self.family in families and self.status == self.Status.APPLIED and did

    @property
    def sort(self) -> str:
        """Text that sorts the newest first."""
        return f"{10**13 - int(self.received_at.timestamp() * 1000):013}"

    def apply(self, effect: str, *, by: Person | None, **fields: Any) -> None:
        """Its effect is here, in the same transaction."""
        done: dict[str, Any] = {
            "settled_at": timezone.now(),
            "settled_by": by,
            "effect": effect,
            "waits_for": "",
            "words": "",
            "asks": [],
        }
        self.move_to(self.Status.APPLIED, by=by, **done, **fields)

    @transaction.atomic
    def wait(self, waits_for: str, words: str, *, asks: list[dict[str, str]] | None = None, **fields: Any) -> None:
        """A person must decide; said again with another reason when it was tried again in vain."""
        said: dict[str, Any] = {"waits_for": waits_for, "words": words, "asks": asks or [], **fields}
        if self.status != self.Status.WAITING:
            self.move_to(self.Status.WAITING, by=None, reason=words, **said)
            return
        self.lock()
        for name, value in said.items():
            setattr(self, name, value)
        self.save(update_fields=list(said))

    def decide(self, *words: str) -> None:
        """Remembered for each time that it is tried again. The caller holds it."""
        fresh = [word for word in words if word not in self.decided]
        if fresh:
            self.decided = [*self.decided, *fresh]
            self.save(update_fields=["decided"])

    def put_aside(self, reason: str, *, by: Person | None) -> None:
        """Nothing will be done about it. It stays, and can be taken back."""
        why = needs(reason, "Say why nothing is done about this message.")[:200]
        done: dict[str, Any] = {"settled_at": timezone.now(), "settled_by": by, "effect": why}
        self.move_to(self.Status.ASIDE, by=by, reason=why, **done)

    def take_back(self, *, by: Person | None) -> None:
        self.move_to(self.Status.WAITING, by=by, settled_at=None, settled_by=None, effect="")


def families_of(acting: Acting) -> list[str]:
    """Whose work it is: the desk registers and books, the laboratory has the results."""
    return [family for family, permission in FAMILIES.items() if any(acting.may(one) for one in (permission, ALL))]


ALL = "hospital.administer"
FAMILIES: dict[str, str] = {
    Hl7Message.Family.REGISTRATION: "clinical.register_patient",
    Hl7Message.Family.RESULTS: "clinical.process_lab",
    Hl7Message.Family.APPOINTMENTS: "scheduling.book",
    Hl7Message.Family.OTHER: ALL,
}


class Hl7Content(TenantModel):
    """The bytes, as they came. A row of its own: it never changes, and lists do not read it."""

    message = TenantKey(Hl7Message, related_name="contents", editable=False)
    raw = models.BinaryField(editable=False)

    class Meta(TenantModel.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant", "message"], name="hl7_content_once")]

    def __str__(self) -> str:
        return f"Content of {self.message}"


class Hl7Word(EditableModel):
    """What a word of a sender means here: its code for one of our tests, its name of a provider, its appointment."""

    sender = TenantKey(Hl7Sender, on_delete=models.CASCADE, related_name="vocabulary")
    subject = models.CharField(max_length=20, help_text="test, provider, type, location, appointment")
    code = models.CharField(max_length=255)
    text = models.CharField(**WORD)
    target = models.UUIDField(help_text="The row that it means.")
    said_by = models.ForeignKey(
        "hospital.Person", on_delete=models.PROTECT, null=True, blank=True, related_name="+", editable=False
    )

    class Meta(EditableModel.Meta):
        ordering = ["subject", "code"]
        verbose_name = "word of a sender"
        verbose_name_plural = "words of senders"
        constraints = [
            models.UniqueConstraint(fields=["tenant", "sender", "subject", "code"], name="hl7_word_once"),
        ]

    def __str__(self) -> str:
        return f"{self.subject} {self.text or self.code}"

    @classmethod
    def meaning(cls, sender: Hl7Sender, subject: str, code: str) -> UUID | None:
        found = cls.objects.filter(sender=sender, subject=subject, code=code[:255])
        return found.values_list("target", flat=True).first()

    @classmethod
    @transaction.atomic
    def explain(
        cls, sender: Hl7Sender, subject: str, code: str, target: UUID, *, by: Person | None, text: str = ""
    ) -> None:
        """Remember it for this sender, until it is said otherwise."""
        allow(MANAGE, by)
        row = cls.objects.select_for_update(of=("self",)).filter(sender=sender, subject=subject, code=code[:255])
        known = row.first() or cls(sender=sender, subject=subject, code=code[:255])
        known.target, known.text, known.said_by = target, text[:255] or known.text, by
        known.save()


class Hl7Account(EditableModel):
    """What a sender last said about a patient: so that nothing that a person changed here since is overwritten unseen."""

    sender = TenantKey(Hl7Sender, on_delete=models.CASCADE, related_name="accounts")
    patient = TenantKey("clinical.Patient", related_name="hl7_accounts")
    said = models.JSONField(default=dict)
    received_at = models.DateTimeField(help_text="When the message that said it came.")

    class Meta(EditableModel.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant", "sender", "patient"], name="hl7_account_once")]

    def __str__(self) -> str:
        return f"{self.sender} on {self.patient}"

    @classmethod
    def of(cls, sender: Hl7Sender, patient: Patient, at: Any) -> Hl7Account:
        found = cls.objects.filter(sender=sender, patient=patient).first()
        return found or cls(sender=sender, patient=patient, received_at=at)
