"""`manage.py open_tenant riverside "Riverside Hospital" --admin grace@riverside.example`"""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_email
from django.db import transaction

from clinical import lab_catalogue, note_catalogue, pathology_catalogue
from hospital import outbox
from hospital.invitations import path_of, post
from hospital.models import Invitation, Letter, Membership, Role, Tenant
from hospital.tenancy import acting_for

SETTINGS = {
    "currency": "three letters of ISO 4217",
    "time_zone": "a name of the IANA database, such as Europe/London",
    "phone_region": "two letters: where telephone numbers without a country code are",
    "accent": ", ".join(Tenant.Accent.values),
    "require_payment_before": ", ".join(Tenant.Gate.values),
}


class Command(BaseCommand):
    help = (
        "Opens a hospital with its roles and a catalogue of laboratory tests to start from, and invites its first "
        "administrator. Run again before anybody has entered, it only makes another invitation."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", help="its address: /SLUG/")
        parser.add_argument("name")
        parser.add_argument("--admin", required=True, metavar="EMAIL", help="the first administrator")
        parser.add_argument("--admin-name", default="Administrator", metavar="NAME")
        parser.add_argument(
            "--address", default=settings.SITE_URL, help="where this installation is reached (%(default)s)"
        )
        parser.add_argument("--no-mail", action="store_true", help="print the link, and send nothing")
        for name, words in SETTINGS.items():
            parser.add_argument(f"--{name.replace('_', '-')}", help=words)

    def handle(self, *, slug: str, name: str, admin: str, admin_name: str, **options: Any) -> None:
        chosen = {key: options[key] for key in SETTINGS if options[key] is not None}
        try:
            validate_email(admin)
            tenant, invitation, secret = opened(slug, name, admin, admin_name, chosen)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        address = options["address"].rstrip("/") + path_of(tenant, secret)
        self.stdout.write(
            f"{tenant.name} is at /{tenant.slug}/. {admin} enters within {Invitation.LIFE.days} days by\n{address}"
        )
        if not options["no_mail"]:
            self.send(tenant, invitation, options["address"])

    def send(self, tenant: Tenant, invitation: Invitation, site: str) -> None:
        """At once, since no worker may run yet; what fails now waits in the outbox."""
        with acting_for(tenant):
            letter = post(invitation, site=site)
        outbox.send_all()
        with acting_for(tenant):
            letter.refresh_from_db()
        if letter.state != Letter.State.SENT:
            self.stderr.write(
                f"The e-mail could not be sent ({letter.error}). It is tried again; or hand the link over."
            )


@transaction.atomic
def opened(slug: str, name: str, admin: str, admin_name: str, chosen: dict[str, str]) -> tuple[Tenant, Invitation, str]:
    tenant = Tenant.objects.filter(slug=slug).first() or Tenant.open(name=name, slug=slug, **chosen)
    with acting_for(tenant):
        if Membership.objects.exists():
            raise ValidationError(
                f"There is a hospital at /{slug}/ already, with people in it. They can invite others."
            )
        for former in Invitation.objects.filter(accepted_at=None, withdrawn_at=None):
            former.withdraw()
        lab_catalogue.install()
        note_catalogue.install()
        pathology_catalogue.install()
        invitation, secret = Invitation.issue(email=admin, name=admin_name, role=Role.objects.get(key="admin"), by=None)
    return tenant, invitation, secret
