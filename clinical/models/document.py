"""Files about patients: typed by their bytes, hashed, scanned, kept where no address leads."""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets
import unicodedata
from threading import Thread
from typing import TYPE_CHECKING, Any, ClassVar

from django.conf import settings
from django.core.files import File
from django.core.files.storage import default_storage
from django.db import models, transaction
from django.utils import timezone

from clinical import filetypes, scanner
from hospital.context import current
from hospital.db.base import on_rollback
from hospital.models import AuditEntry
from hospital.tenancy import TenantKey, TenantManager
from hospital.workflow import SYSTEM, Refused, Workflow

if TYPE_CHECKING:
    from clinical.models import LabOrder, Patient, Visit
    from hospital.context import Acting
    from hospital.models import Person

log = logging.getLogger(__name__)
INVISIBLE = ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")  # among them line ends, and letters that turn the reading direction
NAME_LENGTH = 200
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
        """Who may not open documents sees only that the own ones arrived."""
        if acting.may("clinical.view_document"):
            return self
        return self.filter(uploaded_by=acting.person)


class Document(Workflow):
    class Category(models.TextChoices):
        LAB_REPORT = "lab_report", "Laboratory report"
        IMAGING = "imaging", "Imaging"
        REFERRAL = "referral", "Referral or letter"
        CONSENT = "consent", "Consent"
        IDENTITY = "identity", "Identity or insurance"
        PHOTO = "photo", "Photo"
        OTHER = "other", "Other"

    class Status(models.TextChoices):
        UPLOADED = "uploaded", "Being checked"
        FILED = "filed", "Filed"
        REJECTED = "rejected", "Rejected"

    MOVES = {Status.UPLOADED: {Status.FILED: SYSTEM, Status.REJECTED: SYSTEM}}

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
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.UPLOADED, editable=False)
    scanned_at = models.DateTimeField(null=True, editable=False)
    scan_result = models.CharField(max_length=200, blank=True, default="", editable=False)
    uploaded_by = models.ForeignKey(
        "hospital.Person", on_delete=models.PROTECT, null=True, related_name="+", editable=False
    )
    uploaded_at = models.DateTimeField(auto_now_add=True)
    fhir_id = models.CharField(max_length=255, blank=True, default="", editable=False)

    objects: ClassVar = TenantManager.from_queryset(Documents)()

    class Meta(Workflow.Meta):
        ordering = ["-uploaded_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "fhir_id"], condition=~models.Q(fhir_id=""), name="document_fhir_id_once"
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "patient", "-uploaded_at"], name="document_of_patient"),
            models.Index(
                fields=["tenant", "uploaded_at"], condition=models.Q(status="uploaded"), name="document_waiting"
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def is_filed(self) -> bool:
        return self.status == self.Status.FILED

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
    ) -> Document:
        """Check the bytes, keep them under a random key, and file the document, or let the scanner see it first."""
        name = clean_name(file.name or "")
        if file.size > settings.UPLOAD_LIMIT:
            raise filetypes.refusal(name, f"is larger than {settings.UPLOAD_LIMIT // 1024**2} MB")
        document = cls(patient=patient, visit=visit, lab_order=lab_order, category=category, name=name, uploaded_by=by)
        document.content_type = filetypes.recognise(file, name).mime
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
        key = str(self.file.name)
        self.move_to(self.Status.REJECTED, by=None, reason=verdict.words, file="", **seen)
        transaction.on_commit(lambda: forget(key))

    def read(self) -> bytes:
        """The bytes, as they were when they came. One that changed since then is never given out."""
        if self.status == self.Status.UPLOADED:
            raise Refused(f"“{self.title}” is still being checked for viruses. Try again in a minute.")
        if self.status == self.Status.REJECTED:
            raise Refused(f"“{self.title}” was rejected: {self.scan_result}. Its contents were not kept.", status=410)
        with self.file.storage.open(str(self.file.name)) as stored:
            content = stored.read()
        if hmac.compare_digest(hashlib.sha256(content).hexdigest(), self.sha256):
            self._note("download")
            return content
        self._note("damaged")
        log.error("document %s is not what was stored", self.pk)
        raise Refused(
            f"“{self.title}” was damaged in storage and cannot be opened. The administrator can see this in the audit log."
        )

    def _queue_scan(self) -> None:
        """A broker that is away or stuck makes nobody wait: the minute's sweep finds the document too."""
        from clinical.tasks import scan_document

        keys = (str(self.tenant_id), str(self.pk))
        Thread(target=scan_document.apply_async, args=(keys,), kwargs={"retry": False}, daemon=True).start()

    def _note(self, action: str) -> None:
        table = self._meta.db_table
        AuditEntry.note(action, table=table, row_id=self.pk, patient_id=self.patient_id, detail={"name": self.name})


def clean_name(name: str) -> str:
    """The last part of a path without anything invisible, at most 200 letters, its ending kept."""
    last = unicodedata.normalize("NFC", name).replace("\\", "/").rpartition("/")[2]
    seen = (
        "".join(letter for letter in last if unicodedata.category(letter) not in INVISIBLE).strip().lstrip(".").strip()
    )
    stem, dot, ending = seen.rpartition(".")
    if dot and len(seen) > NAME_LENGTH and len(ending) <= 8:
        return f"{stem[: NAME_LENGTH - len(ending) - 1]}.{ending}"
    return seen[:NAME_LENGTH] or "file"


def digest(file: File) -> str:
    found = hashlib.sha256()
    for chunk in file.chunks():
        found.update(chunk)
    file.seek(0)
    return found.hexdigest()


def keep(file: File, key: str) -> str:
    """Store the bytes before the row: a row without its object is worse than an object without its row."""
    stored = default_storage.save(key, file)
    on_rollback(lambda: forget(stored))
    return stored


def forget(key: str) -> Any:
    try:
        default_storage.delete(key)
    except Exception:
        log.exception("object %s could not be deleted", key)
