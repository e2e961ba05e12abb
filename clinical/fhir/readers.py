"""What each FHIR resource becomes: one function for each type, from the resource to the fields of a row.

They are pure: no query, no clock. What they do not understand they refuse (`Broken`), so that nothing wrong is stored.
"""

from __future__ import annotations

from typing import Any

from clinical.fhir.documents import read_forms
from clinical.fhir.links import Links
from clinical.fhir.values import (
    Broken,
    Node,
    address_in_words,
    choice,
    code_of,
    concept,
    concepts,
    first_when,
    identifiers_of,
    name_of,
    named,
    number,
    part,
    parts,
    plain,
    quantity_in_words,
    telecom,
    text,
    truth,
    when,
)
from clinical.models import (
    Allergy,
    Problem,
)
from clinical.models.of_chart import Verification

Fields = dict[str, Any]


def read_organization(resource: Node, links: Links) -> Fields:
    kinds = concepts(resource, "type")
    name = text(resource, "name") or next(iter(identifiers_of(resource)), "")
    if not name:
        raise Broken("The organisation has neither a name nor a number.")
    return {
        "name": name,
        "kind": kinds[0].text if kinds else "",
        "identifiers": identifiers_of(resource),
        "phone": telecom(resource, "phone"),
        "address": address_in_words(resource),
        "is_active": resource.get("active") is not False,
    }


def read_practitioner(resource: Node, links: Links) -> Fields:
    name = name_of(resource).full
    if not name:
        raise Broken("The practitioner has no name.")
    return {
        "name": name,
        "sex": text(resource, "gender"),
        "identifiers": identifiers_of(resource),
        "phone": telecom(resource, "phone"),
        "address": address_in_words(resource),
        "is_active": resource.get("active") is not False,
    }


def read_encounter(resource: Node, links: Links) -> Fields:
    kinds, reasons = concepts(resource, "type"), concepts(resource, "reasonCode")
    words = kinds[0].fields if kinds else {"text": text(part(resource, "class"), "display") or "Encounter"}
    period = part(resource, "period")
    participants = [links.key("Practitioner", one, "individual") for one in parts(resource, "participant")]
    return {
        "patient_id": links.patient(resource, "subject"),
        "code": "",
        "system": "",
        **words,
        "kind": text(part(resource, "class"), "code"),
        "status": text(resource, "status"),
        **when(period, "start").fields("started"),
        **when(period, "end").fields("ended"),
        "reason": ", ".join(one.text for one in reasons),
        "disposition": concept(part(resource, "hospitalization"), "dischargeDisposition").text,
        "practitioner_id": next(filter(None, participants), None),
        "organisation_id": links.key("Organization", resource, "serviceProvider"),
    }


def read_condition(resource: Node, links: Links) -> Fields:
    onset = first_when(resource, "onsetDateTime", "onsetPeriod")
    recorded = when(resource, "recordedDate")
    status = code_of(resource, "clinicalStatus")
    abated = first_when(resource, "abatementDateTime", "abatementPeriod")
    over = bool(abated.said) or truth(resource, "abatementBoolean")
    return {
        "patient_id": links.patient(resource, "subject"),
        **named(resource, "code").fields,
        "clinical_status": choice(
            status, Problem.ClinicalStatus.values, "clinicalStatus", default="resolved" if over else "active"
        ),
        "verification": verification(resource, default="confirmed"),
        **onset.fields("onset"),
        **abated.fields("abated"),
        **known(recorded, onset, "recorded"),
        "encounter_id": links.key("Encounter", resource, "encounter"),
    }


def read_allergy(resource: Node, links: Links) -> Fields:
    onset, recorded = first_when(resource, "onsetDateTime", "onsetPeriod"), when(resource, "recordedDate")
    substance = named(resource, "code")
    categories = resource.get("category")
    category = categories[0] if isinstance(categories, list) and categories else ""
    status = code_of(resource, "clinicalStatus")
    return {
        "patient_id": links.patient(resource, "patient"),
        "substance": substance.text,
        "code": substance.code,
        "system": substance.system,
        "category": choice(str(category or ""), Allergy.Category.values, "category", default="other"),
        "criticality": criticality(resource),
        "reaction": reactions(resource),
        "clinical_status": choice(status, Allergy.ClinicalStatus.values, "clinicalStatus", default="active"),
        "verification": verification(resource, default="unconfirmed"),
        **onset.fields("onset"),
        **known(recorded, onset, "recorded"),
    }


def read_medication_request(resource: Node, links: Links) -> Fields:
    dosages = parts(resource, "dosageInstruction")
    return {
        **medication(resource, links),
        "intent": text(resource, "intent"),
        "dosage": dosage_in_words(dosages),
        "as_needed": any(is_as_needed(one) for one in dosages),
        **when(resource, "authoredOn").fields("authored"),
        "encounter_id": links.key("Encounter", resource, "encounter"),
        "practitioner_id": links.key("Practitioner", resource, "requester"),
    }


def read_medication_statement(resource: Node, links: Links) -> Fields:
    dosages = parts(resource, "dosage")
    since = first_when(resource, "effectiveDateTime", "effectivePeriod", "dateAsserted")
    return {
        **medication(resource, links),
        "intent": "statement",
        "dosage": dosage_in_words(dosages),
        "as_needed": any(is_as_needed(one) for one in dosages),
        **since.fields("authored"),
        "encounter_id": links.key("Encounter", resource, "context"),
        "practitioner_id": links.key("Practitioner", resource, "informationSource"),
    }


