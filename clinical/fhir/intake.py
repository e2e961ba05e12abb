"""The entries of one file, on their way into the database."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from typing import TypeGuard
from uuid import UUID

from clinical.fhir.files import Entry, Unreadable
from clinical.fhir.kinds import KINDS
from clinical.fhir.links import Links
from clinical.fhir.store import Draft, Fields, Outcome
from clinical.fhir.tally import Problem, Tally
from clinical.fhir.values import Broken, Concept
from hospital.identifiers import uuid7

OPTIONAL = ("encounter_id", "practitioner_id", "organisation_id")


class Intake:
    """First `read()`: nothing is written, and `missing` tells what the file cannot do without. Then `store()`."""

    def __init__(self, file: str, entries: list[Entry | Unreadable], medicines: dict[str, Concept]) -> None:
        self.file, self.tally = file, Tally()
        self.new: dict[tuple[str, str], UUID] = {}
        self.failed: set[UUID] = set()
        self.drafts: dict[str, list[Draft]] = {kind: [] for kind in KINDS}
        self.entries = self._once(entry for entry in entries if self._is_taken(entry))
        self.existing = {kind: KINDS[kind].existing(ids) for kind, ids in self._ids().items()}
        everything = [one for one in entries if isinstance(one, Entry)]
        self.links = Links(everything, self.entries, self._keys(), medicines)

    @property
    def missing(self) -> bool:
        return bool(self.links.missing)

    def read(self) -> None:
        for entry in self.entries:
            try:
                self.drafts[entry.kind].append(self._draft(entry))
            except (Broken, RecursionError) as error:
                self._refuse(entry, str(error))

    def store(self) -> Tally:
        for one in sorted(self.links.missing, key=str):
            reason = f"{one.kind} {one.reference[:80]} is neither in the files nor here; the row has no link to it."
            self.tally.notes.append(Problem(self.file, None, "", "", reason))
        for name, kind in KINDS.items():
            drafts = [draft for draft in self.drafts[name] if self._is_linked(draft)]
            if kind.is_edited_here:
                sign(drafts)
            for outcome in kind.store(kind.model, drafts, self.existing.get(name, {})) if drafts else ():
                self._tell(outcome)
        return self.tally

    def _draft(self, entry: Entry) -> Draft:
        kind = KINDS[entry.kind]
        fields = kind.read(entry.resource, self.links)
        return Draft(entry, self.links.keys[entry.kind, entry.id], kind.prefix + entry.id, fields)

    def _is_taken(self, entry: Entry | Unreadable) -> TypeGuard[Entry]:
        if isinstance(entry, Unreadable):
            self.tally.refuse(Problem(self.file, entry.index, "", "", entry.reason))
        elif not entry.kind:
            self._refuse(entry, "It has no resourceType.")
        elif entry.kind not in KINDS:
            self.tally.skipped[entry.kind] += 1
        elif not entry.id:
            self._refuse(entry, "It has no id.")
        else:
            return True
        return False

    def _once(self, entries: Iterable[Entry]) -> list[Entry]:
        """The same resource twice is one; two different ones with the same id cannot both be right."""
        first: dict[tuple[str, str], Entry] = {}
        for entry in entries:
            other = first.setdefault((entry.kind, entry.id), entry)
            if other is not entry and other.resource == entry.resource:
                self.tally.count(entry.kind, "unchanged")
            elif other is not entry:
                self.tally.refuse(
                    self._problem(entry, f"Entry {other.index} is another {entry.kind} with the same id.")
                )
        return list(first.values())

    def _ids(self) -> dict[str, list[str]]:
        ids: dict[str, list[str]] = {}
        for entry in self.entries:
            ids.setdefault(entry.kind, []).append(entry.id)
        return ids

    def _keys(self) -> dict[tuple[str, str], UUID]:
        """The keys that the rows have, or will have."""
        keys: dict[tuple[str, str], UUID] = {}
        for kind, rows in self.existing.items():
            keys |= {(kind, fhir_id.removeprefix(KINDS[kind].prefix)): row.pk for fhir_id, row in rows.items()}
        self.new = {(one.kind, one.id): uuid7() for one in self.entries if (one.kind, one.id) not in keys}
        return keys | self.new

    def _is_linked(self, draft: Draft) -> bool:
        """A row whose patient was refused is refused too; other links are left out."""
        if draft.fields.get("patient_id") in self.failed:
            self._refuse(draft.entry, "Its patient was refused.")
            return False
        for name in OPTIONAL:
            if draft.fields.get(name) in self.failed:
                draft.fields[name] = None
        return True

    def _tell(self, outcome: Outcome) -> None:
        if outcome.word == "broken":
            self._refuse(outcome.draft.entry, outcome.reason)
        else:
            self.tally.count(outcome.draft.entry.kind, outcome.word)

    def _refuse(self, entry: Entry, reason: str) -> None:
        self.tally.refuse(self._problem(entry, reason))
        if key := self.new.get((entry.kind, entry.id)):
            self.failed.add(key)

    def _problem(self, entry: Entry, reason: str) -> Problem:
        return Problem(self.file, entry.index, entry.kind, entry.id[:80], reason)


def sign(drafts: Iterable[Draft]) -> None:
    """With what will be stored: a link that was left out must not count as a difference the next time."""
    for draft in drafts:
        draft.fields["fhir_digest"] = digest(draft.fields)


def digest(fields: Fields) -> str:
    return sha256(repr(sorted(fields.items())).encode()).hexdigest()
