"""Alerts, their ladders, and who was told what by which way. Nothing here knows what an alert is about."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import ClassVar
from uuid import UUID

from django.apps import apps
from django.contrib.postgres.fields import ArrayField
from django.db import models, transaction
from django.db.models import F, Q
from django.utils import timezone

from hospital.models import Person, Role
from hospital.seals import raw
from hospital.tenancy import EditableModel, TenantKey, TenantManager, TenantModel
from hospital.workflow import SYSTEM, Refused, Workflow
from realtime.alerts.reading import is_ambiguous, reads_as
from realtime.catalogue import catalogue

ACKNOWLEDGE = "realtime.acknowledge_alerts"
ADMIN = "admin"
NEVER = 9
NEW = timedelta(days=1)


class Step(models.IntegerChoices):
    PERSON = 0, "Responsible person"
    COVER = 1, "Cover"
    HEAD = 2, "Head"
    ADMIN = 3, "Administrator"


class Ladder(EditableModel):
    """After how many minutes without an answer alerts of one kind climb. Without a row for its kind, the row without a kind."""

    SHORTEST_REPEAT = timedelta(minutes=5)

    kind = models.CharField(
        max_length=60, blank=True, default="", help_text="The event. Empty: all without a ladder of their own."
    )
    cover_minutes = models.PositiveSmallIntegerField("to the cover, minutes", default=15)
    head_minutes = models.PositiveSmallIntegerField("to the head, minutes", default=30)
    admin_minutes = models.PositiveSmallIntegerField(
        "to the administrators, minutes",
        default=60,
        help_text="From then on they are told again, each time as many minutes later as they come after the head.",
    )
    mail_from = models.PositiveSmallIntegerField(
        "e-mails too",
        choices=[
            (Step.PERSON, "From the beginning"),
            (Step.COVER, "From the cover on"),
            (Step.HEAD, "From the head on"),
            (Step.ADMIN, "For administrators only"),
            (NEVER, "Never"),
        ],
        default=Step.PERSON,
    )

    class Meta(EditableModel.Meta):
        ordering = ["kind"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "kind"], name="ladder_once"),
            models.CheckConstraint(
                name="ladder_climbs",
                condition=Q(
                    cover_minutes__gte=1,
                    cover_minutes__lte=F("head_minutes"),
                    head_minutes__lte=F("admin_minutes"),
                    admin_minutes__lte=1440,
                ),
                violation_error_message="Each step comes after the one before, from 1 minute to 1,440 (a day).",
            ),
        ]

    def __str__(self) -> str:
        return self.kind or "All other alerts"

    @classmethod
    def of(cls, kind: str) -> Ladder:
        """The newest row that fits; the built-in one where the tenant has none."""
        return cls.objects.filter(kind__in=["", kind]).order_by("-kind").first() or cls()

    def after(self, step: int) -> timedelta:
        """How long after it was raised this step is due."""
        return timedelta(minutes=(0, self.cover_minutes, self.head_minutes, self.admin_minutes)[step])

    @property
    def repeat(self) -> timedelta:
        return max(self.after(Step.ADMIN) - self.after(Step.HEAD), self.SHORTEST_REPEAT)

    def due_step(self, waited: timedelta) -> Step:
        return max(step for step in Step if self.after(step) <= waited)

    def next_after(self, step: int, raised_at: datetime, now: datetime) -> datetime:
        """When it climbs from this step; from the last one: when it is told again."""
        if step < Step.ADMIN:
            return raised_at + self.after(step + 1)
        since = now - raised_at - self.after(Step.ADMIN)
        return now + self.repeat - (since % self.repeat if since > timedelta() else timedelta())


class Alerts(models.QuerySet):
    def open(self) -> Alerts:
        return self.filter(status=Alert.Status.RAISED)

    def for_role(self, role: Role) -> Alerts:
        """Those that people in this role may see: it hears them and may still, or it is the last on each ladder."""
        told = self.filter(titles__has_key=role.key)
        if role.key == ADMIN:
            return told
        return told.filter(kind__in=[event.name for event in catalogue if event.is_for(role.permissions)])


class Alert(Workflow):
    """A critical event that waits for a person. Whoever was once addressed stays so until it is settled."""

    class Status(models.TextChoices):
        RAISED = "raised", "Open"
        ACKNOWLEDGED = "acknowledged", "Acknowledged"
        SUPERSEDED = "superseded", "Superseded"

    class Done(models.TextChoices):
        ACTED = "acted", "Acted on it"
        PASSED_ON = "passed_on", "Passed it on to a colleague"
        IN_HAND = "in_hand", "It was known and in hand already"
        NOTHING = "nothing", "Nothing to do"

    MOVES = {Status.RAISED: {Status.ACKNOWLEDGED: ACKNOWLEDGE, Status.SUPERSEDED: SYSTEM}}

    kind = models.CharField(max_length=60, help_text="The event.")
    object_id = models.UUIDField()
    patient_id = models.UUIDField(null=True)
    titles = models.JSONField(help_text="What it says, by role.")
    link = models.CharField(max_length=300, blank=True, default="")
    roles = ArrayField(models.CharField(max_length=30), help_text="For whom the event is critical.")
    expected = models.CharField(max_length=200, blank=True, default="", help_text="What must be read back.")
    answers = models.ForeignKey(
        Person, null=True, on_delete=models.PROTECT, related_name="+", help_text="The responsible person."
    )
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.RAISED, editable=False)
    step = models.PositiveSmallIntegerField(choices=Step.choices, default=Step.PERSON)
    addressed = ArrayField(models.UUIDField(), default=list, help_text="The people who see it until it is settled.")
    raised_at = models.DateTimeField(default=timezone.now)
    next_at = models.DateTimeField(null=True)
    acknowledged_at = models.DateTimeField(null=True)
    acknowledged_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    acknowledged_as = models.CharField(max_length=30, blank=True, default="", help_text="The role.")
    done = models.CharField(max_length=10, choices=Done.choices, blank=True, default="")
    done_text = models.TextField(blank=True, default="")
    read_back = models.CharField(max_length=200, blank=True, default="", help_text="As it was typed.")
    closed_at = models.DateTimeField(null=True)

    objects: ClassVar = TenantManager.from_queryset(Alerts)()

    class Meta(Workflow.Meta):
        ordering = ["-raised_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "kind", "object_id"], condition=Q(status="raised"), name="alert_open_once"
            )
        ]
        indexes = [
            models.Index(fields=["tenant", "next_at"], condition=Q(status="raised"), name="alert_open"),
            models.Index(fields=["tenant", "-raised_at"], name="alert_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.raised_at:%Y-%m-%d %H:%M}"

    @property
    def is_open(self) -> bool:
        return self.status == self.Status.RAISED

    @property
    def sort(self) -> str:
        """The newest first, in a list that is sorted by text."""
        return f"{10**12 - int(self.raised_at.timestamp() * 100):013}"

    def may_be_read_by(self, role: Role) -> bool:
        """The role was told, and has not lost the permission since."""
        declared = catalogue.by_name.get(self.kind)
        return role.key in self.titles and declared is not None and declared.is_for(role.permissions)

    def title_for(self, role: Role) -> str:
        """Nothing for a role that may not read it; for administrators at least that there is one."""
        if self.may_be_read_by(role):
            return self.titles[role.key]
        return bare_title(self.kind) if role.key == ADMIN and ADMIN in self.titles else ""

    @transaction.atomic
    def acknowledge(self, *, by: Person, role: str, done: str, text: str, read_back: str = "") -> None:
        """Say what was done, and for a value, what it is: whoever cannot read it back has not read it."""
        self.lock()
        self.refuse_if_settled()
        if done not in self.Done.values:
            raise Refused("Choose what was done.", status=422, field="done")
        if len(text.strip()) < 3:
            raise Refused("Write what was done, in a few words.", status=422, field="text")
        if self.expected:
            self._refuse_unless_read(read_back)
        self.move_to(
            self.Status.ACKNOWLEDGED,
            by=by,
            acknowledged_at=timezone.now(),
            acknowledged_by=by,
            acknowledged_as=role,
            done=done,
            done_text=text.strip(),
            read_back=read_back.strip(),
            next_at=None,
        )

    def refuse_if_settled(self) -> None:
        if not self.is_open:
            raise Refused(f"This alert is settled already. {self.settled_words}")

    @raw()
    def _refuse_unless_read(self, read_back: str) -> None:
        if is_ambiguous(read_back, self.expected):
            raise Refused(
                "The comma can be read in two ways here. Type a whole number without it, or a decimal with a point.",
                status=422,
                field="read_back",
            )
        if not reads_as(read_back, self.expected):
            raise Refused(
                "This is not the value. Look at the result again and type what it says.",
                status=422,
                field="read_back",
            )

    def supersede(self) -> None:
        """A newer word about the same thing has come."""
        self.move_to(self.Status.SUPERSEDED, by=None, closed_at=timezone.now(), next_at=None)

    @property
    def settled_words(self) -> str:
        if self.acknowledged_by:
            return f"{self.acknowledged_by.name} acknowledged it at {timezone.localtime(self.acknowledged_at):%H:%M}."
        return "A newer one has taken its place."


def bare_title(kind: str) -> str:
    return f"Not acknowledged: {kind.replace(':', ' ').replace('_', ' ')}"


class Climb(TenantModel):
    """A step that an alert took: when it was due, and when it was taken. The first is taken when it is raised."""

    alert = TenantKey(Alert, related_name="climbs")
    number = models.PositiveIntegerField(help_text="From 0; counts repetitions too.")
    step = models.PositiveSmallIntegerField(choices=Step.choices)
    why = models.CharField(max_length=200)
    due_at = models.DateTimeField()
    at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["tenant", "alert", "number"], name="climb_once")]

    def __str__(self) -> str:
        return f"{self.get_step_display()} at {self.at:%H:%M}"

    @property
    def was_late(self) -> bool:
        return self.at - self.due_at > timedelta(minutes=2)


class Told(TenantModel):
    """A person was told of an alert, as what, and by which way."""

    class Channel(models.TextChoices):
        SCREEN = "screen", "On screen"
        MAIL = "mail", "By e-mail"

    climb = TenantKey(Climb, related_name="told")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    role = models.CharField(max_length=30)
    why = models.CharField(max_length=200)
    channel = models.CharField(max_length=6, choices=Channel.choices)
    at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        ordering = ["at", "person__name"]
        verbose_name = "person who was told"
        verbose_name_plural = "people who were told"
        constraints = [models.UniqueConstraint(fields=["tenant", "climb", "person", "channel"], name="told_once")]

    def __str__(self) -> str:
        return f"{self.person} {self.get_channel_display().lower()}"


class Preference(EditableModel):
    """What a person wants to hear of in one role. Critical alerts on screen are not among it."""

    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    role = models.CharField(max_length=30)
    mails = models.BooleanField("e-mails about alerts", default=True)
    quiet = ArrayField(models.CharField(max_length=60), default=list, help_text="Events that give no toast.")
    read_through = models.BigIntegerField(default=0, help_text="Notices up to this number of the log are read.")

    class Meta(EditableModel.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant", "person", "role"], name="preference_once")]

    def __str__(self) -> str:
        return f"{self.person} as {self.role}"

    @classmethod
    def of(cls, person: Person, role: str) -> Preference:
        mine = {"person": person, "role": role}
        return cls.objects.get_or_create(**mine, defaults={"read_through": cls.first_look()})[0]

    @classmethod
    def first_look(cls) -> int:
        """Who comes for the first time has missed the last day, and not the weeks before."""
        return apps.get_model("realtime", "Event").loud_before(NEW).first() or 0

    @classmethod
    def without_mails(cls, people: list[UUID]) -> set[tuple[UUID, str]]:
        """Who of them, and as what, wants no e-mails."""
        return set(cls.objects.filter(mails=False, person__in=people).values_list("person_id", "role"))


class Read(TenantModel):
    """A person has read one notice."""

    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    event = TenantKey("realtime.Event", on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField(default=timezone.now)

    class Meta(TenantModel.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant", "person", "event"], name="read_once")]

    def __str__(self) -> str:
        return f"{self.person} at {self.at:%H:%M}"
