"""`manage.py open_tenant riverside "Riverside Hospital" --admin grace@riverside.example`"""

from __future__ import annotations

from argparse import ArgumentParser
from smtplib import SMTPException
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_email
from django.db import transaction

from clinical import lab_catalogue
from hospital.invitations import path_of, post
from hospital.models import Invitation, Membership, Role, Tenant
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
        parser.add_argument("--address", default=own_address(), help="where this installation is reached (%(default)s)")
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
            self.send(invitation, tenant, address)

    def send(self, invitation: Invitation, tenant: Tenant, address: str) -> None:
        try:
            post(invitation, tenant, address)
        except (OSError, SMTPException) as error:
            self.stderr.write(f"The e-mail could not be sent ({error}). Hand the link over yourself.")


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
        invitation, secret = Invitation.issue(email=admin, name=admin_name, role=Role.objects.get(key="admin"), by=None)
    return tenant, invitation, secret


def own_address() -> str:
    if settings.PRODUCTION and settings.ALLOWED_HOSTS:
        return f"https://{settings.ALLOWED_HOSTS[0]}"
    return "http://127.0.0.1:8000"
