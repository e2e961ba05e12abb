"""Whatever two payers say of a claim, in whatever order and however often, the sums agree and nobody is asked for what is not theirs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing import remitting
from billing.claims import drafting
from billing.models import Account, Book, Claim, Denial, Discount, JournalLine, PayerMove, Payment
from billing.tests.claims import a_note, furnish
from billing.tests.remittances import SECOND, backwards, line, remittance, send, sent_on
from billing.tests.remittances import decided as said_of
from billing.verify import faults
from billing.x12.remittance import PaidClaim
from clinical.models import Visit
from hospital.tests.hospital import Hospital
from hospital.workflow import IllegalMove, Refused

WHOLE = 100
# Where a hundred is cut in five: what is paid, and what is adjusted under CO, PR, OA and PI.
PARTS = st.lists(st.integers(min_value=0, max_value=WHOLE), min_size=4, max_size=4).map(sorted)
HEARD = ("first", "second", "crossed", "reverse", "reverse second", "both")
STEPS = (*HEARD, *HEARD, "pay", "discount", "leave", "write off")
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
            "leave": lambda: self.end("transfer"),
            "write off": lambda: self.end("write_off"),
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
        if self.second is None:
            with self.house.acting("billing"):
                if Claim.objects.get(pk=self.first.pk).status not in Claim.ANSWERED:
                    return
            self.second = sent_on(self.house, self.first)
        self.hear("second", self.word(self.second, parts, "2", code))

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
                before = denial.rest
                getattr(denial, verb)("A person decided", by=acting.person)
                self.most += before if verb == "transfer" else 0

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
            lines = JournalLine.objects.filter(charge=charge)
            assert lines.on(Book.PAYERS).net() == sum(dues)
            assert lines.on(Book.INCOME).net() == -WHOLE
