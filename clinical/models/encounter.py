"""What a provider writes about a visit, until it is signed, and what may still happen to it afterwards."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Self

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import models, transaction
from django.urls import reverse
from django.utils import timezone

from clinical.models.note_template import Kind, NoteTemplate
from clinical.who_may import people_who_may
from hospital.context import current
from hospital.models import AuditEntry, Membership
from hospital.tenancy import TenantKey, TenantManager
from hospital.workflow import IllegalMove, Moves, Refused, Workflow, allow, needs

if TYPE_CHECKING:
    from uuid import UUID

    from clinical.models.encounter_parts import EncounterSection
    from clinical.models.signature import Addendum, Signature
    from clinical.models.visit import Visit
    from hospital.models import Person

WRITE, SIGN, COSIGN = "clinical.write_note", "clinical.sign_note", "clinical.cosign_note"
TIERS = (72, 48, 24)  # hours after which an unsigned note is late, later and very late


class Encounters(models.QuerySet):
    def shown(self) -> Self:
        return self.select_related("patient", "visit", "provider", "template", "cosigner")

    def unsigned(self) -> Self:
        return self.filter(status__in=Encounter.OPEN)

    def counted(self) -> Self:
        """Without what was entered in error."""
        return self.exclude(status=Encounter.Status.ENTERED_IN_ERROR)

    def to_cosign(self, person: Person) -> Self:
        return self.filter(status=Encounter.Status.SIGNED, cosigner=person)

    def forsaken(self) -> Self:
        """Signed, and waiting for a colleague who left, or may not co-sign any more."""
        asked = self.filter(status=Encounter.Status.SIGNED, cosigner__isnull=False)
        return asked.exclude(cosigner__in=people_who_may(COSIGN))

    def older_than(self, hours: int) -> Self:
        return self.filter(started_at__lte=timezone.now() - timedelta(hours=hours))

    def newly_late(self) -> Self:
        """Unsigned notes that crossed a tier of which nobody was told yet."""
        now, late = timezone.now(), models.Q()
        for hours in TIERS:
            late |= models.Q(started_at__lte=now - timedelta(hours=hours), told_tier__lt=hours)
        return self.unsigned().filter(late)


class Encounter(Workflow):
    class Status(models.TextChoices):
        DRAFT = "draft", "Draft"
        IN_PROGRESS = "in_progress", "In progress"
        READY_FOR_REVIEW = "ready_for_review", "Ready for review"
        SIGNED = "signed", "Signed"
        COSIGNED = "cosigned", "Co-signed"
        ENTERED_IN_ERROR = "entered_in_error", "Entered in error"

    MOVES: Moves = {
        Status.DRAFT: {Status.IN_PROGRESS: WRITE, Status.ENTERED_IN_ERROR: WRITE},
        Status.IN_PROGRESS: {Status.READY_FOR_REVIEW: WRITE, Status.ENTERED_IN_ERROR: WRITE},
        Status.READY_FOR_REVIEW: {Status.IN_PROGRESS: WRITE, Status.SIGNED: SIGN, Status.ENTERED_IN_ERROR: WRITE},
        Status.SIGNED: {Status.COSIGNED: COSIGN, Status.ENTERED_IN_ERROR: SIGN},
        Status.COSIGNED: {Status.ENTERED_IN_ERROR: SIGN},
    }
    OPEN = (Status.DRAFT, Status.IN_PROGRESS, Status.READY_FOR_REVIEW)

    telling: tuple[UUID, ...] = ()  # who alone hears of the save under way: words that no list shows

    visit = TenantKey("clinical.Visit", related_name="encounters", editable=False)
    patient = TenantKey("clinical.Patient", related_name="encounters", editable=False)
    provider = models.ForeignKey("hospital.Person", on_delete=models.PROTECT, related_name="+", editable=False)
    template = TenantKey(NoteTemplate, related_name="+", editable=False)
    title = models.CharField(max_length=60, default="", editable=False, help_text="As its template was called then.")
    kind = models.CharField(max_length=12, choices=Kind.choices, editable=False)
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.DRAFT, editable=False)
    started_at = models.DateTimeField(default=timezone.now, editable=False)
    signed_at = models.DateTimeField(null=True, editable=False)
    sha256 = models.CharField(max_length=64, blank=True, default="", editable=False)
    cosigner = models.ForeignKey(
        "hospital.Person", null=True, on_delete=models.PROTECT, related_name="+", editable=False
    )
    cosigned_at = models.DateTimeField(null=True, editable=False)
    error_reason = models.CharField(max_length=250, blank=True, default="", editable=False)
    error_by = models.ForeignKey(
        "hospital.Person", null=True, on_delete=models.PROTECT, related_name="+", editable=False
    )
    error_at = models.DateTimeField(null=True, editable=False)
    told_tier = models.PositiveSmallIntegerField(default=0, editable=False)

    objects: ClassVar = TenantManager.from_queryset(Encounters)()

    class Meta(Workflow.Meta):
        ordering = ["-started_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "visit", "provider"],
                condition=models.Q(status__in=("draft", "in_progress", "ready_for_review")),
                name="encounter_open_once",
            ),
            models.CheckConstraint(
                condition=~models.Q(status__in=("signed", "cosigned")) | models.Q(signed_at__isnull=False),
                name="encounter_signed_when",
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "patient", "-started_at"], name="encounter_of_patient"),
            models.Index(
                fields=["tenant", "started_at"],
                condition=models.Q(status__in=("draft", "in_progress", "ready_for_review")),
                name="encounter_unsigned",
            ),
            models.Index(
                fields=["tenant", "cosigner"], condition=models.Q(status="signed"), name="encounter_to_cosign"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.title} of {self.visit}"

    def get_absolute_url(self) -> str:
        return reverse("clinical:encounter", args=[self.pk])

    # --- what it is -----------------------------------------------------------------------

    @property
    def is_open(self) -> bool:
        return self.status in self.OPEN

    @property
    def is_signed(self) -> bool:
        """Its words are final, also where it was entered in error afterwards."""
        return self.signed_at is not None

    @property
    def is_mistaken(self) -> bool:
        return self.status == self.Status.ENTERED_IN_ERROR

    @property
    def waits_for_cosigner(self) -> bool:
        return self.status == self.Status.SIGNED and self.cosigner_id is not None

    @property
    def is_forsaken(self) -> bool:
        return self.waits_for_cosigner and Encounter.objects.forsaken().filter(pk=self.pk).exists()

    def may_be_handed_over(self, by: Person) -> bool:
        """By its author, by who was asked, and by those who lead."""
        return self.waits_for_cosigner and (by.pk in (self.provider_id, self.cosigner_id) or may_see_all(by))

    @property
    def hours(self) -> int:
        return int((timezone.now() - self.started_at).total_seconds() // 3600)

    @property
    def tier(self) -> int:
        """24, 48 or 72, once it has waited so long for its signature; else 0."""
        return next((tier for tier in TIERS if self.is_open and self.hours >= tier), 0)

    @property
    def tier_in_words(self) -> str:
        return f"Over {self.tier} h"

    # --- its life ---------------------------------------------------------------------------

    @classmethod
    @transaction.atomic
    def begin(cls, visit: Visit, template: NoteTemplate, *, by: Person) -> Encounter:
        """The provider's note for this visit. One that is open already goes on."""
        from clinical.models.encounter_parts import EncounterSection

        allow(WRITE, by)
        visit.lock()
        if open_one := cls.objects.unsigned().filter(visit=visit, provider=by).first():
            return open_one
        if visit.status == visit.Status.CANCELLED:
            raise Refused(f"{visit.number} was cancelled. There is nothing to write about.")
        note = cls(visit=visit, patient_id=visit.patient_id, provider=by, template=template, kind=template.kind)
        note.title = template.name
        note.start(by=by)
        for position, section in enumerate(template.sections.all()):
            EncounterSection.from_template(note, section, position)
        return note

    @transaction.atomic
    def write(self, texts: dict[str, str], *, by: Person) -> list[EncounterSection]:
        """Change sections, by their keys. The first words take the draft into progress."""
        self.lock_open(by)
        rows = {row.key: row for row in self.sections.filter(key__in=texts)}
        changed = [rows[key] for key, text in texts.items() if key in rows and rows[key].text != text]
        for row in changed:
            row.rewrite(texts[row.key], by=by)
        if changed:
            self.changed(by=by)
        return changed

    def changed(self, *, by: Person) -> None:
        """Something that belongs to the note was written. Called by those who hold it.

        No list shows it: only those hear of it who have the note open, and the writer's other pages.
        """
        if self.status == self.Status.DRAFT:
            self.move_to(self.Status.IN_PROGRESS, by=by)
            return
        self.telling = tuple({by.pk, *self.readers()})
        self.save(update_fields=["updated_at"])
        self.telling = ()

    def readers(self) -> list[UUID]:
        """Who has opened it, as the audit log knows, and may have it open still: no session lasts longer."""
        from clinical.as_of import SLACK, first_id

        since = timezone.now() - timedelta(seconds=settings.SESSION_COOKIE_AGE)
        lately = AuditEntry.objects.filter(patient_id=self.patient_id, id__gte=first_id(since - SLACK), at__gte=since)
        lines = lately.filter(action="view", after__page="note")
        found = lines.order_by().values_list("person_id", flat=True).distinct()
        return [person for person in found if person]

    def lock_open(self, by: Person | None) -> None:
        """Hold the note for a change; after the signature there is none."""
        allow(WRITE, by)
        self.lock()
        if not self.is_open:
            raise Refused(f"This note is {self.get_status_display().lower()}. Write an addendum to add something.")

    @transaction.atomic
    def complete(self, *, by: Person) -> None:
        self.lock()
        if self.status == self.Status.DRAFT:
            raise Refused("Nothing is written yet.", status=422)
        self.move_to(self.Status.READY_FOR_REVIEW, by=by)

    def resume(self, *, by: Person) -> None:
        self.move_to(self.Status.IN_PROGRESS, by=by)

    @transaction.atomic
    def sign(self, *, by: Person, cosigner: Person | None = None, seen: str = "") -> Signature:
        """The author's signature: from here on nothing of it changes. `seen` is the stamp of what was read before."""
        from clinical.models.encounter_parts import DiagnosisSnapshot
        from clinical.models.signature import CosignRule, Signature

        self.visit.lock()
        self.lock()
        self._check_author(by, seen)
        self._check_cosigner(cosigner, needed=CosignRule.applies_to(by))
        if self.status == self.Status.IN_PROGRESS:
            self.complete(by=by)
        self.refuse_unless(self.Status.SIGNED, SIGN, by)
        now = timezone.now()
        DiagnosisSnapshot.take(self)
        signature = Signature.of_note(self, by=by, at=now)
        self.move_to(self.Status.SIGNED, by=by, signed_at=now, sha256=signature.sha256, cosigner=cosigner)
        return signature

    def refuse_unless(self, status: str, permission: str, by: Person) -> None:
        """Before a signature is written, which the database takes only for this step."""
        allow(permission, by)
        if status not in self.MOVES.get(self.status, {}):
            raise IllegalMove(self, status)

    def _check_author(self, by: Person, seen: str) -> None:
        from clinical.models.encounter_parts import Unmerged

        if not self.is_open:
            raise IllegalMove(self, self.Status.SIGNED)
        if by.pk != self.provider_id:
            raise Refused(f"This note is {self.provider}'s. Only its author signs it.")
        if Unmerged.objects.filter(section__encounter=self, person=by).exists():
            raise Refused("You and a colleague changed the same section. Choose first what stays.")
        if seen and seen != self.stamp:
            raise Refused("Somebody changed the note, or a diagnosis, meanwhile. Read it again, then sign.")

    def _check_cosigner(self, cosigner: Person | None, *, needed: bool) -> None:
        if needed and cosigner is None:
            raise Refused("Your notes are co-signed. Choose by whom.", status=422, field="cosigner")
        if cosigner is not None and cosigner.pk == self.provider_id:
            raise Refused("Choose a colleague: nobody co-signs their own note.", status=422, field="cosigner")

    @transaction.atomic
    def cosign(self, *, by: Person) -> Signature:
        from clinical.models.signature import Meaning, Signature

        self.lock()
        self.refuse_unless(self.Status.COSIGNED, COSIGN, by)
        if self.cosigner_id is not None and self.cosigner_id != by.pk:
            raise Refused(f"This note waits for {self.cosigner}.")
        if by.pk == self.provider_id:
            raise Refused("Nobody co-signs their own note.")
        now = timezone.now()
        signature = Signature.of_seal(self, meaning=Meaning.COSIGNER, by=by, at=now)
        self.move_to(self.Status.COSIGNED, by=by, cosigned_at=now, cosigner=by)
        return signature

    @transaction.atomic
    def hand_over(self, cosigner: Person, reason: str, *, by: Person) -> None:
        """Somebody else is asked to co-sign: who was asked before has left, or is away."""
        self.lock()
        if not self.waits_for_cosigner:
            raise Refused("This note does not wait for a co-signer.")
        if not self.may_be_handed_over(by):
            raise PermissionDenied("Its author, who was asked, or somebody who leads hands a note over.")
        self._check_cosigner(cosigner, needed=True)
        if not people_who_may(COSIGN).filter(pk=cosigner.pk).exists():
            raise Refused(f"{cosigner} does not co-sign here.", status=422, field="cosigner")
        why = needs(reason, "Say why somebody else co-signs.")[:200]
        detail = {"from": str(self.cosigner_id), "to": str(cosigner.pk), "reason": why}
        where: dict[str, Any] = {"table": self._meta.db_table, "row_id": self.pk, "patient_id": self.patient_id}
        AuditEntry.note("handed over", **where, detail=detail)
        self.cosigner = cosigner
        self.save(update_fields=["cosigner"])

    @transaction.atomic
    def review(self, *, by: Person) -> Signature:
        """A colleague has read the signed note, and says so."""
        from clinical.models.signature import Meaning, Signature

        allow(COSIGN, by)
        self.lock()
        if self.status not in (self.Status.SIGNED, self.Status.COSIGNED) or by.pk == self.provider_id:
            raise Refused("A colleague's signed note can be reviewed.")
        if self.signatures.filter(signer=by, meaning=Meaning.REVIEWER).exists():
            raise Refused("You have signed this note as its reviewer already.")
        signature = Signature.of_seal(self, meaning=Meaning.REVIEWER, by=by, at=timezone.now())
        self.save(update_fields=["updated_at"])
        return signature

    @transaction.atomic
    def add(self, text: str, *, by: Person) -> Addendum:
        """Later words, with a number and a signature of their own."""
        from clinical.models.signature import Addendum

        allow(SIGN, by)
        self.lock()
        if not self.is_signed or self.is_mistaken:
            raise Refused("Only a signed note has addenda. This one can still be changed.")
        addendum = Addendum.put(self, needs(text, "Write what is to be added.", "text"), by=by)
        self.save(update_fields=["updated_at"])
        return addendum

    @transaction.atomic
    def enter_in_error(self, reason: str, *, by: Person) -> None:
        """It stays readable, struck through, and counts no more."""
        self.lock()
        if by.pk != self.provider_id:
            allow("hospital.administer", by)
        why = needs(reason, "Say what is wrong with it.")[:250]
        self.move_to(
            self.Status.ENTERED_IN_ERROR, by=by, reason=why, error_reason=why, error_by=by, error_at=timezone.now()
        )

    @transaction.atomic
    def notice_age(self) -> bool:
        """Tell the provider, once for each tier, that the signature is missing."""
        self.lock()
        if self.tier <= self.told_tier:
            return False
        self.told_tier = self.tier
        self.save(update_fields=["told_tier"])
        return True

    # --- what is read ---------------------------------------------------------------------------

    @property
    def stamp(self) -> str:
        """Another one whenever anything changes that a signature covers."""
        standing = models.Q(withdrawn_at=None)
        counted = self.visit.diagnoses.aggregate(
            all=models.Count("pk"),
            rows=models.Count("pk", filter=standing),
            versions=models.Sum("version", filter=standing),
        )
        return f"{self.version}-{counted['all']}-{counted['rows']}-{counted['versions'] or 0}"

    def diagnoses(self) -> Any:
        """After the signature as they were then; before, those of the visit."""
        return self.diagnosis_snapshots.all() if self.is_signed else self.visit.diagnoses.standing()


def may_see_all(person: Person) -> bool:
    """Who leads, and who administers, looks after everybody's notes."""
    leads = Membership.objects.filter(person=person, is_active=True, is_head=True)
    return current().may("hospital.administer") or leads.exists()
