"""A reference, however it is written, becomes the key of a row: of this file, or of the database."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

from clinical.fhir.files import Entry
from clinical.fhir.values import Broken, Concept, Node, concept, is_text, part, text
from clinical.models import Organisation, OutsideEncounter, Patient, PatientIdentifier, Practitioner

# What other rows have keys to.
TARGETS: dict[str, Any] = {
    "Patient": Patient,
    "Practitioner": Practitioner,
    "Organization": Organisation,
    "Encounter": OutsideEncounter,
}


@dataclass(frozen=True)
class Missing:
    """A reference to something that is neither in the file nor in the database."""

    kind: str
    reference: str


class Links:
    """What the entries of one file refer to."""

    def __init__(
        self,
        entries: Iterable[Entry],
        taken: Iterable[Entry],
        keys: dict[tuple[str, str], UUID],
        medicines: dict[str, Concept],
    ) -> None:
        """Of all `entries`, those `taken` become rows; `keys` are theirs, by resource type and id, old or new.

        `medicines` are the names of Medication resources met so far in the whole import; those of this file join them.
        """
        self.keys, self.brought = dict(keys), set(keys.values())
        self.medicines = medicines
        self.resources: dict[str, Node] = {}
        self.by_url: dict[str, tuple[str, str]] = {}
        self.by_identifier: dict[tuple[str, str], UUID] = {}
        self.missing: set[Missing] = set()
        self._learn(entries, taken)
        self._look_up({one for entry in taken for one in references(entry.resource)})

    def _learn(self, entries: Iterable[Entry], taken: Iterable[Entry]) -> None:
        for entry in entries:
            self.resources[f"{entry.kind}/{entry.id}"] = entry.resource
            if entry.kind == "Medication":
                self.medicines |= medicine_names(entry)
            if entry.full_url:
                self.by_url[entry.full_url] = (entry.kind, entry.id)
        for entry in taken:
            if entry.kind in TARGETS:
                key = self.keys[entry.kind, entry.id]
                self.by_identifier |= {(entry.kind, one): key for one in identifiers(entry.resource)}

    def _look_up(self, wanted: set[str]) -> None:
        """All rows that references from here point to, in a few queries for the whole file."""
        ids, numbers = set(), defaultdict(set)
        for reference in wanted:
            if "?" in reference:
                kind, number = conditional(reference)
                numbers[kind].add(number)
            elif reference not in self.by_url:
                ids.add(last_part(reference))
        for kind, model in TARGETS.items():
            for fhir_id, pk in model.objects.filter(fhir_id__in=ids - {""}).values_list("fhir_id", "pk"):
                self.keys.setdefault((kind, fhir_id), pk)
        self._look_up_numbers(numbers)

    def _look_up_numbers(self, numbers: dict[str, set[str]]) -> None:
        """Of the staff and places that the file brings, its own numbers count, not those that it replaces."""
        for kind, model in (("Practitioner", Practitioner), ("Organization", Organisation)):
            if numbers[kind]:
                for row in model.objects.filter(identifiers__overlap=list(numbers[kind])).exclude(pk__in=self.brought):
                    for number in row.identifiers:
                        self.by_identifier.setdefault((kind, number), row.pk)
        values = [number.partition("|")[2] for number in numbers["Patient"]]
        for one in PatientIdentifier.objects.filter(value__in=values) if values else ():
            self.by_identifier.setdefault(("Patient", f"{one.system}|{one.value}"), one.patient_id)

    def key(self, kind: str, holder: Node, name: str) -> UUID | None:
        """The row that `holder[name]` refers to, if it is of this kind."""
        node = part(holder, name)
        written = text(node, "reference") or logical(kind, node)
        if not written or self._is_of_another_kind(kind, written):
            return None
        found = self._find(kind, written)
        if found is None:
            self.missing.add(Missing(kind, written))
        return found

    def patient(self, holder: Node, name: str) -> UUID:
        """The patient, without whom a row cannot be."""
        if not part(holder, name):
            raise Broken(f"“{name}” names no patient.")
        patient = self.key("Patient", holder, name)
        if patient is None:
            raise Broken(f"Its patient {text(part(holder, name), 'reference')[:80]} is not known.")
        return patient

    def id_of(self, written: str) -> str:
        """The FHIR id that a reference ends in."""
        return self.by_url[written][1] if written in self.by_url else last_part(written)

    def resource(self, holder: Node, node: Node) -> Node:
        """The resource of this file that a reference names, contained ones (`#id`) too; `{}` if it is elsewhere."""
        written = text(node, "reference")
        if written.startswith("#"):
            contained = holder.get("contained")
            inner = [one for one in contained if isinstance(one, dict)] if isinstance(contained, list) else []
            return next((one for one in inner if f"#{one.get('id')}" == written), {})
        kind, fhir_id = self.by_url.get(written) or (type_of(written), last_part(written))
        return self.resources.get(f"{kind}/{fhir_id}", {})

    def medicine(self, holder: Node, node: Node) -> Concept:
        """What a reference to a Medication is called."""
        inside = self.resource(holder, node)
        if inside:
            return concept(inside, "code")
        written = text(node, "reference")
        found = self.medicines.get(last_part(written))
        if found is None and written:
            self.missing.add(Missing("Medication", written))
        return found or Concept(text(node, "display"))

    def _find(self, kind: str, written: str) -> UUID | None:
        if "?" in written:
            return self.by_identifier.get(conditional(written))
        named = self.by_url.get(written)
        return self.keys.get(named if named else (kind, last_part(written)))

    def _is_of_another_kind(self, kind: str, written: str) -> bool:
        named = self.by_url.get(written)
        return (named[0] if named else type_of(written)) not in (kind, "") or written.startswith("#")


def medicine_names(entry: Entry) -> dict[str, Concept]:
    try:
        return {entry.id: concept(entry.resource, "code")}
    except Broken:
        return {}


def references(resource: Node) -> Iterator[str]:
    """Every reference in it, however deep; without recursion, since the depth is the sender's choice."""
    open_nodes: list[Any] = [resource]
    while open_nodes:
        node = open_nodes.pop()
        if isinstance(node, list):
            open_nodes.extend(node)
        elif isinstance(node, dict):
            open_nodes.extend(value for value in node.values() if isinstance(value, dict | list))
            written = node.get("reference")
            if isinstance(written, str) and is_text(written):
                yield written.strip()


