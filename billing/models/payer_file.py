"""Files that payers send: as they came, what is in them, and what became of it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, ClassVar

from django.db import models, transaction
from django.urls import reverse
from django.utils import timezone

from hospital.models import AuditEntry
from hospital.tenancy import EditableModel, TenantKey, TenantManager, TenantModel
from hospital.workflow import Refused

if TYPE_CHECKING:
    from hospital.models import Person

TAKE = "billing.post_remittance"
LIMIT = 10 * 1024**2


class PayerFile(EditableModel):
    """One file. The same bytes come in once; whoever brings them again is shown the first."""

    class State(models.TextChoices):
        TAKEN = "taken", "Taken"
        WAITING = "waiting", "To do"
        REFUSED = "refused", "Not taken"

    name = models.CharField(max_length=200, editable=False)
    sha256 = models.CharField(max_length=64, editable=False)
    size = models.PositiveIntegerField(editable=False)
    kinds = models.CharField("what it is", max_length=120, blank=True, default="", editable=False)
    state = models.CharField(max_length=7, choices=State.choices, default=State.WAITING, editable=False)
    words = models.TextField("what became of it", blank=True, default="", editable=False)
    complaints = models.JSONField(default=list, blank=True, editable=False)
    uploaded_at = models.DateTimeField(default=timezone.now, editable=False)
    uploaded_by = models.ForeignKey(
        "hospital.Person", on_delete=models.PROTECT, null=True, related_name="+", editable=False
    )

    objects: ClassVar = TenantManager()

    class Meta(EditableModel.Meta):
        ordering = ["-uploaded_at", "-pk"]
        verbose_name = "file of a payer"
        verbose_name_plural = "files of payers"
        constraints = [models.UniqueConstraint(fields=["tenant", "sha256"], name="payer_file_once")]
        indexes = [models.Index(fields=["tenant", "-uploaded_at"], name="payer_file_newest")]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("billing:payer_file", args=[self.pk])

    @property
    def state_in_words(self) -> str:
        return self.get_state_display().lower()

    @property
    def raw(self) -> bytes:
        return bytes(self.contents.get().raw)

    def download(self) -> bytes:
        """The bytes, if they are still those that came. Who takes them out is written down."""
        raw = self.raw
        if hashlib.sha256(raw).hexdigest() != self.sha256:
            raise Refused(f"“{self.name}” is not what came. The administrator can see more in the audit log.")
        AuditEntry.note("download", table=self._meta.db_table, row_id=self.pk, patient_id=None, detail={})
        return raw

    @classmethod
    @transaction.atomic
    def store(cls, name: str, raw: bytes, *, by: Person | None) -> PayerFile:
        """The row and its bytes, once. Who comes second is told, and nothing is stored."""
        digest = hashlib.sha256(raw).hexdigest()
        row = cls(name=name, sha256=digest, size=len(raw), uploaded_by=by)
        row.save(force_insert=True)
        PayerFileContent.objects.create(file=row, raw=raw)
        return row

    def settle(self, state: str, words: str) -> None:
        self.state, self.words = state, words
        self.save(update_fields=["state", "words"])


class PayerFileContent(TenantModel):
    """The bytes, as they came. A row of its own: it never changes, and lists do not read it."""

    file = TenantKey(PayerFile, related_name="contents", editable=False)
    raw = models.BinaryField(editable=False)

    class Meta(TenantModel.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant", "file"], name="payer_file_content_once")]

    def __str__(self) -> str:
        return f"Content of {self.file_id}"
