"""Who stands on which step of an alert's ladder at a moment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from uuid import UUID

from hospital.models import Absence, Membership, Person
from realtime.alerts.models import ADMIN, Alert, Step


@dataclass(frozen=True)
class Addressee:
    person: Person
    role: str
    why: str


class Reach:
    """The people who can be told, read once for all steps."""

    def __init__(self, alert: Alert, now: datetime) -> None:
        self.alert, self.now = alert, now

    def on(self, step: int) -> list[Addressee]:
        return {Step.PERSON: self.persons, Step.COVER: self.covers, Step.HEAD: self.heads, Step.ADMIN: self.admins}[
            Step(step)
        ]()

    def persons(self) -> list[Addressee]:
        """The responsible one; everybody in the roles, if it is nobody's in particular."""
        if self.alert.answers_id is None:
            return self.colleagues("in the role")
        return self.one(self.alert.answers_id, "responsible person")

    def covers(self) -> list[Addressee]:
        """The declared cover, or the cover's cover; without one, all colleagues in the roles."""
        person = self.alert.answers_id
        return self.stand_in(person) or self.colleagues("colleague in the role", but=person)

    def heads(self) -> list[Addressee]:
        found = [member for member in self.members if member.is_head and member.role.key in self.alert.roles]
        return self.present(found, "head", but=self.alert.answers_id)

    def admins(self) -> list[Addressee]:
        """The last of all: if every one of them is away, they are told all the same."""
        found = [member for member in self.members if member.role.key == ADMIN]
        return self.present(found, "administrator") or addressees(found, "administrator")

    def stand_in(self, person: UUID | None) -> list[Addressee]:
        seen = {person}
        while person in self.away:
            person = self.away[person]
            if person is None or person in seen:
                return []
            seen.add(person)
            if found := self.one(person, "cover"):
                return found
        return []

    def colleagues(self, why: str, but: UUID | None = None) -> list[Addressee]:
        found = [member for member in self.members if member.role.key in self.alert.roles]
        return self.present(found, why, but=but)

    def one(self, person: UUID, why: str) -> list[Addressee]:
        return self.present([member for member in self.members if member.person_id == person], why)

    def present(self, members: list[Membership], why: str, but: UUID | None = None) -> list[Addressee]:
        return addressees(
            [member for member in members if member.person_id not in self.away and member.person_id != but], why
        )

    @cached_property
    def members(self) -> list[Membership]:
        """Those who hold a role that the alert is for and may read it, or administer: its own roles first."""
        rows = Membership.objects.filter(
            is_active=True, person__is_active=True, role__key__in=list(self.alert.titles)
        ).select_related("person", "role__group")
        roles = {member.role.key: member.role for member in rows}
        may_read = {key for key, role in roles.items() if key == ADMIN or self.alert.may_be_read_by(role)}
        return sorted(
            (member for member in rows if member.role.key in may_read),
            key=lambda member: (member.role.key not in self.alert.roles, member.role.position, member.pk),
        )

    @cached_property
    def away(self) -> dict[UUID, UUID | None]:
        return Absence.away([self.alert.answers_id, *(member.person_id for member in self.members)], self.now)


def addressees(members: list[Membership], why: str) -> list[Addressee]:
    """Each person once, in the first of their roles."""
    found: dict[UUID, Addressee] = {}
    for member in members:
        found.setdefault(member.person_id, Addressee(member.person, member.role.key, why))
    return list(found.values())
