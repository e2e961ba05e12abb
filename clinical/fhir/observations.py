"""An Observation says its value in one of eleven ways; a row has a number with a unit, or a code, or words."""

from __future__ import annotations

from typing import Any

from clinical.fhir.links import Links
from clinical.fhir.values import (
    NEVER,
    Broken,
    Node,
    When,
    concept,
    concepts,
    first_when,
    named,
    number,
    part,
    parts,
    quantity_in_words,
    text,
    when,
)
from clinical.models import Observation

Fields = dict[str, Any]
CATEGORIES = set(Observation.Category.values)
# HL7 ObservationInterpretation to our flags; what is not here is normal or says nothing of the value.
FLAGS = {
    "L": "low",
    "LU": "low",
    "H": "high",
    "HU": "high",
    "LL": "critical_low",
    "HH": "critical_high",
    "A": "abnormal",
    "AA": "abnormal",
    "POS": "abnormal",
}
# A value that its sender took back is kept as a row without the value, so that nobody acts on it.
WITHDRAWN = {"entered-in-error": "Entered by mistake", "cancelled": "Cancelled"}
NOTHING: Fields = {"value_number": None, "unit": "", "value_code": "", "value_text": ""}


def read_observation(resource: Node, links: Links) -> Fields:
    at = effective(resource)
    shared = {
        "patient_id": links.patient(resource, "subject"),
        "category": category(resource),
        "effective_at": at.at,
        "effective_said": at.said,
    }
    withdrawn = WITHDRAWN.get(text(resource, "status"), "")
    pieces = [] if withdrawn else parts(resource, "component")
    return {
        **shared,
        **measured(resource, withdrawn),
        "components": [{**shared, **measured(piece)} for piece in pieces],
    }


def measured(node: Node, withdrawn: str = "") -> Fields:
    """What was observed, its value and flag: the same for an observation and each of its components."""
    name = named(node, "code")
    what = {"code": name.code, "text": name.text}
    if withdrawn:
        return {**what, **NOTHING, "value_text": withdrawn, "flag": ""}
    return {**what, **NOTHING, **value(node), "flag": flag(node)}


def effective(resource: Node) -> When:
    found = first_when(resource, "effectiveDateTime", "effectiveInstant", "effectivePeriod", "issued")
    if found.at is None:
        raise Broken("It does not say when it was observed.")
    return found


def category(resource: Node) -> str:
    codes = (one.code for one in concepts(resource, "category"))
    return next((code for code in codes if code in CATEGORIES), "other")


def flag(node: Node) -> str:
    codes = [one.code for one in concepts(node, "interpretation")]
    return next((FLAGS[code] for code in codes if code in FLAGS), "")


def value(node: Node) -> Fields:
    for key, read in VALUES.items():
        if node.get(key) is not None:
            return read(node, key)
    missing = concept(node, "dataAbsentReason").text
    return {"value_text": f"Not available: {missing}" if missing else ""}


def of_quantity(node: Node, key: str) -> Fields:
    """A number that is only known to be beyond a limit (“<0.01”) stays words: it is not that number."""
    quantity = part(node, key)
    if text(quantity, "comparator"):
        return {"value_text": quantity_in_words(quantity)}
    return {"value_number": number(quantity, "value"), "unit": text(quantity, "unit") or text(quantity, "code")}


def of_concept(node: Node, key: str) -> Fields:
    found = concept(node, key)
    return {"value_code": found.code, "value_text": found.text}


def of_text(node: Node, key: str) -> Fields:
    return {"value_text": text(node, key)}


def of_truth(node: Node, key: str) -> Fields:
    if not isinstance(node[key], bool):
        raise Broken(f"“{key}” is neither true nor false.")
    return {"value_code": str(node[key]).lower(), "value_text": "Yes" if node[key] else "No"}


def of_number(node: Node, key: str) -> Fields:
    return {"value_number": number(node, key)}


def of_range(node: Node, key: str) -> Fields:
    low, high = (quantity_in_words(part(part(node, key), end)) for end in ("low", "high"))
    return {"value_text": " to ".join(filter(None, [low, high]))}


def of_ratio(node: Node, key: str) -> Fields:
    above, below = (quantity_in_words(part(part(node, key), end)) for end in ("numerator", "denominator"))
    return {"value_text": f"{above} : {below}"}


def of_time(node: Node, key: str) -> Fields:
    return {"value_text": when(node, key).said}


def of_period(node: Node, key: str) -> Fields:
    start, end = (when(part(node, key), edge) for edge in ("start", "end"))
    return {"value_text": f"{start.said} to {end.said}" if (start, end) != (NEVER, NEVER) else ""}


def of_samples(node: Node, key: str) -> Fields:
    """A curve, as a device sent it; the origin tells the unit."""
    samples = part(node, key)
    return {"value_text": f"{text(samples, 'data')} {text(part(samples, 'origin'), 'unit')}".strip()}


VALUES = {
    "valueQuantity": of_quantity,
    "valueCodeableConcept": of_concept,
    "valueString": of_text,
    "valueBoolean": of_truth,
    "valueInteger": of_number,
    "valueRange": of_range,
    "valueRatio": of_ratio,
    "valueSampledData": of_samples,
    "valueTime": of_text,
    "valueDateTime": of_time,
    "valuePeriod": of_period,
}
