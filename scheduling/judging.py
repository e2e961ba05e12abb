"""What stands in the lines of a file, and what is wrong with them: a constant number of queries, however many there are."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

from django.utils import timezone

from clinical.models import Patient
from clinical.names import fold
from scheduling.diary import OpenTime
from scheduling.imports import Row, Table
from scheduling.models import Appointment, AppointmentType, ImportLine, Location, Provider
from scheduling.moments import Span, begin_of

Verdict = ImportLine.Verdict
Found = TypeVar("Found")
SHORTEST, LONGEST = 5, 720
AHEAD = timedelta(days=731)
MRN = re.compile(r"\A(?:P-?)?0*(\d{1,12})\Z", re.IGNORECASE)
DAY = re.compile(r"\A(?P<y>\d{4})-(?P<m>\d\d?)-(?P<d>\d\d?)\Z|\A(?P<d2>\d\d?)\.(?P<m2>\d\d?)\.(?P<y2>\d{4})\Z")
CLOCK = re.compile(r"\A(\d\d?)(?:[:.](\d\d))?(?::00)?\s*(am|pm)?\Z", re.IGNORECASE)


class Unfit(Exception):
    """Why a line cannot be booked."""


@dataclass(frozen=True)
class Wanted:
    """What a line asks for."""

    patient: Patient
    kind: AppointmentType
    provider: Provider
    location: Location | None
    begins_at: datetime
    minutes: int
    remarks: tuple[str, ...] = ()

    @property
    def span(self) -> Span:
        return Span(self.begins_at, self.begins_at + timedelta(minutes=self.minutes))

    @property
    def busy(self) -> Span:
        return Span(self.span.begins - self.kind.before, self.span.ends + self.kind.after)

    @property
    def fingerprint(self) -> str:
        parts = (self.patient.pk, self.provider.pk, self.kind.pk, int(self.begins_at.timestamp()))
        return hashlib.sha256("|".join(map(str, parts)).encode()).hexdigest()


def judged(table: Table, *, outside: bool) -> Iterator[ImportLine]:
    """A line for each row, not saved, with the verdict on it."""
    reading = Reading(table)
    understood = [reading.understood(row) for row in table.rows]
    fitting = Fitting([one for one in understood if isinstance(one, Wanted)], outside=outside)
    for row, one in zip(table.rows, understood, strict=True):
        line = ImportLine(number=row.number, cells=row.cells)
        line.reason, line.note = table.get(row, "reason")[:200], table.get(row, "note")[:300]
        if isinstance(one, Wanted):
            line.patient, line.type, line.provider, line.location = one.patient, one.kind, one.provider, one.location
            line.begins_at, line.minutes, line.fingerprint = one.begins_at, one.minutes, one.fingerprint
            line.verdict, words = fitting.verdict(one, row.number)
        else:
            line.verdict, words = Verdict.ERROR, one
        line.words = words[:300]
        yield line


# --- what a line says ---------------------------------------------------------------------


class Reading:
    """Names and numbers become rows of this organisation."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.types = by_name(AppointmentType.objects.filter(is_active=True), lambda row: [row.name])
        self.locations = by_name(Location.objects.filter(is_active=True), lambda row: [row.name])
        providers = Provider.objects.at_work().select_related("person", "location").prefetch_related("offerings")
        self.providers = by_name(providers, lambda row: [row.person.name, row.person.email])
        numbers = {match[1] for row in table.rows if (match := MRN.match(table.get(row, "patient_number")))}
        self.by_number = {str(one.mrn): one for one in Patient.objects.filter(mrn__in=numbers)}
        self.by_birth: dict[date, list[Patient]] = defaultdict(list)
        for patient in Patient.objects.filter(birth_date__in=self._birth_dates()):
            if patient.birth_date:
                self.by_birth[patient.birth_date].append(patient)

    def _birth_dates(self) -> set[date]:
        nameless = (row for row in self.table.rows if not self.table.get(row, "patient_number"))
        dates = (day_in_words(self.table.get(row, "birth_date")) for row in nameless)
        return {day for day in dates if day}

    def understood(self, row: Row) -> Wanted | str:
        """Or why it is not, in words."""
        try:
            return self._understood(row)
        except Unfit as unfit:
            return str(unfit)

    def _understood(self, row: Row) -> Wanted:
        get = self.table.get
        patient = self.patient(row)
        kind = one_of(self.types, get(row, "type"), "type of appointment")
        provider = one_of(self.providers, get(row, "provider"), "provider")
        location = one_of(self.locations, get(row, "location"), "location") if get(row, "location") else None
        begins_at, remarks = moment(get(row, "date"), get(row, "time"), (location or provider.location).zone)
        if not provider.offers(kind):
            raise Unfit(f"{provider} does not offer “{kind}”.")
        minutes = self.minutes(get(row, "minutes"), kind)
        return Wanted(patient, kind, provider, location, begins_at, minutes, remarks)

    def patient(self, row: Row) -> Patient:
        number = self.table.get(row, "patient_number")
        patient = self.by_its_number(row, number) if number else self.by_its_name(row)
        if patient.deceased_at:
            raise Unfit(f"{patient.name} has died.")
        return patient

    def by_its_number(self, row: Row, number: str) -> Patient:
        match = MRN.match(number)
        patient = self.by_number.get(match[1]) if match else None
        if patient is None:
            raise Unfit(f"There is no patient “{number[:40]}”.")
        family = self.table.get(row, "family_name")
        if family and fold(family) != fold(patient.family_name):
            raise Unfit(f"{patient.number} is {patient.name}, and not somebody called “{family[:40]}”.")
        return patient

    def by_its_name(self, row: Row) -> Patient:
        born = day_in_words(self.table.get(row, "birth_date"))
        given, family = fold(self.table.get(row, "given_name")), fold(self.table.get(row, "family_name"))
        if born is None or not family:
            raise Unfit("Without a patient number, the family name and the date of birth (2001-03-24) are needed.")
        found = [
            one
            for one in self.by_birth[born]
            if fold(one.family_name) == family and (not given or fold(one.given_name) == given)
        ]
        if not found:
            raise Unfit("Nobody with this name was born on this day.")
        if len(found) > 1:
            numbers = ", ".join(sorted(one.number for one in found)[:5])
            raise Unfit(f"Several patients have this name and date of birth: {numbers}. Write the number.")
        return found[0]

    def minutes(self, text: str, kind: AppointmentType) -> int:
        if not text:
            return kind.minutes
        if not (text.isascii() and text.isdigit() and SHORTEST <= int(text[:5]) <= LONGEST):
            raise Unfit(f"“{text[:20]}” is no length: write minutes from {SHORTEST} to {LONGEST}.")
        return int(text)


