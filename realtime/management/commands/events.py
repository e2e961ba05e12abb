"""Print the catalogue of live events."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from realtime.catalogue import LiveEvent, Loudness, catalogue, words_of

COLUMNS = ("event", "of", "when", "hears", "needs", "loudness", "fragment")
HEAD = """# Live events

What reaches a screen, and whose. Made by `manage.py events --markdown > docs/events.md` from the `events.py` of each app;
a test compares the two. How it works is told in [realtime.md](realtime.md).
"""


class Command(BaseCommand):
    help = "Print which events there are, when they happen, who hears them and how loudly."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--markdown", action="store_true", help="as docs/events.md")

    def handle(self, *args: Any, markdown: bool, **options: Any) -> None:
        self.stdout.write(as_markdown() if markdown else as_text(), ending="")


def rows() -> list[tuple[str, ...]]:
    return [row_of(event) for event in sorted(catalogue, key=lambda event: event.name)]


def row_of(event: LiveEvent) -> tuple[str, ...]:
    hears = ", ".join(event.hears) + (" (certain people)" if event.people else "")
    fragment = event.template or "the page's regions"
    needs = " or ".join(event.needs)
    of = str(event.model._meta.verbose_name)
    return (event.name, of, words_of(event.when), hears, needs, loudness_of(event), fragment)


def loudness_of(event: LiveEvent) -> str:
    return f"{words_of(event.notice_to)}, else {by_role(event)}" if event.notice_to else by_role(event)


def by_role(event: LiveEvent) -> str:
    if isinstance(event.loudness, Loudness):
        return event.loudness.value
    if callable(event.loudness):
        return words_of(event.loudness)
    louder = [f"{level or 'silent'} for {role}" for role, level in event.loudness.items()]
    return f"{', '.join(louder)}, else info"


def as_text() -> str:
    table = [COLUMNS, *rows()]
    widths = [max(len(row[column]) for row in table) for column in range(len(COLUMNS))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table]
    return "\n".join(lines) + "\n"


def as_markdown() -> str:
    lines = ["| " + " | ".join(row) + " |" for row in (COLUMNS, ("---",) * len(COLUMNS), *map(in_code, rows()))]
    return HEAD + "\n" + "\n".join(lines) + "\n"


def in_code(row: tuple[str, ...]) -> tuple[str, ...]:
    name, *middle, fragment = row
    return (f"`{name}`", *middle, f"`{fragment}`" if "/" in fragment else fragment)
