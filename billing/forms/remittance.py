"""What people write about files of payers, remittances and denials."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django import forms

from billing.models import Appeal, AppealLetter, Claim, ClaimLine, Denial
from billing.models.claim import SETTLE
from billing.models.denial import next_level
from billing.models.payer_file import LIMIT
from billing.money import ZERO
from billing.x12 import remittance as x12
from billing.x12.codes import reasons
from billing.x12.fields import Procedure, Ref
from billing.x12.parties import Party
from clinical import days
from clinical.forms.patient import DateInput
from clinical.models import Payer
from clinical.who_may import people_who_may
from hospital.choices import offer
from hospital.models import Person

MOST_CLAIMS = 20
DECIDED_AS: dict[str, str] = {Claim.Order.PRIMARY: "1", Claim.Order.SECONDARY: "2", Claim.Order.TERTIARY: "3"}


class UploadPayerFile(forms.Form):
    file = forms.FileField(label="File", help_text="835, 999 or 277CA, as it came.")

    def clean_file(self) -> Any:
        """Before it is read into memory."""
        if self.cleaned_data["file"].size > LIMIT:
            raise forms.ValidationError(f"The file is larger than {LIMIT // 1024**2} MB.")
        return self.cleaned_data["file"]


class Why(forms.Form):
    reason = forms.CharField(label="Why", max_length=200)


class MatchClaim(forms.Form):
    """By our number, or by a click on one that is offered."""

    claim = forms.CharField(label="Our claim", max_length=20, help_text="CM-000123")

    def clean_claim(self) -> Claim:
        found = Claim.objects.by_control_number(self.cleaned_data["claim"])
        if found is None:
            raise forms.ValidationError("There is no claim with this number.")
        return found


class Amount(forms.DecimalField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_digits=12, decimal_places=2, min_value=ZERO, required=False, **kwargs)


class TypedPayment(forms.Form):
    """The head of a remittance on paper."""

    payer: forms.ModelChoiceField[Payer] = forms.ModelChoiceField(queryset=None, empty_label="Choose the payer")
    trace = forms.CharField(label="Number of the payment", max_length=50, help_text="Of the cheque or the transfer.")
    paid_on = forms.DateField(label="Paid on", widget=DateInput())
    total = forms.DecimalField(label="Paid in all", max_digits=12, decimal_places=2, min_value=ZERO)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(self, "payer", Payer.objects.in_use())

    def clean_paid_on(self) -> Any:
        if self.cleaned_data["paid_on"] > days.today():
            raise forms.ValidationError("A payment that is still to come is not entered.")
        return self.cleaned_data["paid_on"]


class TypedLine(forms.Form):
    """What the payer says of one line; what is left of the charge is refused, for the reason that is given."""

    paid = Amount(label="Paid")
    contractual = Amount(label="Contractual (CO 45)")
    deductible = Amount(label="Deductible (PR 1)")
    share = Amount(label="Coinsurance (PR 2)")
    copay = Amount(label="Copayment (PR 3)")
    code = forms.CharField(
        label="Refused because of", max_length=8, required=False, help_text="The code that the payer gives, such as 50."
    )
    group = forms.ChoiceField(
        label="Who bears it, by the payer",
        choices=[
            (x12.CONTRACTUAL, "We do (CO)"),
            (x12.OTHER, "Open (OA)"),
            (x12.PAYER_INITIATED, "The payer reduced it (PI)"),
            (x12.PATIENT, "The patient (PR)"),
        ],
        required=False,
    )

    PARTS = (("contractual", "CO", "45"), ("deductible", "PR", "1"), ("share", "PR", "2"), ("copay", "PR", "3"))

    def __init__(self, *args: Any, line: ClaimLine, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.line = line

    @property
    def refused(self) -> Decimal:
        names = ("paid", *(name for name, _, _ in self.PARTS))
        return self.line.amount - sum((self.cleaned_data.get(name) or ZERO for name in names), ZERO)

    def clean_code(self) -> str:
        code = self.cleaned_data["code"].strip().upper()
        if code and code not in reasons():
            raise forms.ValidationError("This reason is not known. Use the code alone, such as 50.")
        return code

    def clean(self) -> dict[str, Any]:
        if not self.errors and self.refused < 0:
            raise forms.ValidationError("This is more than was charged.")
        if not self.errors and self.refused and not self.cleaned_data.get("code"):
            self.add_error("code", f"{self.refused} is left: say why the payer refuses it.")
        return self.cleaned_data

    def value(self) -> x12.PaidLine:
        said = [x12.Adjustment(group, code, self.cleaned_data.get(name) or ZERO) for name, group, code in self.PARTS]
        group = self.cleaned_data.get("group") or x12.CONTRACTUAL
        said.append(x12.Adjustment(group, self.cleaned_data["code"], self.refused))
        return x12.PaidLine(
            procedure=Procedure(self.line.procedure),
            charge=self.line.amount,
            paid=self.cleaned_data.get("paid") or ZERO,
            refs=(Ref("6R", self.line.control_number),),
            adjustments=tuple(one for one in said if one.amount),
        )


@dataclass
class TypedClaim:
    claim: Claim
    lines: list[TypedLine]

    def value(self) -> x12.PaidClaim:
        lines = tuple(one.value() for one in self.lines)
        paid = sum((one.paid for one in lines), ZERO)
        owed = any(one.group == x12.PATIENT for line in lines for one in line.adjustments)
        return x12.PaidClaim(
            control_number=self.claim.current.control_number if self.claim.current else self.claim.number,
            status=DECIDED_AS[self.claim.order] if paid or owed else "4",
            charge=sum((one.charge for one in lines), ZERO),
            paid=paid,
            payer_control_number=self.claim.payer_number,
            lines=lines,
        )


class TypedRemittance:
    """A remittance on paper becomes the same value as one that comes as a file, and goes the same way."""

    def __init__(self, data: Any, claims: list[Claim]) -> None:
        self.head = TypedPayment(data, initial={"paid_on": days.today(), "payer": claims[0].payer if claims else None})
        self.claims = [TypedClaim(claim, list(self._lines(data, claim))) for claim in claims]

    def _lines(self, data: Any, claim: Claim) -> Iterator[TypedLine]:
        for line in claim.current.lines.select_related("charge").order_by("position") if claim.current else ():
            yield TypedLine(data, line=line, prefix=f"line-{line.pk}")

    def is_valid(self) -> bool:
        every = [self.head, *(line for one in self.claims for line in one.lines)]
        if sum(form.is_valid() for form in every) < len(every):
            return False
        left = self.head.cleaned_data["total"] - sum((one.value().paid for one in self.claims), ZERO)
        if left:
            self.head.add_error("total", f"The lines say {abs(left)} {'less' if left > 0 else 'more'} than this.")
        return not left

    def value(self) -> x12.Remittance:
        data = self.head.cleaned_data
        payer = data["payer"]
        return x12.Remittance(
            payer=Party(name=payer.name, id=payer.identifier),
            payee=None,
            total=data["total"],
            method="CHK",
            day=data["paid_on"],
            trace=data["trace"],
            originator=payer.identifier or payer.name,
            claims=tuple(one.value() for one in self.claims),
        )


class AssignDenial(forms.Form):
    person: forms.ModelChoiceField[Person] = forms.ModelChoiceField(
        queryset=None, required=False, empty_label="Nobody", label="Who looks after it"
    )

    def __init__(self, *args: Any, denial: Denial, **kwargs: Any) -> None:
        kwargs["initial"] = {"person": denial.assigned_to_id}
        super().__init__(*args, **kwargs)
        offer(self, "person", people_who_may(SETTLE))


class WriteAppeal(forms.Form):
    subject = forms.CharField(max_length=120)
    body = forms.CharField(label="Text", widget=forms.Textarea(attrs={"rows": 16}), max_length=8000)


class DecideAppeal(forms.Form):
    outcome = forms.ChoiceField(
        label="The payer's answer", choices=[("won", "Granted: the money is to come"), ("lost", "Refused")]
    )
    decided_on = forms.DateField(label="Decided on", widget=forms.DateInput(attrs={"type": "date"}))
    note = forms.CharField(max_length=200, required=False)


def letters_for(denial: Denial) -> list[AppealLetter]:
    """Those for this kind of denial first."""
    rows = AppealLetter.objects.filter(is_active=True)
    return sorted(rows, key=lambda row: (row.category != denial.category, bool(row.category), row.name))


def may_appeal(denial: Denial) -> bool:
    waiting = denial.appeals.filter(outcome=Appeal.Outcome.WAITING).exists()
    return denial.is_open and not waiting and next_level(denial) is not None
