"""What `bin/run` does before the web starts. Everything is repeatable, and quick when there is nothing to do."""

import sys
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections
from django.db.migrations.executor import MigrationExecutor

from hospital.models import Tenant

EMBEDDED_DATABASE = settings.EMBEDDED.postgres in settings.EMBEDDED.servers


class Command(BaseCommand):
    help = "Migrate, make the demo once, and print who can log in; in production, gather the static files instead."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--no-demo", action="store_true")

    def handle(self, *args: Any, no_demo: bool, **options: Any) -> None:
        refuse_half_a_database()
        if is_behind():
            call_command("migrate", interactive=False, verbosity=0)
        self.check(
            databases=["default"],
            include_deployment_checks=settings.PRODUCTION,
            fail_level=checks.WARNING if settings.PRODUCTION else checks.ERROR,
        )
        settings.STATIC_ROOT.mkdir(exist_ok=True)
        if settings.PRODUCTION:
            call_command("collectstatic", interactive=False, verbosity=0)
        elif not no_demo:
            self.make_demo_once()
            call_command("demo", "--logins", stdout=self.stdout)

    def make_demo_once(self) -> None:
        made = settings.STATE_DIR / "demo-made"
        if not Tenant.objects.exists() or (EMBEDDED_DATABASE and not made.exists()):  # a demo that was interrupted
            call_command("demo", stdout=sys.stderr)
            made.touch()


def refuse_half_a_database() -> None:
    """The application on one server and its migrations on another would end in a puzzling error."""
    if not EMBEDDED_DATABASE and settings.DATABASES["owner"]["HOST"] == str(settings.EMBEDDED.run):
        raise CommandError("DATABASE_URL names a server of your own: set DATABASE_OWNER_URL, for the migrations, too.")


def is_behind() -> bool:
    executor = MigrationExecutor(connections["owner"])
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))
