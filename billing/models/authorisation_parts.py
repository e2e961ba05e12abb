"""What hangs on an authorisation: who spoke with the insurer, letters, and each unit that was used. Lines are only added."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils import timezone

from billing.models.authorisation import Authorisation
from clinical.models.lab_result import by_person
from hospital.tenancy import TenantKey, TenantModel


class AuthorisationNote(TenantModel):
    """A line of the log: a step of the machine, or what was said to the insurer and by it."""

    class Way(models.TextChoices):
        HERE = "", "In the house"
        PHONE = "phone", "Telephone"
        PORTAL = "portal", "Portal of the insurer"
        FAX = "fax", "Fax"
        EMAIL = "email", "E-mail"
        POST = "post", "Post"

    authorisation = TenantKey(Authorisation, related_name="notes")
    way = models.CharField("how", max_length=6, choices=Way.choices, blank=True, default=Way.HERE)
    whom = models.CharField("with whom", max_length=120, blank=True, default="")
    reference = models.CharField("reference of the insurer", max_length=60, blank=True, default="")
    words = models.TextField("what was said", max_length=4000, blank=True, default="")
    before = models.CharField(max_length=18, choices=Authorisation.Status.choices, blank=True, default="")
    after = models.CharField(max_length=18, choices=Authorisation.Status.choices, blank=True, default="")
    at = models.DateTimeField("when", default=timezone.now)
    by = by_person()
    written_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(TenantModel.Meta):
        ordering = ["-at", "-id"]
        verbose_name = "line of the log"
        verbose_name_plural = "lines of the log"
        indexes = [models.Index(fields=["tenant", "authorisation", "-at"], name="note_of_authorisation")]

    def __str__(self) -> str:
        return self.get_after_display() if self.after else self.get_way_display()


class AuthorisationUse(TenantModel):
    """Units that were used on a day, or given back. The balance is their sum."""

    is_given_back = False  # known to whoever has all lines in hand

    authorisation = TenantKey(Authorisation, related_name="uses")
    units = models.DecimalField(max_digits=8, decimal_places=2)
    used_on = models.DateField("day")
    note = models.CharField(max_length=200, blank=True, default="")
    source = models.UUIDField(null=True, editable=False, help_text="The row that used them, such as a line of a claim.")
    reverses = TenantKey("self", null=True, related_name="reversals", editable=False)
    at = models.DateTimeField(default=timezone.now, editable=False)
    by = by_person()

    class Meta(TenantModel.Meta):
        ordering = ["used_on", "at", "id"]
        verbose_name = "use of an authorisation"
        verbose_name_plural = "uses of authorisations"
        constraints = [
            models.CheckConstraint(
                name="authorisation_use_signed",
                condition=models.Q(units__gt=0, reverses=None) | models.Q(units__lt=0, reverses__isnull=False),
            ),
            models.UniqueConstraint(
                fields=["tenant", "reverses"],
                condition=models.Q(reverses__isnull=False),
                name="authorisation_use_reversed_once",
            ),
        ]
        indexes = [models.Index(fields=["tenant", "authorisation", "used_on"], name="use_of_authorisation")]

    def __str__(self) -> str:
        return f"{self.units} of {self.authorisation}"


class AuthorisationLetter(TenantModel):
    """A letter to or from the insurer: a document of the patient's."""

    class Direction(models.TextChoices):
        TO = "to", "To the insurer"
        FROM = "from", "From the insurer"

    authorisation = TenantKey(Authorisation, related_name="letters")
    document = TenantKey("clinical.Document", related_name="+")
    direction = models.CharField(max_length=4, choices=Direction.choices, default=Direction.FROM)
    at = models.DateTimeField(default=timezone.now, editable=False)
    by = by_person()

    class Meta(TenantModel.Meta):
        ordering = ["-at", "-id"]
        verbose_name = "letter about an authorisation"
        verbose_name_plural = "letters about authorisations"
        constraints = [
            models.UniqueConstraint(fields=["tenant", "authorisation", "document"], name="authorisation_letter_once")
        ]

    def __str__(self) -> str:
        return f"{self.document}"

    @classmethod
    def attach(cls, authorisation: Authorisation, document: Any, direction: str, *, by: Any) -> AuthorisationLetter:
        words = f"Letter {cls.Direction(direction).label.lower()}"
        row = cls.objects.create(authorisation=authorisation, document=document, direction=direction, by=by)
        authorisation.note(by=by, words=words)
        authorisation.lock()
        authorisation.put()  # whoever has it open sees the letter
        return row
