"""What the payers of the claims desk sent: a payment that is posted, one that waits, a denial, and a file for nobody of ours."""

from __future__ import annotations

from decimal import Decimal

from billing import remitting
from billing.demo.clock import Clock
from billing.demo.day import Day
from billing.models import Claim
from billing.money import ZERO, split
from billing.payer_inbox import take_file
from billing.x12 import remittance as x12
from billing.x12.fields import Procedure, Ref
from billing.x12.parties import Party
from clinical import days
from clinical.models.payer import AppealLevel
from hospital.models import Person

LEVELS = ((1, "Reconsideration", 180), (2, "External review", 120))
STRANGER = """ISA*00*          *00*          *ZZ*HARBOR         *ZZ*RIVERSIDE      *260301*0900*^*00501*000000071*0*P*:~
GS*HP*HARBOR*RIVERSIDE*20260301*0900*71*X*005010X221A1~
ST*835*0001~
BPR*I*48.00*C*CHK************20260301~
TRN*1*HM-20093*1611010000~
N1*PR*HARBOR MUTUAL*XV*61101~
N1*PE*RIVERSIDE HOSPITAL*XX*1912301953~
LX*1~
CLP*RV-88213*1*60.00*48.00*12.00*12*HM7730021~
NM1*QC*1*ALDEN*GRACE~
SVC*HC:99212*60.00*48.00**1~
CAS*PR*2*12.00~
SE*11*0001~
GE*1*71~
IEA*1*000000071~
"""


class Remittances:
    """After the claims."""

    def __init__(self, day: Day, clock: Clock) -> None:
        self.day, self.clock = day, clock

    def write(self) -> None:
        with self.day.as_("billing") as by:
            claims = self.sent()
            for payer in {claim.payer for claim in claims}:
                for level, name, within in LEVELS:
                    AppealLevel.objects.get_or_create(payer=payer, level=level, defaults={"name": name, "days": within})
            self.tell(claims, by)
            if claims:
                take_file("HARBOR-MUTUAL-0071.835", STRANGER.encode(), by=by)

    def sent(self) -> list[Claim]:
        rows = Claim.objects.filter(status__in=Claim.WITH_PAYER).select_related("payer", "visit", "current")
        return list(rows.order_by("serial"))

    def tell(self, claims: list[Claim], by: Person) -> None:
        """The first is paid, the second refused, the third waits to be posted."""
        for number, (claim, paid) in enumerate(zip(claims, ("0.75", "0", "0.60"), strict=False), 1):
            row = remitting.take_in(self.said(claim, Decimal(paid), number), file=None, by=by)
            if number < 3:
                remitting.post(row, by=by)

    def said(self, claim: Claim, part: Decimal, number: int) -> x12.Remittance:
        lines = (
            tuple(self.line(line, part) for line in claim.current.lines.order_by("position")) if claim.current else ()
        )
        paid = sum((one.paid for one in lines), ZERO)
        heard = x12.PaidClaim(
            control_number=claim.current.control_number if claim.current else "",
            status="1" if paid else "4",
            charge=sum((one.charge for one in lines), ZERO),
            paid=paid,
            payer_control_number=claim.payer_number or f"ICN{claim.serial:07}",
            patient=Party(name=claim.patient.family_name, first=claim.patient.given_name, is_person=True),
            lines=lines,
        )
        return x12.Remittance(
            payer=Party(name=claim.payer.name, id=claim.payer.identifier),
            payee=None,
            total=paid,
            method="ACH",
            day=days.today(),
            trace=f"EFT-{26040 + number}",
            originator=claim.payer.identifier,
            claims=(heard,),
        )

    def line(self, line, part: Decimal) -> x12.PaidLine:
        """Three quarters paid, the rest by contract and by the patient; or all of it refused as not necessary."""
        paid, contract, patient = (
            split(line.amount, [part, (1 - part) / 2, (1 - part) / 2]) if part else (ZERO, ZERO, ZERO)
        )
        said = (("CO", "45", contract), ("PR", "2", patient)) if part else (("CO", "50", line.amount),)
        return x12.PaidLine(
            procedure=Procedure(line.procedure),
            charge=line.amount,
            paid=paid,
            refs=(Ref("6R", line.control_number),),
            adjustments=tuple(x12.Adjustment(group, code, amount) for group, code, amount in said if amount),
        )
