"""From a path to the entries of a record. Whatever is wrong with a file is said in one sentence."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from gzip import BadGzipFile, GzipFile
from io import BytesIO
from pathlib import Path
from typing import Any

from clinical.fhir.values import Broken, Node, is_text

SUFFIXES = (".json", ".json.gz", ".ndjson", ".ndjson.gz")
LIMIT = 512 * 1024 * 1024
GZIP = b"\x1f\x8b"


@dataclass(frozen=True)
class Entry:
    """One resource, and where it stood."""

    index: int
    full_url: str
    resource: Node

    @property
    def kind(self) -> str:
        kind = self.resource.get("resourceType")
        return kind[:64] if isinstance(kind, str) else ""

    @property
    def id(self) -> str:
        """Its own id; for an entry of a transaction that has none, the UUID it is called by."""
        own = self.resource.get("id")
        if is_text(own) and own:
            return own
        return (
            self.full_url.removeprefix("urn:uuid:")
            if self.full_url.startswith("urn:uuid:") and is_text(self.full_url)
            else ""
        )


@dataclass(frozen=True)
class Unreadable:
    """An entry that carries no resource."""

    index: int
    reason: str


def files_under(paths: list[str]) -> Iterator[Path]:
    """The files themselves, and those in folders that look like FHIR."""
    for path in map(Path, paths):
        if path.is_dir():
            yield from sorted(one for one in path.rglob("*") if one.is_file() and one.name.lower().endswith(SUFFIXES))
        else:
            yield path


def read(path: Path) -> list[Entry | Unreadable]:
    """Raises Broken for a file that is not a FHIR record at all."""
    content = unpacked(path)
    try:
        return entries_of(parsed(content))
    except Broken:
        lines = [line for line in content.splitlines() if line.strip()]
        if len(lines) < 2 or not all(line.lstrip().startswith(b"{") for line in lines):
            raise
        return [entry_of_line(at, line) for at, line in enumerate(lines)]


def unpacked(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(LIMIT + 1)
        if content.startswith(GZIP):
            with GzipFile(fileobj=BytesIO(content)) as file:
                content = file.read(LIMIT + 1)
    except (EOFError, BadGzipFile, zlib.error) as error:
        raise Broken("The file is a gzip archive that is damaged or cut off.") from error
    except (OSError, ValueError) as error:
        raise Broken(f"The file cannot be read: {getattr(error, 'strerror', None) or error}.") from error
    if len(content) > LIMIT:
        raise Broken(f"The file is larger than {LIMIT // 1024 // 1024} MB.")
    return content


def parsed(content: bytes) -> Any:
    try:
        return json.loads(content, parse_float=Decimal, parse_constant=refuse_constant)
    except RecursionError as error:
        raise Broken("The file is nested too deeply.") from error
    except (ValueError, ArithmeticError) as error:
        raise Broken("The file is not JSON.") from error


def refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def entries_of(document: Any) -> list[Entry | Unreadable]:
    if not isinstance(document, dict) or not isinstance(document.get("resourceType"), str):
        raise Broken("The file is JSON, and no FHIR resource.")
    if document["resourceType"] != "Bundle":
        return [Entry(0, "", document)]
    entries = document.get("entry", [])
    if not isinstance(entries, list):
        raise Broken("“entry” of the bundle is not a list.")
    return [entry_of(at, one) for at, one in enumerate(entries)]


def entry_of(index: int, entry: Any) -> Entry | Unreadable:
    if not isinstance(entry, dict):
        return Unreadable(index, "The entry is not an object.")
    resource, full_url = entry.get("resource"), entry.get("fullUrl")
    if not isinstance(resource, dict):
        return Unreadable(index, "The entry carries no resource.")
    return Entry(index, full_url if isinstance(full_url, str) else "", resource)


def entry_of_line(index: int, line: bytes) -> Entry | Unreadable:
    try:
        return entry_of(index, {"resource": parsed(line)})
    except Broken as error:
        return Unreadable(index, str(error).replace("The file", "The line"))
