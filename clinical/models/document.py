"""Files about patients: typed by their bytes, hashed, scanned, kept where no address leads."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from django.db import models

from hospital.tenancy import TenantKey, TenantManager
from hospital.workflow import SYSTEM, Workflow

if TYPE_CHECKING:
    from hospital.context import Acting


def random_key(document: Document, name: str) -> str:
    """Nothing of the original name, which may be anything, reaches the storage."""
    return f"{document.tenant_id}/{secrets.token_hex(2)}/{secrets.token_urlsafe(24)}"


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

    objects = TenantManager.of(Documents)

    class Meta(Workflow.Meta):
        ordering = ["-uploaded_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "fhir_id"], condition=~models.Q(fhir_id=""), name="document_fhir_id_once"
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "patient", "-uploaded_at"], name="document_of_patient"),
            models.Index(fields=["tenant", "uploaded_at"], condition=models.Q(status="uploaded"), name="document_waiting"),
        ]

    def __str__(self) -> str:
        return self.title