def identifiers(resource: Node) -> Iterator[str]:
    found = resource.get("identifier")
    for one in found if isinstance(found, list) else ():
        if isinstance(one, dict) and is_text(one.get("value")) and one["value"].strip():
            yield f"{one.get('system') or ''}|{one['value'].strip()}"


def logical(kind: str, node: Node) -> str:
    """A reference by identifier only, written as the conditional one that means the same."""
    identifier = part(node, "identifier")
    value = text(identifier, "value")
    return f"{kind}?identifier={text(identifier, 'system')}|{value}" if value else ""


def conditional(reference: str) -> tuple[str, str]:
    """`Practitioner?identifier=system|value` as its kind and identifier."""
    kind, _, query = reference.partition("?")
    number = parse_qs(query.replace("+", "%2B")).get("identifier", [""])[0]
    return kind.rpartition("/")[2], number if is_text(number) else ""


def without_version(reference: str) -> list[str]:
    return reference.partition("/_history/")[0].rstrip("/").split("/")


def last_part(reference: str) -> str:
    return without_version(reference)[-1].removeprefix("urn:uuid:").removeprefix("urn:oid:")


def type_of(reference: str) -> str:
    """`Patient` of `https://server/fhir/Patient/7`; nothing of a URN."""
    if "?" in reference:
        return conditional(reference)[0]
    pieces = without_version(reference)
    return pieces[-2] if len(pieces) > 1 else ""
