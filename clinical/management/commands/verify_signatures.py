"""Check every signature of every note: `manage.py verify_signatures [ORGANISATION…]`."""

from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from clinical.models import Addendum, Encounter, Signature
from clinical.models.signature import Meaning
from hospital.models import Tenant
from hospital.tenancy import acting_for


class Command(BaseCommand):
    help = "Compare what is shown of each signed note with what was signed, and that with its SHA-256."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slugs", nargs="*", metavar="ORGANISATION", help="their addresses; all, without any")

    def handle(self, *args: Any, slugs: list[str], **options: Any) -> None:
        tenants = Tenant.objects.filter(slug__in=slugs) if slugs else Tenant.objects.all()
        checked = broken = 0
        for tenant in tenants:
            here, faulty = self.check_all(tenant)
            checked, broken = checked + here, broken + faulty
        if broken:
            raise CommandError(f"{broken} of {checked} signatures do not hold.")
        self.stdout.write(f"All {checked} signatures hold.")

    def check_all(self, tenant: Tenant) -> tuple[int, int]:
        """How many there are, and how many do not hold."""
        checked = broken = 0
        with acting_for(tenant):
            for one in Signature.objects.select_related("encounter__visit", "addendum", "signer").iterator(200):
                checked += 1
                if faults := one.faults:
                    broken += 1
                    self.stderr.write(f"/{tenant.slug}/notes/{one.encounter_id}/ {one}: {' '.join(faults)}")
            for note, what in self.without_signature():
                checked, broken = checked + 1, broken + 1
                self.stderr.write(f"/{tenant.slug}/notes/{note}/ {what}: its author's signature is gone.")
        return checked, broken

    def without_signature(self) -> list[tuple[UUID, str]]:
        """Signed notes, and addenda, by note."""
        authors = Signature.objects.filter(meaning=Meaning.AUTHOR, addendum=None).values("encounter_id")
        notes = Encounter.objects.exclude(signed_at=None).exclude(pk__in=authors)
        addenda = Addendum.objects.filter(signatures=None)
        bare = [(note.pk, "is signed") for note in notes.iterator(200)]
        return bare + [(one.encounter_id, str(one)) for one in addenda.iterator(200)]
