"""Records of people: whom to call, who belongs to whom, tags; one registered twice, one merged, one whom nobody knows."""

from __future__ import annotations

from billing.demo.day import Day
from clinical.models import Merge, Patient, PatientContact, PatientRelation, Tag

TAGS = (("wheelchair", "warn"), ("interpreter", "info"), ("hard of hearing", "busy"), ("falls", "bad"))


class Records:
    def __init__(self, day: Day, own: list[Patient]) -> None:
        self.day, self.own = day, own

    def write(self) -> None:
        with self.day.as_("admin") as admin:
            for name, tone in TAGS:
                Tag.add(by=admin, name=name, tone=tone)
        with self.day.as_("reception"):
            self.people_around()
            self.twice()
            self.merged()
            Patient.register_unknown(by=None, sex="male")

    def people_around(self) -> None:
        mother, child, neighbour = self.own[:3]
        mother.change(by=None, tags=["interpreter"])
        neighbour.change(by=None, tags=["wheelchair", "falls"])
        PatientRelation.record(mother, child, "mother", by=None)
        contact = {
            "kind": "emergency",
            "relationship": "neighbour",
            "name": "Mabel Whitfield",
            "phone": "(212) 555-0186",
        }
        PatientContact.record(mother, by=None, may_be_told=True, **contact)

    def twice(self) -> None:
        """The same person with the day and the month exchanged: on the list of possible duplicates."""
        one, born = next(
            (patient, born)
            for patient in self.own[3:]
            if (born := patient.birth_date) is not None and born.day < 13 and born.day != born.month
        )
        exchanged = born.replace(month=born.day, day=born.month)
        again = {"given_name": one.given_name, "family_name": one.family_name, "sex": one.sex}
        Patient.register(by=None, birth_date=exchanged, phone=one.phone, **again)

    def merged(self) -> None:
        one = self.own[4]
        again = {"given_name": one.given_name, "family_name": one.family_name, "birth_date": one.birth_date}
        Merge.make(Patient.register(by=None, **again), one, by=None)
