"""Files about patients: typed by their bytes, hashed, scanned, kept where no address leads."""

from __future__ import annotations

import hmac
import logging
import secrets
from contextlib import suppress
from datetime import timedelta
from threading import Thread
from typing import TYPE_CHECKING, Any, ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.files import File
from django.db import models, transaction
from django.urls import reverse
from django.utils import timezone

from clinical import filetypes, quota, scanner, traces
from clinical.filing import clean_name, digest, forget, keep
from hospital.context import current
from hospital.models import AuditEntry
from hospital.seals import truth
from hospital.tenancy import TenantKey, TenantManager
from hospital.workflow import SYSTEM, Refused, Workflow, allow, needs

if TYPE_CHECKING:
    from uuid import UUID

    from clinical.models import LabOrder, Patient, Visit
    from hospital.context import Acting
    from hospital.models import Person, Role

log = logging.getLogger(__name__)
VIEW, UPLOAD, REASSIGN = "clinical.view_document", "clinical.upload_document", "clinical.reassign_document"
LABORATORY = "clinical.process_lab"
DOCTORS = "clinical.examine"  # who holds it is a doctor
BY_BROWSERS = {kind.mime for kind in (filetypes.PDF, filetypes.PNG, filetypes.JPEG, filetypes.GIF, filetypes.WEBP)}
PREVIEWED = BY_BROWSERS | {filetypes.TIFF.mime}
PREVIEW_OF_TEXT = 16 * 1024
NEVER = 10**13  # milliseconds: the year 2286


def random_key(document: Document, name: str) -> str:
    """Nothing of the original name, which may be anything, reaches the storage."""
    return f"{document.tenant_id}/{secrets.token_hex(1)}/{secrets.token_hex(24)}"


class Documents(models.QuerySet):
    def waiting(self) -> Documents:
        return self.filter(status=Document.Status.UPLOADED)

    def filed(self) -> Documents:
        return self.filter(status=Document.Status.FILED)

    def seen_by(self, acting: Acting) -> Documents:
        """Those that are for this person; who may not open documents sees only that the own ones arrived."""
        mine = models.Q(uploaded_by=acting.person) if acting.person else models.Q(pk=None)
        out = self if acting.may(LABORATORY) else self.out()
        if not acting.may(VIEW):
            return out.filter(mine)
        for_me = models.Q(for_whom=Document.ForWhom.EVERYBODY) | mine
        if acting.may(DOCTORS):
            for_me |= models.Q(for_whom=Document.ForWhom.DOCTORS)
        return out.filter(for_me | models.Q(for_person=acting.person) if acting.person else for_me)

    def out(self) -> Documents:
        """Without files of tests that are not released: they are values, and nobody outside the laboratory sees them before."""
        from clinical.models.lab_correction import released_results
        from clinical.models.lab_result import LabResult
        from clinical.models.laboratory import LabOrder

        of_this = {"document": models.OuterRef("pk")}
        is_value = models.Exists(LabResult.objects.filter(**of_this))
        is_shown = models.Exists(released_results().filter(**of_this))
        is_over = models.Q(lab_order=None) | ~models.Q(lab_order__status__in=LabOrder.OPEN)
        return self.filter(is_over & (~is_value | is_shown))

    def newest(self) -> Documents:
        """Without the former versions."""
        return self.filter(is_latest=True)

    def containing(self, text: str) -> Documents:
        """Each word somewhere in the title or in a tag."""
        found = self
        for word in text.split()[:8]:
            tagged = models.Q(pk__in=found.filter(tags__icontains=word).values("pk"))
            found = found.filter(models.Q(title__icontains=word) | tagged)
        return found


