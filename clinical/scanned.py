"""What a scanner says (a keyboard that ends with Enter), and what becomes of it, in words."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Case, Q, Value, When
from django.utils import timezone

from clinical.finding import NUMBER
from clinical.models import Patient, Specimen, Visit
from clinical.models.laboratory import RANKS
from clinical.models.specimen import Specimens
from hospital.models import AuditEntry, Person
from hospital.workflow import IllegalMove, Refused

S = Specimen.Status
IN_A_ROOM = ("in_room", "with_provider")  # steps of an appointment
WHAT_TO_DO = {
    S.EXPECTED: "It was never marked as collected. Confirm the collection first, then scan it again.",
    S.STORED: "It is done and stored. Put it back.",
    S.REJECTED: "It was rejected. Throw it away; a new one is asked for.",
    S.DISCARDED: "It was discarded. Ask who took it out of the bin.",
    S.CANCELLED: "All its tests are cancelled. Throw it away.",
}


@dataclass(frozen=True)
class Scan:
    """One line of the list: good, old (taken, but look at it) or bad."""

    text: str
    outcome: str
    words: str
    specimen: Specimen | None = None

    @property
    def icon(self) -> str:
        return {"good": "circle-check", "old": "clock-exclamation"}.get(self.outcome, "circle-x")

    @property
    def word(self) -> str:
        return {"good": "Received", "old": "Too old"}.get(self.outcome, "Not received")


def receive(text: str, *, by: Person | None) -> Scan:
    """Take in the specimen that was scanned; what is in the way is said, never raised."""
    try:
        specimen = find(text)
        specimen.receive(by=by)
    except Refused as refused:
        return Scan(text, "bad", str(refused))
    except IllegalMove:
        return Scan(text, "bad", f"{specimen.number}: {WHAT_TO_DO[S(specimen.status)]}", specimen)
    if specimen.is_too_old:
        hours = specimen.type.stable_hours if specimen.type else 0
        return Scan(text, "old", f"Older than the {hours} hours that it is good for. Reject it as too old.", specimen)
    return Scan(text, "good", "", specimen)


def find(text: str) -> Specimen:
    specimen = Specimen.by_accession(text)
    if specimen is None:
        raise Refused(
            f"{text.strip()[:30]} is not of this laboratory. Ask where it comes from, and keep it apart.", field="scan"
        )
    return Specimen.objects.shown().get(pk=specimen.pk)


def patient_of(text: str) -> Patient:
    """Whose wristband this is, or whose number was typed: P-000123."""
    match = NUMBER.match(text.strip())
    found = Patient.objects.filter(mrn=int(match[1])).first() if match else None
    if found is None:
        raise Refused(
            f"“{text.strip()[:30]}” is no patient's number here. Scan the wristband again.", status=422, field="patient"
        )
    return found


def collect_at(patient_text: str, label_text: str, *, by: Person | None) -> Specimen:
    """At the patient: wristband and label must belong together, or nothing is collected."""
    patient = patient_of(patient_text)
    specimen = find(label_text)
    if specimen.patient_id != patient.pk:
        note_mismatch(patient, specimen)
        raise Refused(
            f"Stop. {specimen.number} is the label of another patient, not of {patient.name} ({patient.number}). Nothing is collected.",
            field="scan",
        )
    specimen.collect(by=by)
    return specimen


def note_mismatch(patient: Patient, specimen: Specimen) -> None:
    """A near miss: it stands in the audit of both."""
    detail = {"label": specimen.number, "wristband": patient.number}
    for whose in (specimen.patient_id, patient.pk):
        AuditEntry.note(
            "wrong patient", table=specimen._meta.db_table, row_id=specimen.pk, patient_id=whose, detail=detail
        )


@dataclass(frozen=True)
class Where:
    """Where the patient of a tube is: the queue, the house of today's appointment, the room they were called or led to."""

    queue: str = ""
    location: str = ""
    room: str = ""

    @property
    def of_visit(self) -> Q:
        """As conditions on visits."""
        wanted = Q()
        if self.queue:
            wanted &= Q(places__ended_at=None, places__queue=self.queue)
        if self.location:
            wanted &= Q(appointments__location__name=self.location)
        if self.room:
            wanted &= Q(places__ended_at=None, places__called_to=self.room) | Q(
                appointments__seen_in__name=self.room, appointments__status__in=IN_A_ROOM
            )
        return wanted


def to_collect() -> Specimens:
    return Specimen.objects.filter(status=S.EXPECTED, orders__status="requested")


def places_to_go() -> tuple[list[str], list[str]]:
    """The houses and the rooms in which somebody waits for a collection."""
    waiting = Visit.objects.filter(pk__in=to_collect().values("visit_id"))
    called = Case(When(places__ended_at=None, then="places__called_to"), default=Value(""))
    led = Case(When(appointments__status__in=IN_A_ROOM, then="appointments__seen_in__name"), default=Value(""))
    found = list(waiting.values_list("appointments__location__name", called, led).distinct().order_by())
    rooms = {room for _, *both in found for room in both if room}
    return sorted({house for house, *_ in found if house}), sorted(rooms)


def expected_today(where: Where, priority: str = "") -> list[Specimen]:
    """What is to be collected, the most urgent and the longest waiting first."""
    rows = to_collect().shown()
    if where != Where():
        rows = rows.filter(visit__in=Visit.objects.filter(where.of_visit).values("pk"))
    if priority:
        rows = rows.filter(orders__priority=priority)
    found = list(rows.distinct().order_by("serial")[:500])
    return sorted(found, key=lambda specimen: (RANKS[specimen.urgency], specimen.serial))


def received_since_midnight(person: Person) -> list[Specimen]:
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    rows = Specimen.objects.shown().filter(received_by=person, received_at__gte=midnight)
    return list(rows.order_by("-received_at")[:100])
