"""The two hospitals: their settings, the people who log in, and what things cost."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache

from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password

from billing.models import CONSULTATION, Kind, Price
from billing.procedures import EXCISION
from clinical.models import LabTest, Medicine
from hospital.models import Membership, Person, Tenant
from hospital.tenancy import acting_for

# What each costs, in consultations: biopsies and their further ones, an excision, treatment with a laser.
PROCEDURES = {
    "11102": 2,
    "11103": 1,
    "11104": 2,
    "11105": 1,
    "11106": 3,
    "11107": 2,
    EXCISION: 4,
    "96920": 3,
}
LOG_IN_WITH = "patients-first-2026"


@dataclass(frozen=True)
class Account:
    email: str
    name: str
    roles: tuple[str, ...]


@dataclass(frozen=True)
class House:
    slug: str
    name: str
    city: str
    settings: dict[str, str]
    consultation: Decimal
    test: Decimal
    people: tuple[Account, ...]
    former_days: int
    imports: bool = False

    def open(self) -> Tenant:
        tenant = Tenant.objects.filter(slug=self.slug).first() or Tenant.open(self.name, self.slug, **self.settings)
        with acting_for(tenant):
            for account in self.people:
                person = person_of(account)
                for role in account.roles:
                    Membership.grant(person, role)
        return tenant


def person_of(account: Account) -> Person:
    person = Person.objects.filter(email=account.email).first()
    if person is None:
        person = Person(email=account.email, name=account.name)
        validate_password(LOG_IN_WITH, person)
        person.password = hashed()
        person.save()
    return person


@cache
def hashed() -> str:
    """Argon2 is slow on purpose; all of them have the same, so once is enough."""
    return make_password(LOG_IN_WITH)


def staff(domain: str, names: dict[str, str]) -> tuple[Account, ...]:
    return tuple(Account(f"{role}@{domain}.example", name, (role,)) for role, name in names.items())


BOTH = Account("everywhere@hospitals.example", "Sam Ortiz", ("main_doctor",))
HOUSES = (
    House(
        "riverside",
        "Riverside Hospital",
        "Springfield",
        {"accent": "teal", "time_zone": "America/New_York", "currency": "USD", "phone_region": "US"},
        Decimal(60),
        Decimal(18),
        (
            *staff(
                "riverside",
                {
                    "admin": "Grace Lindqvist",
                    "reception": "Tomás Herrera",
                    "checker_doctor": "Priya Nair",
                    "lab_technician": "Jonas Weber",
                    "main_doctor": "Adaeze Obi",
                    "pharmacy": "Wei Zhang",
                    "billing": "Fatima Haddad",
                    "board": "Waiting room screen",
                },
            ),
            Account("several@riverside.example", "Morgan Reyes", ("checker_doctor", "main_doctor", "admin")),
            BOTH,
        ),
        former_days=10,
        imports=True,
    ),
    House(
        "lakeside",
        "Lakeside Clinic",
        "Keswick",
        {
            "accent": "indigo",
            "time_zone": "Europe/London",
            "currency": "GBP",
            "phone_region": "GB",
            "require_payment_before": "pharmacy",
        },
        Decimal(45),
        Decimal(12),
        (
            *staff(
                "lakeside",
                {
                    "admin": "Eleanor Ashworth",
                    "reception": "Callum Fraser",
                    "checker_doctor": "Hannah Osei",
                    "lab_technician": "Rhys Morgan",
                    "main_doctor": "Imran Qureshi",
                    "pharmacy": "Nia Bevan",
                    "billing": "Oliver Hart",
                    "board": "Waiting room screen",
                },
            ),
            BOTH,
        ),
        former_days=3,
    ),
)


def set_prices(house: House, since: date) -> None:
    """From the first day on. Medicines cost by their kind, and a nought for none would not be a price."""
    wanted = [(Kind.CONSULTATION, CONSULTATION, house.consultation)]
    wanted += [
        (Kind.TEST, test.code, test_price(house, position)) for position, test in enumerate(LabTest.objects.all())
    ]
    wanted += [(Kind.MEDICINE, one.code, piece_price(position)) for position, one in enumerate(Medicine.objects.all())]
    wanted += [(Kind.PROCEDURE, code, house.consultation * times) for code, times in PROCEDURES.items()]
    for kind, code, amount in wanted:
        Price.objects.get_or_create(kind=kind, code=code, valid_from=since, defaults={"amount": amount})


def test_price(house: House, position: int) -> Decimal:
    return house.test + Decimal(position % 7) * Decimal("2.50")


def piece_price(position: int) -> Decimal:
    return Decimal("0.20") + Decimal(position % 9) * Decimal("0.15")
