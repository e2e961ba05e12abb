from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from clinical.icd10 import entries, load


class Command(BaseCommand):
    help = "Load the classification of diagnoses, ICD-10-CM, for all tenants. Running it again brings it up to date."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--sample", action="store_true", help="only some hundred common codes")

    def handle(self, *args: Any, sample: bool = False, **options: Any) -> None:
        count = load(entries(sample=sample), whole=not sample)
        self.stdout.write(f"{count} codes of ICD-10-CM")
