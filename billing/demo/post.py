"""Messages of a laboratory and of another hospital: a few were applied, the others wait in the inbox, each for its reason."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from clinical.hl7.store import take
from clinical.models import Patient, PatientIdentifier

LABORATORY, CLINIC = "LIS|Northgate Laboratory", "EPR|St Anne"
PANEL = "24323-8^Metabolic panel^LN"


def deliver() -> None:
    known = list(Patient.objects.filter(deceased_at=None).exclude(birth_date=None).order_by("mrn")[:3])
    if len(known) < 3:
        return
    regular, alike, third = known
    PatientIdentifier.objects.create(patient=regular, system="NORTHGATE", value="N-20417", kind="MR", text="Northgate")
    for number, (kind, sender, *segments) in enumerate(
        (
            ("ORU^R01", LABORATORY, pid("N-20417", regular), f"OBR|1||N1|{PANEL}|||{ago(20)}", *panel()),
            ("ORU^R01", LABORATORY, pid("N-20417", regular), f"OBR|1||N2|VITD^Vitamin D^L|||{ago(18)}", vitamin()),
            ("ORU^R01", LABORATORY, "PID|1||N-99310^^^NORTHGATE^MR||Lindqvist^Maja||19881102|F", *troponin()),
            ("ADT^A04", CLINIC, pid("SA-771", alike, "STANNE"), "NK1|1|Okoro^Ben|SPO^Spouse"),
            ("ADT^A08", CLINIC, "PID|1||SA-802^^^STANNE^MR||Haddad^Samir||19590214|M"),
            ("SIU^S12", CLINIC, pid("N-20417", regular), *appointment()),
            ("DFT^P03", CLINIC, pid("SA-771", third, "STANNE"), "FT1|1|||20261101||CG|71045^Chest X-ray^C4"),
        ),
        start=1,
    ):
        head = f"MSH|^~\\&|{sender}|HOSPITAL||{ago(number)}||{kind}|DEMO-{number}|P|2.5.1"
        take("\r".join((head, *segments)).encode(), via="MLLP 10.20.0.4")


def pid(number: str, patient: Patient, authority: str = "NORTHGATE") -> str:
    sex = {"female": "F", "male": "M"}.get(patient.sex, "U")
    name = f"{patient.family_name}^{patient.given_name}"
    return f"PID|1||{number}^^^{authority}^MR||{name}||{patient.birth_date:%Y%m%d}|{sex}"


def panel() -> tuple[str, ...]:
    return (
        "OBX|1|NM|2951-2^Sodium^LN||139|mmol/L|136-145|N|||F",
        "OBX|2|NM|2823-3^Potassium^LN||5.4|mmol/L|3.5-5.1|H|||F",
        "NTE|1||Slightly haemolysed",
        "OBX|3|NM|2160-0^Creatinine^LN||0.9|mg/dL|0.6-1.2|N|||F",
    )


def vitamin() -> str:
    return "OBX|1|NM|VITD^Vitamin D^L||18|ng/mL|30-100|L|||F"


def troponin() -> tuple[str, ...]:
    return f"OBR|1||N3|10839-9^Troponin I^LN|||{ago(6)}", "OBX|1|NM|10839-9^Troponin I^LN||0.02|ng/mL|<0.04|N|||F"


def appointment() -> tuple[str, ...]:
    begins = (timezone.now() + timedelta(days=9)).strftime("%Y%m%d1430")
    return "SCH||SA-5510|||||Second opinion", f"AIS|1|A|CONS^Consultation|{begins}|||30|min", "AIP|1|A|D7^Marsh^Helen"


def ago(hours: int) -> str:
    return (timezone.now() - timedelta(hours=hours)).strftime("%Y%m%d%H%M%S+0000")