def read_immunization(resource: Node, links: Links) -> Fields:
    occurred = when(resource, "occurrenceDateTime")
    doses = parts(resource, "protocolApplied")
    return {
        "patient_id": links.patient(resource, "patient"),
        **named(resource, "vaccineCode").fields,
        "status": text(resource, "status"),
        "status_reason": concept(resource, "statusReason").text,
        "occurred_at": occurred.at,
        "occurred_said": occurred.said or text(resource, "occurrenceString"),
        "lot": text(resource, "lotNumber"),
        "dose": dose_number(doses[0]) if doses else "",
        "site": concept(resource, "site").text,
        "encounter_id": links.key("Encounter", resource, "encounter"),
    }


def read_procedure(resource: Node, links: Links) -> Fields:
    done = first_when(resource, "performedDateTime", "performedPeriod")
    return {
        "patient_id": links.patient(resource, "subject"),
        **named(resource, "code").fields,
        "status": text(resource, "status"),
        "performed_at": done.at,
        "performed_said": done.said or text(resource, "performedString"),
        **when(part(resource, "performedPeriod"), "end").fields("ended"),
        "reason": reasons(resource, links),
        "outcome": concept(resource, "outcome").text,
        "encounter_id": links.key("Encounter", resource, "encounter"),
    }


def read_report(resource: Node, links: Links) -> Fields:
    categories = concepts(resource, "category")
    results = [text(one, "reference") for one in parts(resource, "result")]
    return {
        "patient_id": links.patient(resource, "subject"),
        **named(resource, "code").fields,
        "category": categories[0].text if categories else "",
        "status": text(resource, "status"),
        **first_when(resource, "effectiveDateTime", "effectivePeriod", "issued").fields("effective"),
        "conclusion": text(resource, "conclusion"),
        "results": [links.id_of(one) for one in results if one],
        "encounter_id": links.key("Encounter", resource, "encounter"),
        "files": read_forms(resource, named(resource, "code").text),
    }


# --- what several have in common --------------------------------------------------------


def known(recorded: Any, onset: Any, name: str) -> Fields:
    """A time that the row always has: when it was recorded, or else when it began; unknown ones are left to the store."""
    best = recorded if recorded.said else onset
    return best.fields(name) if best.said else {f"{name}_said": ""}


def verification(resource: Node, *, default: str) -> str:
    return choice(code_of(resource, "verificationStatus"), Verification.values, "verificationStatus", default=default)


def criticality(resource: Node) -> str:
    said = text(resource, "criticality").replace("unable-to-assess", "unknown")
    return choice(said, Allergy.Criticality.values, "criticality", default="unknown")


def reactions(resource: Node) -> str:
    found = []
    for reaction in parts(resource, "reaction"):
        signs = ", ".join(one.text for one in concepts(reaction, "manifestation"))
        severity = text(reaction, "severity")
        found.append(f"{signs or text(reaction, 'description')}{f' ({severity})' if severity else ''}")
    return "; ".join(filter(None, found))


def medication(resource: Node, links: Links) -> Fields:
    reference = part(resource, "medicationReference")
    name = links.medicine(resource, reference) if reference else named(resource, "medicationCodeableConcept")
    if not name.text:
        raise Broken("The medicine has no name.")
    return {
        "patient_id": links.patient(resource, "subject"),
        **name.fields,
        "status": text(resource, "status"),
        "reason": reasons(resource, links),
    }


def reasons(resource: Node, links: Links) -> str:
    """Codes, and the names of what is referred to where the record gives them."""
    words = [one.text for one in concepts(resource, "reasonCode")]
    for node in parts(resource, "reasonReference"):
        words.append(text(node, "display") or concept(links.resource(resource, node), "code").text)
    return ", ".join(dict.fromkeys(filter(None, words)))


def dosage_in_words(dosages: list[Node]) -> str:
    return "; ".join(filter(None, (text(one, "text") or composed(one) for one in dosages)))


def composed(dosage: Node) -> str:
    """The words of a dosage that was sent as data."""
    doses = [quantity_in_words(part(one, "doseQuantity")) for one in parts(dosage, "doseAndRate")]
    route, extra = concept(dosage, "route").text, [one.text for one in concepts(dosage, "additionalInstruction")]
    return ", ".join(filter(None, [*doses, timing_in_words(part(dosage, "timing")), route, *extra]))


UNITS = {"s": "second", "min": "minute", "h": "hour", "d": "day", "wk": "week", "mo": "month", "a": "year"}


def timing_in_words(timing: Node) -> str:
    repeat = part(timing, "repeat")
    times, period, unit = number(repeat, "frequency"), number(repeat, "period"), text(repeat, "periodUnit")
    if not times or not period or unit not in UNITS:
        return concept(timing, "code").text
    often = "once" if times == 1 else f"{plain(times)} times"
    return f"{often} every {UNITS[unit]}" if period == 1 else f"{often} every {plain(period)} {UNITS[unit]}s"


def is_as_needed(dosage: Node) -> bool:
    return truth(dosage, "asNeededBoolean") or bool(concept(dosage, "asNeededCodeableConcept").text)


def dose_number(protocol: Node) -> str:
    number = protocol.get("doseNumberPositiveInt")
    return str(number) if isinstance(number, int) else text(protocol, "doseNumberString")