def by_name(rows: Iterable[Found], names: Callable[[Any], list[str]]) -> dict[str, list[Found]]:
    found: dict[str, list[Found]] = defaultdict(list)
    for row in rows:
        for name in {fold(name) for name in names(row)}:
            found[name].append(row)
    return found


def one_of(rows: dict[str, list[Found]], text: str, what: str) -> Found:
    if not text:
        raise Unfit(f"The {what} is missing.")
    found = rows.get(fold(text), [])
    if not found:
        raise Unfit(f"There is no {what} “{text[:60]}”.")
    if len(found) > 1:
        raise Unfit(f"Several are called “{text[:60]}”. Write the e-mail of the {what}.")
    return found[0]


def moment(day_text: str, clock_text: str, zone: ZoneInfo) -> tuple[datetime, tuple[str, ...]]:
    """By the location's clock. A time that the clock jumps over is none; of one that comes twice it is the first."""
    day, clock = day_in_words(day_text), clock_in_words(clock_text)
    if day is None:
        raise Unfit(f"“{day_text[:20]}” is no date: write it as 2027-03-24.")
    if clock is None:
        raise Unfit(f"“{clock_text[:20]}” is no time: write it as 14:30.")
    if not date(2000, 1, 1) <= day < date(2200, 1, 1):
        raise Unfit("The date is too far away.")
    begins_at, wall = begin_of(day, clock, zone), datetime.combine(day, clock)
    if begins_at.astimezone(zone).replace(tzinfo=None) != wall:
        raise Unfit(f"The clock is put forward on {day:%-d %B %Y}: there is no {clock:%H:%M}.")
    if begins_at <= timezone.now():
        raise Unfit("This time has passed.")
    if begins_at > timezone.now() + AHEAD:
        raise Unfit("This is more than two years ahead.")
    second = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    twice = f"The clock shows {clock:%H:%M} twice on this day: the first one is taken."
    return begins_at, (twice,) if second != begins_at else ()


def day_in_words(text: str) -> date | None:
    match = DAY.match(text)
    if match is None:
        return None
    parts = match.groupdict()
    try:
        return date(int(parts["y"] or parts["y2"]), int(parts["m"] or parts["m2"]), int(parts["d"] or parts["d2"]))
    except ValueError:
        return None


