"""Names of the fields that people look for, by segment and number; others are shown by their number."""

from __future__ import annotations

NAMES: dict[str, str] = {
    "MSH": "||encoding|sending application|sending facility|receiving application|receiving facility|written|security"
    "|type|control id|processing|version|sequence|continuation|accept acknowledgement|application acknowledgement|country|character set",
    "EVN": "|event|recorded|planned|reason|operator|occurred|facility",
    "PID": "|set|patient id|identifiers|alternate id|name|maiden name of the mother|born|sex|alias|race|address|county"
    "|telephone|telephone at work|language|marital status|religion|account|social security number|licence"
    "|mother|ethnic group|birth place|multiple birth|birth order|citizenship|veteran|nationality|died|dead",
    "PD1": "|living dependency|living arrangement|facility|primary care provider",
    "NK1": "|set|name|relationship|address|telephone|telephone at work|role",
    "PV1": "|set|class|location|admission type|pre-admission|former location|attending|referring|consulting|service"
    "|temporary location|test|readmission|source|ambulatory|VIP|admitting|patient type|visit number",
    "PV2": "|prior pending location|accommodation|admit reason",
    "MRG": "|identifiers given up|alternate id|account|patient id|visit|alternate visit|name",
    "AL1": "|set|type|allergen|severity|reaction|identified",
    "DG1": "|set|coding method|diagnosis|description|at|type",
    "ORC": "|control|placer number|filler number|group number|status|response|timing|parent|at|entered by|verified by|ordered by",
    "OBR": "|set|placer number|filler number|test|priority|requested|observed|observed until|volume|collector"
    "|action|danger|clinical information|received|source|ordered by|telephone|placer field 1|placer field 2"
    "|filler field 1|filler field 2|reported|charge|section|result status",
    "OBX": "|set|type|observation|sub-id|value|unit|range|flags|probability|nature|status|range since|access checks"
    "|observed|producer|observer|method|equipment|analysed",
    "NTE": "|set|source|comment|type",
    "SPM": "|set|specimen id|parent|type|type modifier|additive|collection method|site||||role||quantity|||collected|received",
    "SCH": "|placer number|filler number|occurrence|placer group|schedule|event reason|reason|type|length|unit|timing"
    "|placer contact|||||filler contact",
    "TQ1": "|set|quantity|repeat|explicit time|relative time|service length|begins|ends|priority",
    "RGS": "|set|action|group",
    "AIS": "|set|action|service|begins|offset|offset unit|length|unit|substitution|status",
    "AIP": "|set|action|person|role|group|begins|offset|offset unit|length|unit",
    "AIL": "|set|action|location|type|group|begins",
    "AIG": "|set|action|resource|type|group|quantity|unit|begins",
    "RXA": "|sub-id|number|given|until|vaccine|amount|unit|form|notes|given by|where||||lot|expires|maker|refusal||completion|action",
    "RXR": "|route|site",
    "TXA": "|set|type|content|activity|primary provider|created|transcribed|edited|originator|authenticator|transcriptionist|document number",
    "IN1": "|set|plan|company id|company|address|contact|telephone|group number",
    "FT1": "|set|transaction|batch|at|posted|type|code|description||quantity|amount",
}
TITLES = {
    "MSH": "Header",
    "EVN": "Event",
    "PID": "Patient",
    "NK1": "Next of kin",
    "PV1": "Visit",
    "PV2": "More about the visit",
    "MRG": "Record that ends",
    "AL1": "Allergy",
    "DG1": "Diagnosis",
    "ORC": "Order",
    "OBR": "Request",
    "OBX": "Observation",
    "NTE": "Note",
    "SPM": "Specimen",
    "SCH": "Schedule",
    "TQ1": "Timing",
    "AIS": "Service",
    "AIP": "Personnel",
    "AIL": "Location",
    "AIG": "Resource",
    "RXA": "Given",
    "RXR": "Route",
    "TXA": "Document",
    "IN1": "Insurance",
    "FT1": "Charge",
}
SPLIT = {name: names.split("|") for name, names in NAMES.items()}


def title_of(segment: str) -> str:
    return TITLES.get(segment, "")


def name_of(segment: str, number: int) -> str:
    names = SPLIT.get(segment, [])
    return names[number] if number < len(names) else ""
