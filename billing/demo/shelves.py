"""The pharmacy's shelves: enough of most, little of some, some that expire soon, and some that may not be issued."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from clinical import days
from clinical.models import Batch, Medicine
from hospital.models import Person


@dataclass(frozen=True)
class Item:
    code: str
    name: str
    strength: str
    form: str
    atc: str
    low_at: int
    lots: tuple[tuple[int, int], ...]  # so many pieces, good for so many days from today
    unit: str = "tablet"


ITEMS = (
    Item("AMOX500", "Amoxicillin", "500 mg", "capsule", "J01CA04", 120, ((180, 45), (600, 400)), "capsule"),
    Item("COAM625", "Amoxicillin and clavulanic acid", "625 mg", "tablet", "J01CR02", 60, ((300, 320),)),
    Item("AZIT250", "Azithromycin", "250 mg", "tablet", "J01FA10", 40, ((240, 500),)),
    Item("CIPR500", "Ciprofloxacin", "500 mg", "tablet", "J01MA02", 60, ((40, 30), (50, 260))),
    Item("NITR100", "Nitrofurantoin", "100 mg", "capsule", "J01XE01", 60, ((420, 610),), "capsule"),
    Item("DOXY100", "Doxycycline", "100 mg", "capsule", "J01AA02", 50, ((300, 280),), "capsule"),
    Item("PARA500", "Paracetamol", "500 mg", "tablet", "N02BE01", 300, ((1500, 700), (2000, 900))),
    Item("IBUP400", "Ibuprofen", "400 mg", "tablet", "M01AE01", 200, ((1200, 540),)),
    Item("SUMA50", "Sumatriptan", "50 mg", "tablet", "N02CC01", 20, ((18, 210),)),
    Item("METF850", "Metformin", "850 mg", "tablet", "A10BA02", 200, ((1600, 450),)),
    Item("AMLO5", "Amlodipine", "5 mg", "tablet", "C08CA01", 150, ((90, 20), (900, 380))),
    Item("LISI10", "Lisinopril", "10 mg", "tablet", "C09AA03", 150, ((840, 600),)),
    Item("ATOR20", "Atorvastatin", "20 mg", "tablet", "C10AA05", 150, ((1100, 720),)),
    Item("LEVO50", "Levothyroxine", "50 µg", "tablet", "H03AA01", 100, ((700, 310),)),
    Item("OMEP20", "Omeprazole", "20 mg", "capsule", "A02BC01", 150, ((1000, 430),), "capsule"),
    Item("ONDA4", "Ondansetron", "4 mg", "tablet", "A04AA01", 40, ((160, 270),)),
    Item("ORS", "Oral rehydration salts", "20.5 g", "sachet", "A07CA", 50, ((240, 800),), "sachet"),
    Item("FERR200", "Ferrous sulphate", "200 mg", "tablet", "B03AA07", 120, ((900, 640),)),
    Item("SALB100", "Salbutamol", "100 µg", "inhaler", "R03AC02", 15, ((60, 480),), "inhaler"),
    Item("PRED5", "Prednisolone", "5 mg", "tablet", "H02AB06", 80, ((600, 350),)),
    Item("CETI10", "Cetirizine", "10 mg", "tablet", "R06AE07", 60, ((500, 560),)),
    Item("HYDR1", "Hydrocortisone", "1 %", "cream", "D07AA02", 10, ((8, 190),), "tube"),
    Item("ASPI300", "Aspirin", "300 mg", "tablet", "N02BA01", 60, ((400, 330),)),
    Item("AMOXS", "Amoxicillin", "250 mg/5 mL", "suspension", "J01CA04", 12, ((30, 150),), "bottle"),
)  # fmt: skip
# What lies on the shelf and may not be issued.
EXPIRED = ("DOXY100", 90, 12)
QUARANTINED = ("ATOR20", 200, 400, "Broken seals: waiting for the wholesaler")


def stock_up(ago: int, *, by: Person) -> None:
    """The clock stands so many days ago, when even what is expired today was good."""
    for item in ITEMS:
        medicine = Medicine.objects.create(
            code=item.code,
            name=item.name,
            strength=item.strength,
            form=item.form,
            unit=item.unit,
            atc=item.atc,
            low_at=item.low_at,
        )
        for at, (quantity, good_for) in enumerate(item.lots, start=1):
            receive(medicine, f"{item.code[:3]}-{at}{good_for:03}", quantity, ago + good_for, by)
    code, quantity, since = EXPIRED
    receive(Medicine.objects.get(code=code), f"{code[:3]}-0{since:03}", quantity, ago - since, by)
    code, quantity, good_for, reason = QUARANTINED
    batch = receive(Medicine.objects.get(code=code), f"{code[:3]}-Q{good_for}", quantity, ago + good_for, by)
    batch.set_state(Batch.State.QUARANTINED, reason, by=by)


def receive(medicine: Medicine, lot: str, quantity: int, good_for: int, by: Person) -> Batch:
    place = "Fridge" if medicine.unit == "bottle" else f"Shelf {medicine.atc[:1]}"
    return Batch.receive(
        medicine, lot=lot, expires_on=days.today() + timedelta(days=good_for), quantity=quantity, by=by, location=place
    )
