"""Whatever two payers say of a claim, in whatever order and however often, the sums agree and nobody is asked for what is not theirs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from django.db.models import Sum
from hypothesis import given, settings
from hypothesis import strategies as st

from billing import booking_again, remitting
from billing.claims import drafting
from billing.models import (
    Account,
    Book,
    Claim,
    Denial,
    Discount,
    JournalLine,
    PayerMove,
    PayerRefund,
    Payment,
    RemittanceClaim,
)
from billing.overpaid import overpaid
from billing.tests.claims import a_note, a_payer, furnish
from billing.tests.remittances import SECOND, backwards, line, loaded, remittance, send, sent_on
from billing.tests.remittances import decided as said_of
from billing.verify import faults
from billing.x12.remittance import PaidClaim, ProviderAdjustment
from clinical.models import Payer, Policy, Visit
from hospital.tests.hospital import Hospital
from hospital.workflow import IllegalMove, Refused

WHOLE = 100
# Where a hundred is cut in five: what is paid, and what is adjusted under CO, PR, OA and PI.
PARTS = st.lists(st.integers(min_value=0, max_value=WHOLE), min_size=4, max_size=4).map(sorted)
HEARD = ("first", "second", "crossed", "reverse", "reverse second", "both")
ENDS = ("leave", "write off", "write off ours", "settle", "send back", "held back")
STEPS = (*HEARD, *HEARD, "insure", "pay", "discount", *ENDS)
STEP = st.tuples(st.sampled_from(STEPS), PARTS, st.sampled_from(["1", "4", "19"]), st.sampled_from(["45", "197"]))
HISTORY = st.lists(STEP, min_size=4, max_size=8)


@pytest.fixture(scope="module")
def payers(django_db_setup, django_db_blocker) -> Iterator[Hospital]:
    with django_db_blocker.unblock():
        house = Hospital("Payers")
        furnish(house)
        yield house


@settings(max_examples=5, deadline=None)
@given(steps=HISTORY, copay=st.integers(min_value=0, max_value=30))
def test_whatever_payers_say_the_sums_agree(payers: Hospital, django_db_blocker: Any, steps: list, copay: int) -> None:
    with django_db_blocker.unblock():
        Story(payers, copay).live(steps)


@pytest.mark.slow
@settings(max_examples=5_000, deadline=None)
@given(steps=HISTORY, copay=st.integers(min_value=0, max_value=30))
def test_whatever_payers_say_thousands_of_times_the_sums_agree(
    payers: Hospital, django_db_blocker: Any, steps: list, copay: int
) -> None:
    with django_db_blocker.unblock():
        Story(payers, copay).live(steps)


class Story:
    """One claim of a hundred, of which the patient paid something at the desk, to two payers."""

    def __init__(self, house: Hospital, copay: int) -> None:
        self.house, self.copay = house, Decimal(copay)
        note = a_note(house)
        with house.acting("reception") as acting:
            if copay:
                Payment.take(note.visit, self.copay, method="card", by=acting.person)
        with house.acting("billing") as acting:
            claim = drafting.begin(note, by=acting.person)
        self.first = send(house, claim)
        self.second: Claim | None = None
        self.visit = note.visit_id
        self.said: dict[str, list[PaidClaim]] = {"first": [], "second": []}
        self.most = self.copay  # of the patient's share that anybody may ask for

    def live(self, steps: list) -> None:
        for what, parts, status, code in [("first", *steps[0][1:]), *steps]:
            with suppress(Refused, IllegalMove):
                self.do(what, parts, status, code)
            self.check()
        with self.house.acting("admin"):
            assert list(faults()) == []

    def do(self, what: str, parts: list[int], status: str, code: str) -> None:
        verbs = {
            "first": lambda: self.hear("first", self.word(self.first, parts, status, code)),
            "second": lambda: self.to_second(parts, code),
            "crossed": lambda: self.hear("second", self.word(self.first, parts, "2", code)),
            "reverse": lambda: self.reverse("first"),
            "reverse second": lambda: self.reverse("second"),
            "both": lambda: self.reverse("first", self.word(self.first, parts, status, code)),
            "pay": lambda: self.at_desk(Payment.take, method="card"),
            "discount": lambda: self.at_desk(Discount.give, reason="Hardship"),
            "insure": self.insure,
            "leave": lambda: self.end("transfer"),
            "write off": lambda: self.end("write_off"),
            "write off ours": lambda: self.end("write_off_contract"),
            "settle": self.settle,
            "send back": lambda: self.send_back(parts[0]),
            "held back": lambda: self.held_back(parts[0]),
        }
        verbs[what]()

    def word(self, claim: Claim, parts: list[int], status: str, code: str) -> PaidClaim:
        paid, co, pr, oa = (Decimal(high - low) for low, high in zip([0, *parts], parts, strict=False))
        if status == "4":
            paid, oa = Decimal(0), oa + paid
        rest = WHOLE - paid - co - pr - oa
        adjusted = {f"CO{code}": co, "PR2": pr, "OA23": oa, "PI16": rest}
        spoken = {key: str(amount) for key, amount in adjusted.items() if amount}
        self.most = max(self.most, pr)
        return said_of(claim, line(claim, 1, str(paid), **spoken), status=status)

    def to_second(self, parts: list[int], code: str) -> None:
        """Also where the first payer has sent it on by itself."""
        if self.second is None:
            with self.house.acting("billing"):
                first = Claim.objects.get(pk=self.first.pk)
                there = first.following.standing().first()
                if there is None and first.status not in Claim.ANSWERED:
                    return
            self.second = loaded(self.house, there) if there else sent_on(self.house, self.first)
        self.hear("second", self.word(self.second, parts, "2", code))

    def insure(self) -> None:
        """With the second payer, so that what the first sends on by itself arrives there."""
        with self.house.acting("billing"):
            if not Policy.objects.filter(patient=self.first.patient_id, order=2).exists():
                payer = Payer.objects.filter(identifier=SECOND.id).first()
                payer = payer or a_payer("Second Mutual", identifier=SECOND.id)
                Policy.objects.create(
                    patient=self.first.patient, insurer=payer.name, payer=payer, order=2, member_number="S-2"
                )

    def reverse(self, payer: str, *more: PaidClaim) -> None:
        if self.said[payer]:
            self.hear(payer, backwards(self.said[payer][-1]), *more)

    def hear(self, payer: str, *claims: PaidClaim) -> None:
        self.said[payer] += [one for one in claims if one.status != "22"]
        whole = {"payer": SECOND} if payer == "second" else {}
        with self.house.acting("billing") as acting:
            row = remitting.take_in(remittance(*claims, **whole), file=None, by=acting.person)
            foreseen = [
                (one.paid, one.patient, one.becomes)
                for one in remitting.planned_for(remitting.heard_in(row))
                if one.claim
            ]
            done = remitting.post(row, by=acting.person)
            assert [(one.paid, one.patient, one.becomes) for one in done] == foreseen

    def at_desk(self, verb: Any, **more: Any) -> None:
        with self.house.acting("admin"):
            visit = Visit.objects.get(pk=self.visit)
            if due := Account(visit).due:
                verb(visit, due, by=None, **more)

    def end(self, verb: str) -> None:
        with self.house.acting("billing") as acting:
            for denial in Denial.objects.open().filter(claim__visit=self.visit):
                before = denial.parts.of_the_patient
                getattr(denial, verb)("A person decided", by=acting.person)
                self.most += before if verb == "transfer" else 0

    def settle(self) -> None:
        with self.house.acting("billing") as acting:
            for denial in Denial.objects.open().filter(claim__visit=self.visit):
                booking_again.settle_as_paid(denial, by=acting.person)

    def too_much(self) -> dict[RemittanceClaim, Decimal]:
        heard = {one.pk: one for one in RemittanceClaim.objects.filter(claim__visit=self.visit)}
        return {heard[pk]: amount for pk, amount in overpaid(heard.values()).items() if amount > 0}

    def send_back(self, part: int) -> None:
        """All of it, or a part; every third time somebody says no."""
        with self.house.acting("billing") as acting:
            asked = [
                PayerRefund.request(heard, min(amount, Decimal(part or WHOLE)), "Too much", by=acting.person)
                for heard, amount in self.too_much().items()
            ]
        with self.house.acting("admin") as acting:
            for refund in asked:
                verb = refund.approve if part % 3 else partial(refund.reject, "No")
                verb(by=acting.person)
        with self.house.acting("billing") as acting:
            for refund in PayerRefund.objects.filter(pk__in=[one.pk for one in asked], status="approved"):
                refund.pay_out(method="transfer", reference="T-1", by=acting.person)

    def held_back(self, part: int) -> None:
        """The payer takes what it paid too much from another payment (PLB)."""
        with self.house.acting("billing") as acting:
            for heard, amount in self.too_much().items():
                taken = min(amount, Decimal(part or WHOLE))
                adjustment = ProviderAdjustment(provider="1", reason="WO", reference=heard.number, amount=taken)
                payer = {"payer": SECOND} if heard.remittance.payer_name == SECOND.name else {}
                said = remittance(provider_adjustments=(adjustment,), **payer)
                remitting.post(remitting.take_in(said, file=None, by=acting.person), by=acting.person)

    def check(self) -> None:
        with self.house.acting("admin"):
            visit = Visit.objects.get(pk=self.visit)
            account = Account(visit)
            (charge,) = account.charges
            assert visit.payment == account.payment
            assert charge.rest >= 0 and charge.allocated >= 0
            own = charge.rest + charge.allocated
            assert own <= self.most, "more than any payer, or a person, left to the patient"
            dues = [PayerMove.objects.filter(claim=one).rest() for one in Claim.objects.filter(visit=visit)]
            assert all(due >= 0 for due in dues)
            for heard in RemittanceClaim.objects.filter(claim__visit=visit):
                back = PayerRefund.objects.live().filter(heard=heard).aggregate(sum=Sum("amount", default=0))["sum"]
                booked = heard.moves.filter(kind="payer_paid").aggregate(sum=Sum("amount", default=0))["sum"]
                assert not back or booked + back <= heard.paid, "more went back than was paid too much"
            lines = JournalLine.objects.filter(charge=charge)
            assert lines.on(Book.PAYERS).net() == sum(dues)
            assert lines.on(Book.INCOME).net() == -WHOLE
