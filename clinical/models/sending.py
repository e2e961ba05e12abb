"""Where a prescription goes that is not dispensed here."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import models


class Sending(models.Model):
    """The outside pharmacy that a prescription was sent to: what it was told stays when it is called back."""

    class Way(models.TextChoices):
        PRINTED = "printed", "Printed and handed over"
        FAX = "fax", "By fax"
        PHONE = "phone", "By telephone"

    outside_pharmacy = models.CharField(max_length=120, blank=True, default="")
    outside_contact = models.CharField("telephone, fax or e-mail", max_length=120, blank=True, default="")
    outside_note = models.CharField(max_length=250, blank=True, default="", help_text="For the outside pharmacy.")
    outside_way = models.CharField(max_length=8, choices=Way.choices, blank=True, default="")
    sent_at = models.DateTimeField(null=True)
    sent_by = models.ForeignKey("hospital.Person", null=True, on_delete=models.PROTECT, related_name="+")
    call_back_reason = models.CharField(max_length=250, blank=True, default="")

    class Meta:
        abstract = True

    @property
    def outside_words(self) -> str:
        """Where it went and how, in one line; nothing while it is here."""
        if self.sent_at is None:
            return ""
        way = self.get_outside_way_display().lower()
        return f"Sent to {self.outside_pharmacy}, {way}{f': {self.outside_contact}' if self.outside_contact else ''}"


def once(names: Iterable[str]) -> list[str]:
    """Each once, however it is written in large and small letters."""
    kept: dict[str, str] = {}
    for name in names:
        kept.setdefault(name.casefold(), name)
    return list(kept.values())
