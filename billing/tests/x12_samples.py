"""Claims and files for the tests of X12, and the two readers of others that judge what we write."""

from __future__ import annotations

import io
import logging
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

from billing.x12.claim import Claim, ClaimFile, Drug, LineAdjudication, OtherCoverage, ServiceLine
from billing.x12.fields import Dated, Procedure, Ref, Sum
from billing.x12.parties import Address, Contact, Party
from billing.x12.remittance import Adjustment
from billing.x12.sheet import Envelope
from hospital.tests.public_data import ROOT, needs, public_files

SAMPLES = ROOT / "x12"
REAL = public_files("x12", "*.[28]*")
needs_samples = needs(REAL)
ENVELOPE = Envelope(
    sender="RIVERSIDE",
    receiver="CLEARINGHOUSE",
    control=907,
    written=datetime(2026, 3, 5, 14, 7, tzinfo=UTC),
    is_test=True,
)
HOME = Address(line="236 N MAIN ST", city="MIAMI", state="FL", zip="33413")
CLINIC = Party(
    name="RIVERSIDE CLINIC",
    id_kind="XX",
    id="1912301953",
    address=Address(line="234 SEAWAY ST", second_line="SUITE 4", city="MIAMI", state="FL", zip="331110000"),
    refs=(Ref("EI", "587654321"),),
    contacts=(Contact("CLAIMS DESK", (("TE", "3055551234"), ("EX", "231"))),),
    taxonomy="207Q00000X",
)
JANE = Party(
    name="SMITH",
    first="JANE",
    middle="Q",
    is_person=True,
    id_kind="MI",
    id="JS00111223333",
    address=HOME,
    born=date(1961, 5, 1),
    gender="F",
)
TED = Party(name="SMITH", first="TED", is_person=True, address=HOME, born=date(1999, 12, 31), gender="M")
KEY = Party(name="KEY INSURANCE COMPANY", id_kind="PI", id="999996666", refs=(Ref("G2", "PBS3334"),))
OTHER_PAYER = Party(name="SECOND MUTUAL", id_kind="PI", id="77222")
DOCTOR = Party(name="KILDARE", first="BEN", is_person=True, id_kind="XX", id="1999996666", taxonomy="204C00000X")
VISIT = ServiceLine(
    procedure=Procedure("99213", ("25",)),
    charge=Decimal("100.00"),
    units=Decimal(1),
    begins=date(2026, 3, 2),
    pointers=(1, 2),
    refs=(Ref("6R", "1001"),),
)
INJECTION = ServiceLine(
    procedure=Procedure("J3301"),
    charge=Decimal("21.04"),
    units=Decimal("2.5"),
    begins=date(2026, 3, 2),
    ends=date(2026, 3, 4),
    pointers=(2,),
    place="22",
    is_emergency=True,
    note="SECOND OF THREE",
    drug=Drug(code="00003029320", quantity=Decimal("0.5"), unit="ML"),
    rendering=replace(DOCTOR, first="JACKIE", id="1234567893"),
)
PLAIN = Claim(
    number="CLM-0001",
    charge=Decimal("121.04"),
    billing=CLINIC,
    subscriber=JANE,
    payer=KEY,
    group="2222-SJ",
    diagnoses=("J020", "Z1159"),
    lines=(VISIT, INJECTION),
)
RICH = replace(
    PLAIN,
    number="CLM-0002",
    patient=TED,
    relationship="19",
    frequency="7",
    refs=(Ref("G1", "AUTH-77"), Ref("F8", "PAYER-9"), Ref("9F", "REFER-3")),
    dates=(Dated("431", date(2026, 2, 27)), Dated("439", date(2026, 2, 26))),
    causes=("AA", "EM"),
    accident_state="FL",
    amounts=(Sum("F5", Decimal("10.00")),),
    note="REPLACES A CLAIM WITH A WRONG UNIT",
    pay_to=Party(address=Address(line="2345 OCEAN BLVD", city="MIAMI", state="FL", zip="33111")),
    referring=Party(name="WELBY", first="MARCUS", is_person=True, id_kind="XX", id="1234567893"),
    rendering=DOCTOR,
    facility=Party(name="RIVERSIDE ANNEX", id_kind="XX", id="1581234567", address=HOME),
    supervising=Party(name="HOUSE", first="GREG", is_person=True, id_kind="XX", id="1234567893"),
)
DECIDED = (
    LineAdjudication(
        payer="77222",
        paid=Decimal("60.00"),
        procedure=Procedure("99213", ("25",)),
        units=Decimal(1),
        adjustments=(Adjustment("CO", "45", Decimal("20.00")), Adjustment("PR", "2", Decimal("20.00"))),
        day=date(2026, 4, 1),
    ),
    LineAdjudication(
        payer="77222",
        paid=Decimal("0.00"),
        procedure=Procedure("J3301"),
        units=Decimal("2.5"),
        adjustments=(Adjustment("CO", "97", Decimal("21.04")),),
        day=date(2026, 4, 1),
    ),
)
SECOND = replace(
    PLAIN,
    number="CLM-0003",
    order="S",
    lines=(replace(VISIT, adjudications=DECIDED[:1]), replace(INJECTION, adjudications=DECIDED[1:])),
    others=(
        OtherCoverage(
            order="P",
            group="56567",
            subscriber=replace(JANE, id="T55TY666", born=None, gender=""),
            payer=replace(OTHER_PAYER, refs=(Ref("F8", "OTHER-1"),)),
            amounts=(Sum("D", Decimal("60.00")), Sum("EAF", Decimal("20.00"))),
        ),
    ),
)


def real(name: str) -> str:
    path = SAMPLES / name
    return path.read_text() if path.is_file() else ""


def file_of(*claims: Claim) -> ClaimFile:
    return ClaimFile(
        submitter=Party(
            name="RIVERSIDE", id_kind="46", id="TGJ23", contacts=(Contact("JERRY", (("TE", "3055552222"),)),)
        ),
        receiver=Party(name="CLEARINGHOUSE", id_kind="46", id="66783JJT"),
        reference="BATCH-1",
        day=date(2026, 3, 5),
        clock="1407",
        claims=claims,
    )


def judged_by_pyx12(text: str) -> tuple[bool, str]:
    """Whether pyx12 takes it, and the acknowledgement that it writes."""
    import pyx12.params
    import pyx12.x12n_document

    logging.getLogger("pyx12").setLevel(logging.CRITICAL)
    answer = io.StringIO()
    params = pyx12.params.params()
    good = pyx12.x12n_document.x12n_document(params, io.StringIO(text), answer, None)
    return good, answer.getvalue()


def read_by_x12sdk(text: str) -> list:
    """Its models. Raises what is not valid for it."""
    from x12sdk.io import X12ModelReader

    with X12ModelReader(text.replace("\n", "")) as reader:
        return list(reader.models())