class Document(Workflow):
    class Category(models.TextChoices):
        LAB_REPORT = "lab_report", "Laboratory report"
        IMAGING = "imaging", "Imaging"
        REFERRAL = "referral", "Referral or letter"
        CONSENT = "consent", "Consent"
        IDENTITY = "identity", "Identity or insurance"
        PHOTO = "photo", "Photo"
        OTHER = "other", "Other"

    class ForWhom(models.TextChoices):
        EVERYBODY = "everybody", "Everybody who may open documents"
        DOCTORS = "doctors", "Doctors only"
        PERSON = "person", "One person"

    class Status(models.TextChoices):
        UPLOADED = "uploaded", "Being checked"
        FILED = "filed", "Filed"
        REJECTED = "rejected", "Rejected"

    MOVES = {
        Status.UPLOADED: {Status.FILED: SYSTEM, Status.REJECTED: SYSTEM},
        Status.FILED: {Status.REJECTED: SYSTEM},
    }

    patient = TenantKey("clinical.Patient", related_name="documents")
    visit = TenantKey("clinical.Visit", null=True, blank=True, related_name="documents")
    lab_order = TenantKey("clinical.LabOrder", null=True, blank=True, related_name="documents")
    title = models.CharField(max_length=200)
    category = models.CharField(max_length=12, choices=Category.choices, default=Category.OTHER)
    name = models.CharField(max_length=255, editable=False, help_text="As it was called where it came from.")
    file = models.FileField(upload_to=random_key, max_length=200, blank=True, editable=False)
    content_type = models.CharField(max_length=100, editable=False, help_text="By its bytes, not by its name.")
    size = models.PositiveBigIntegerField(editable=False)
    sha256 = models.CharField(max_length=64, editable=False)
    source_sha256 = models.CharField(max_length=64, blank=True, default="", editable=False, help_text="As it came.")
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.UPLOADED, editable=False)
    scanned_at = models.DateTimeField(null=True, editable=False)
    scan_result = models.CharField(max_length=200, blank=True, default="", editable=False)
    uploaded_by = models.ForeignKey(
        "hospital.Person", on_delete=models.PROTECT, null=True, related_name="+", editable=False
    )
    uploaded_at = models.DateTimeField(auto_now_add=True)
    fhir_id = models.CharField(max_length=255, blank=True, default="", editable=False)
    tags = ArrayField(models.CharField(max_length=30), default=list, blank=True)
    for_whom = models.CharField(max_length=9, choices=ForWhom.choices, default=ForWhom.EVERYBODY)
    for_person = models.ForeignKey(
        "hospital.Person", on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name="person"
    )
    former = TenantKey("self", null=True, editable=False, related_name="later", help_text="What it takes the place of.")
    number = models.PositiveSmallIntegerField("version", default=1, editable=False)
    is_latest = models.BooleanField(default=True, editable=False)
    damaged_at = models.DateTimeField(null=True, editable=False)

    objects: ClassVar = TenantManager.from_queryset(Documents)()

    class Meta(Workflow.Meta):
        ordering = ["-uploaded_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "fhir_id"], condition=~models.Q(fhir_id=""), name="document_fhir_id_once"
            ),
            models.UniqueConstraint(
                fields=["tenant", "former"], condition=models.Q(former__isnull=False), name="document_one_successor"
            ),
            models.CheckConstraint(
                name="document_for_one_person",
                condition=models.Q(for_whom="person", for_person__isnull=False)
                | (~models.Q(for_whom="person") & models.Q(for_person=None)),
                violation_error_message="Choose the person whom it is for.",
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "patient", "-uploaded_at"], name="document_of_patient"),
            models.Index(fields=["tenant", "-uploaded_at"], include=["uploaded_by", "size"], name="document_newest"),
            models.Index(
                fields=["tenant", "uploaded_at"], condition=models.Q(status="uploaded"), name="document_waiting"
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def is_filed(self) -> bool:
        return self.status == self.Status.FILED

    def is_for_role(self, role: Role) -> bool:
        if self.for_whom == self.ForWhom.DOCTORS and DOCTORS not in role.permissions:
            return False
        return LABORATORY in role.permissions or Document.objects.filter(pk=self.pk).out().exists()

    def only_for(self) -> list[UUID]:
        """The people who hear of it; all that may, where nobody is named."""
        if self.for_whom != self.ForWhom.PERSON:
            return []
        return [one for one in (self.for_person_id, self.uploaded_by_id) if one]

    @property
    def has_preview(self) -> bool:
        """What every browser shows by itself, and a TIFF as a picture of its first page."""
        return self.is_filed and self.content_type in PREVIEWED

    @property
    def is_picture(self) -> bool:
        return self.content_type.startswith("image/")

    def first_words(self) -> str:
        """The beginning of a text or a table."""
        with self.open() as stored:
            return stored.read(PREVIEW_OF_TEXT).decode("utf-8-sig", "ignore")

    def get_absolute_url(self) -> str:
        return reverse("clinical:document", args=[self.pk])

    @property
    def kind(self) -> str:
        """The word for the type: "PDF", "JPEG picture"."""
        return filetypes.word_for(self.content_type)

    @property
    def icon(self) -> str:
        if self.content_type.startswith("image/") or self.content_type == filetypes.DICOM.mime:
            return "photo"
        return "table" if self.content_type == filetypes.CSV.mime else "file-text"

    @property
    def sort(self) -> str:
        """Text that sorts the newest first."""
        return f"{NEVER - int(self.uploaded_at.timestamp() * 1000):013}"

    @classmethod
    def is_on_file(cls, patient: Patient, file: File) -> bool:
        """The same bytes about the same patient, not longer ago than a day, where whoever sends them can see them."""
        lately, mine = timezone.now() - timedelta(days=1), cls.objects.seen_by(current())
        return (
            mine.filter(patient=patient, source_sha256=digest(file), uploaded_at__gt=lately)
            .exclude(status=cls.Status.REJECTED)
            .exists()
        )

    @classmethod
    @transaction.atomic
    def upload(
        cls,
        file: File,
        *,
        patient: Patient,
        by: Person | None,
        visit: Visit | None = None,
        lab_order: LabOrder | None = None,
        title: str = "",
        category: str = Category.OTHER,
        former: Document | None = None,
        **about: Any,
    ) -> Document:
        """Check the bytes, keep them under a random key, and file the document, or let the scanner see it first."""
        name = clean_name(file.name or "")
        if file.size > settings.UPLOAD_LIMIT:
            raise filetypes.refusal(name, f"is larger than {settings.UPLOAD_LIMIT // 1024**2} MB")
        quota.refuse_over(by, file.size)
        document = cls(patient=patient, visit=visit, lab_order=lab_order, category=category, name=name, uploaded_by=by)
        for field, value in about.items():
            setattr(document, field, value)
        kind = filetypes.recognise(file, name)
        document.source_sha256 = digest(file)
        file = traces.without_traces(file, kind)
        document.content_type = kind.mime
        if former is not None:
            document._follow(former)
        document.title = title.strip() or name.rpartition(".")[0] or name
        document.size, document.sha256 = file.size, digest(file)
        document.tenant = current().tenant
        document.file = keep(file, random_key(document, name))
        document.start(by=by)
        if settings.CLAMD_SOCKET:
            transaction.on_commit(document._queue_scan, robust=True)
        else:
            document.scan()
        return document

    @transaction.atomic
    def scan(self) -> None:
        """File it, or reject it and throw the bytes away. Without a scanner, the check of the type is all there is."""
        self.lock()
        if self.status != self.Status.UPLOADED:
            return
        if not settings.CLAMD_SOCKET:
            self.move_to(self.Status.FILED, by=None, scan_result="not scanned")
            return
        with self.file.storage.open(str(self.file.name)) as content:
            verdict = scanner.ask(content)
        seen: dict[str, Any] = {"scanned_at": timezone.now(), "scan_result": verdict.words[:200]}
        if verdict.is_clean:
            self.move_to(self.Status.FILED, by=None, **seen)
            return
        self._reject(verdict.words, **seen)

    @transaction.atomic
    def take_back(self, why: str) -> None:
        """What a message brought to the wrong patient. The message keeps the bytes, and brings them again to the right one."""
        self.lock()
        self._reject(why, scan_result=why[:200])

    def _reject(self, why: str, **fields: Any) -> None:
        key = str(self.file.name)
        self.move_to(self.Status.REJECTED, by=None, reason=why, file="", **fields)
        transaction.on_commit(lambda: forget(key))

    def _follow(self, former: Document) -> None:
        """The newest version of a document is the one that people find; the former ones stay behind it."""
        former.lock()
        if not former.is_latest:
            raise Refused("There is a newer version already. Open that one, and add yours there.")
        if former.lab_results.exists():
            raise Refused("It is the result of a test. Correct the test instead.")
        self.former, self.number = former, former.number + 1
        former.is_latest = False
        former.save(update_fields=["is_latest"])

    @transaction.atomic
    def change(self, *, by: Person | None, **fields: Any) -> None:
        """Title, category, tags, whom it is for."""
        allow(UPLOAD, by)
        self.lock()
        for name, value in fields.items():
            setattr(self, name, value)
        self.save(update_fields=list(fields))

    @transaction.atomic
    def reassign(self, patient: Patient, reason: str, *, by: Person | None) -> None:
        """It was filed with the wrong patient: with all its versions it goes to the right one."""
        allow(REASSIGN, by)
        reason = needs(reason, "Write why it belongs to the other patient.")
        versions = list(self.versions.select_for_update(of=("self",), no_key=True))
        if patient.pk == self.patient_id:
            raise Refused("It is filed with this patient already.", status=422, field="patient")
        if any(one.lab_order_id or one.lab_results.exists() for one in versions):
            raise Refused("It is the result of a test. Correct the test instead.")
        for one in versions:
            one._note("reassigned", patient=str(patient.pk), reason=reason)
            one.patient, one.visit = patient, None
            one.save(update_fields=["patient", "visit"])

    @property
    def versions(self) -> Documents:
        """All of them, the newest first."""
        known = {self.pk}
        while (
            more := set(
                Document.objects.filter(models.Q(former__in=known) | models.Q(later__in=known)).values_list(
                    "pk", flat=True
                )
            )
            - known
        ):
            known |= more
        return Document.objects.filter(pk__in=known).order_by("-number")

    def open(self) -> File:
        """The file at its beginning, its bytes as they were when they came. One that changed since then is never given out."""
        if self.status == self.Status.UPLOADED:
            raise Refused(f"“{self.title}” is still being checked for viruses. Try again in a minute.")
        if self.status == self.Status.REJECTED:
            raise Refused(f"“{self.title}” was rejected: {self.scan_result}. Its contents were not kept.", status=410)
        with suppress(FileNotFoundError):
            stored = self.file.storage.open(str(self.file.name))
            if hmac.compare_digest(digest(stored), self.sha256):
                self._note("download")
                return stored
            stored.close()
        self._note("damaged")
        self._sound_the_alarm()
        raise Refused(
            f"“{self.title}” was damaged in storage and cannot be opened. The administrator can see this in the audit log."
        )

    def read(self) -> bytes:
        with self.open() as stored:
            return stored.read()

    def _sound_the_alarm(self) -> None:
        log.error("document %s is not what was stored", self.pk)
        if self.damaged_at is None:
            self.damaged_at = timezone.now()
            self.save(update_fields=["damaged_at"])

    def _queue_scan(self) -> None:
        """A broker that is away or stuck makes nobody wait: the minute's sweep finds the document too."""
        from clinical.tasks import scan_document

        keys = (str(self.tenant_id), str(self.pk))
        Thread(target=scan_document.apply_async, args=(keys,), kwargs={"retry": False}, daemon=True).start()

    def _note(self, action: str, **more: str) -> None:
        detail = {"name": truth(self, "name"), **more}
        AuditEntry.note(action, table=self._meta.db_table, row_id=self.pk, patient_id=self.patient_id, detail=detail)