def clock_in_words(text: str) -> time | None:
    """14:30, 14.30, 2:30 pm, 2 pm; a bare number is no time."""
    match = CLOCK.match(text)
    if match is None or not (match[2] or match[3]):
        return None
    hour, minute, half = int(match[1]), int(match[2] or 0), (match[3] or "").lower()
    if half:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half == "pm" else 0)
    return time(hour, minute) if hour < 24 and minute < 60 else None


# --- whether it fits ----------------------------------------------------------------------


class Fitting:
    """Beside what is booked, and beside the lines before it."""

    def __init__(self, wanted: list[Wanted], *, outside: bool) -> None:
        self.outside = outside
        self.providers, self.patients = Taken(), Taken()
        self.seated: dict[tuple[UUID, UUID, Span], int] = defaultdict(int)
        self.lines: dict[str, int] = {}
        self.before: dict[str, str] = {}
        if wanted:
            self._read(wanted)

    def _read(self, wanted: list[Wanted]) -> None:
        first, last = min(one.begins_at for one in wanted), max(one.span.ends for one in wanted)
        people, providers = {one.patient for one in wanted}, {one.provider for one in wanted}
        self.open_time = OpenTime(providers, first.date(), last.date())
        for row in Appointment.objects.active().filter(provider__in=providers).between(self.open_time.window):
            self._seat(row.provider_id, row.type_id, row.span, row.busy, str(row))
        for row in Appointment.objects.active().filter(patient__in=people).between(self.open_time.window):
            self.patients.add(row.patient_id, row.span, str(row))
        imported = ImportLine.objects.filter(
            outcome=ImportLine.Outcome.BOOKED, fingerprint__in={one.fingerprint for one in wanted}
        )
        self.before = {line.fingerprint: str(line.appointment) for line in imported.select_related("appointment")}

    def verdict(self, wanted: Wanted, number: int) -> tuple[str, str]:
        try:
            if (known := self.before.get(wanted.fingerprint)) is not None:
                return Verdict.KNOWN, f"Imported before, as {known}."
            remarks = [*wanted.remarks, *self.fits(wanted)]
        except Unfit as unfit:
            return Verdict.ERROR, str(unfit)
        finally:
            self.lines.setdefault(wanted.fingerprint, number)
        self._seat(wanted.provider.pk, wanted.kind.pk, wanted.span, wanted.busy, f"line {number}")
        self.patients.add(wanted.patient.pk, wanted.span, f"line {number}")
        return (Verdict.WARNING if remarks else Verdict.OK), " ".join(remarks)

    def fits(self, wanted: Wanted) -> list[str]:
        if wanted.fingerprint in self.lines:
            raise Unfit(f"The same as line {self.lines[wanted.fingerprint]}.")
        if by := self.patients.find(wanted.patient.pk, wanted.span):
            raise Unfit(f"{wanted.patient.name} has another appointment at this time: {by}.")
        seated = self.seated[wanted.provider.pk, wanted.kind.pk, wanted.span]
        if not 0 < seated < wanted.kind.capacity and (by := self.providers.find(wanted.provider.pk, wanted.busy)):
            raise Unfit(f"{wanted.provider} is taken at this time: {by}.")
        return list(self.hours(wanted))

    def hours(self, wanted: Wanted) -> Iterator[str]:
        at = self.open_time.open_at(wanted.provider, wanted.span)
        if at is None and not self.outside:
            raise Unfit(f"{wanted.provider} does not work at this time.")
        if at is None:
            yield f"{wanted.provider} does not work at this time."
        elif wanted.location and wanted.location != at and not self.outside:
            raise Unfit(f"{wanted.provider} works at {at} then, and not at {wanted.location}.")

    def _seat(self, provider: UUID, kind: UUID, span: Span, busy: Span, words: str) -> None:
        self.seated[provider, kind, span] += 1
        self.providers.add(provider, busy, words)


class Taken:
    """Times that are taken, and the words for by what; looked up by day."""

    def __init__(self) -> None:
        self.by_day: dict[tuple[UUID, date], list[tuple[Span, str]]] = defaultdict(list)

    def add(self, key: UUID, span: Span, words: str) -> None:
        for day in days_of(span):
            self.by_day[key, day].append((span, words))

    def find(self, key: UUID, span: Span) -> str:
        found = (words for day in days_of(span) for other, words in self.by_day[key, day] if other.overlaps(span))
        return next(found, "")


def days_of(span: Span) -> Iterator[date]:
    day = span.begins.astimezone(UTC).date()
    while day <= span.ends.astimezone(UTC).date():
        yield day
        day += timedelta(days=1)
