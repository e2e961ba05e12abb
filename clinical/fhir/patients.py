"""A Patient resource: who it is, by which numbers others know them, and whom to call."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError

from clinical import phones
from clinical.fhir.links import Links
from clinical.fhir.values import (
    Broken,
    Node,
    address_in_words,
    address_of,
    choice,
    concept,
    concepts,
    name_of,
    part,
    parts,
    telecom,
    text,
    texts,
    truth,
    when,
)
from clinical.models import Patient

Fields = dict[str, Any]
DIED = "Died, day unknown"
# HL7 table 0203: what a front desk asks for first.
DOCUMENTS = ("NI", "SS", "PPN", "NNUSA", "DL")


def read_patient(resource: Node, links: Links) -> Fields:
    """The fields of the row; `identifiers` and `contacts` are rows of their own."""
    numbers = [numbered(one) for one in parts(resource, "identifier") if text(one, "value")]
    born, name, said = when(resource, "birthDate"), name_of(resource), telecom(resource, "phone")
    if not name.given and not name.family:
        raise Broken("The patient has no name.")
    return {
        "given_name": name.given,
        "family_name": name.family,
        "sex": choice(text(resource, "gender"), Patient.Sex.values, "gender", default="unknown"),
        "birth_date": born.day,
        "birth_date_estimated": born.is_partial,
        "deceased_at": when(resource, "deceasedDateTime").at,
        "tags": [DIED] if truth(resource, "deceasedBoolean") else [],
        "phone": telephone(said),
        "email": telecom(resource, "email"),
        **home(resource),
        "document_number": document_number(numbers),
        "identifiers": numbers,
        "contacts": [contact(one) for one in parts(resource, "contact")] + unusual_telephone(said),
    }


def numbered(identifier: Node) -> dict[str, str]:
    kind = concept(identifier, "type")
    return {
        "system": text(identifier, "system"),
        "value": text(identifier, "value"),
        "kind": kind.code,
        "text": kind.text,
    }


def document_number(numbers: list[dict[str, str]]) -> str:
    return next((one["value"] for kind in DOCUMENTS for one in numbers if one["kind"] == kind), "")


def telephone(said: str) -> str:
    try:
        return phones.normalise(said)
    except ValidationError:
        return ""


def unusual_telephone(said: str) -> list[Fields]:
    """What is no number of our form is kept as it was said, beside the contacts."""
    nothing = {"name": "", "email": "", "address": ""}
    return [{**nothing, "relationship": "Telephone as recorded", "phone": said}] if said and not telephone(said) else []


def home(resource: Node) -> Fields:
    address = address_of(resource)
    return {
        "line": ", ".join(texts(address, "line")) or text(address, "text"),
        "city": text(address, "city"),
        "state": text(address, "state"),
        "postal_code": text(address, "postalCode"),
        "country": text(address, "country"),
    }


def contact(node: Node) -> dict[str, str]:
    relations = [one.text for one in concepts(node, "relationship")]
    return {
        "relationship": ", ".join(relations),
        "name": name_of({"name": node.get("name")}).full or text(part(node, "organization"), "display"),
        "phone": telecom(node, "phone"),
        "email": telecom(node, "email"),
        "address": address_in_words(node),
    }
