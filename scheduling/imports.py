"""A CSV file, read into rows of which it is known what stands where. docs/scheduling.md describes the file."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass

from hospital.workflow import Refused

LARGEST, MOST_LINES = 2 * 1024 * 1024, 5000
COLUMNS: dict[str, tuple[str, ...]] = {
    "patient_number": ("patient number", "patient", "patient id", "mrn", "number"),
    "given_name": ("given name", "given names", "first name", "forename"),
    "family_name": ("family name", "last name", "surname"),
    "birth_date": ("birth date", "date of birth", "dob", "born"),
    "date": ("date", "day", "appointment date"),
    "time": ("time", "start", "start time", "begins", "appointment time"),
    "type": ("type", "appointment type", "service"),
    "provider": ("provider", "doctor", "clinician", "with"),
    "location": ("location", "site", "place"),
    "minutes": ("minutes", "length", "duration"),
    "reason": ("reason", "complaint"),
    "note": ("note", "notes", "comment"),
}
NEEDED = ("date", "time", "type", "provider")
BY_NAME = ("family_name", "birth_date")


@dataclass(frozen=True)
class Row:
    number: int
    cells: list[str]


@dataclass(frozen=True)
class Table:
    """`at` says in which column something known stands."""

    columns: list[str]
    at: dict[str, int]
    rows: list[Row]

    def get(self, row: Row, name: str) -> str:
        column = self.at.get(name)
        return row.cells[column].strip() if column is not None and column < len(row.cells) else ""


def read(content: bytes) -> Table:
    """Refuses, in words, what is no CSV file that can be understood."""
    reader = csv.reader(io.StringIO(decoded(content), newline=""), delimiter=delimiter_of(content), strict=True)
    rows, began = [], 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                rows.append(Row(began, cells))
            began = reader.line_num + 1
    except csv.Error as error:
        raise Refused(f"Line {reader.line_num} is no CSV: {error}.", status=422) from error
    if len(rows) < 2:
        raise Refused("There is no appointment in this file: the first line names the columns.", status=422)
    if len(rows) > MOST_LINES + 1:
        raise Refused(f"There are more than {MOST_LINES:,} lines. Divide the file.", status=422)
    return Table(rows[0].cells, columns_at(rows[0].cells), rows[1:])


def decoded(content: bytes) -> str:
    if len(content) > LARGEST:
        raise Refused(f"The file is larger than {LARGEST // 1024**2} MB. Divide it.", status=422)
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Refused("The file is UTF-16. Save it as “CSV UTF-8” and upload that.", status=422)
    if b"\0" in content or content.startswith(b"PK\x03\x04"):
        raise Refused("This is no CSV file. From a spreadsheet, save it as “CSV UTF-8”.", status=422)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise Refused(
            f"The file is not UTF-8: line {line} has a letter in another encoding. Save it as “CSV UTF-8”.", status=422
        ) from error


def delimiter_of(content: bytes) -> str:
    first = content.partition(b"\n")[0].decode(errors="replace")
    return max(",;\t", key=first.count)


def columns_at(heading: list[str]) -> dict[str, int]:
    known = {plain(name): column for column, names in COLUMNS.items() for name in (column, *names)}
    found: dict[str, int] = {}
    for at, title in enumerate(heading):
        column = known.get(plain(title))
        if column in found:
            raise Refused(f"Two columns are for “{column}”: “{heading[found[column]]}” and “{title}”.", status=422)
        if column:
            found[column] = at
    missing = [column for column in NEEDED if column not in found]
    if "patient_number" not in found and not all(column in found for column in BY_NAME):
        missing.append("patient_number (or family_name with birth_date)")
    if missing:
        raise Refused(
            f"The first line must name the columns. Missing: {', '.join(missing)}. Found: {', '.join(heading)[:200]}.",
            status=422,
        )
    return found


def plain(title: str) -> str:
    return re.sub(r"[^a-z]+", " ", title.lower()).strip()
