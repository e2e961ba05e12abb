"""What people write into claims, and into the codes and numbers that claims carry."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, cast

from django import forms
from django.core.validators import MinValueValidator
from django.db import transaction
from django.http import QueryDict

from billing.claims.answers import recordable
from billing.models import BillingIdentity, Claim, ClaimLine, ClaimVersion, ProcedureCode, ProviderNumber
from billing.models.claim import MANAGE
from billing.models.claim_version import MOST_DIAGNOSES, MOST_POINTERS
from billing.models.procedure_code import CODE, MODIFIER, MOST_MODIFIERS
from clinical.who_may import people_who_may
from hospital.choices import offer
from hospital.merge import MergeForm
from hospital.models import Person
from hospital.seals import raw
from hospital.workflow import Refused, allow

SEPARATORS = re.compile(r"[\s,;]+")
STALE = "Somebody changed this claim meanwhile. What you typed is still here: look at the claim, then save again."


class Codes(forms.CharField):
    """Several codes with blanks or commas between them."""

    def __init__(self, *, most: int, shape: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.most, self.shape = most, shape

    def prepare_value(self, value: Any) -> Any:
        return " ".join(map(str, value)) if isinstance(value, list | tuple) else value

    def clean(self, value: Any) -> list[str]:
        codes = [one for one in SEPARATORS.split(super().clean(value).upper()) if one]
        if len(codes) > self.most:
            raise forms.ValidationError(f"At most {self.most}.")
        for code in codes:
            self.shape(code)
        return codes


def diagnosis(code: str) -> None:
    if not re.fullmatch(r"[A-Z][0-9][0-9A-Z](\.?[0-9A-Z]{1,4})?", code, re.ASCII):
        raise forms.ValidationError(f"{code[:10]} is no code of ICD-10-CM.")


def pointer(code: str) -> None:
    if not re.fullmatch(r"[1-9]|1[0-2]", code, re.ASCII):
        raise forms.ValidationError("Numbers of diagnoses: 1 is the first.")


class EditClaim(forms.Form):
    """The whole draft: what stands above, and each line."""

    diagnoses = Codes(
        most=MOST_DIAGNOSES,
        shape=diagnosis,
        required=False,
        help_text="Codes, the main one first, with blanks between.",
    )
    place = forms.ChoiceField(label="Place of service", choices=ClaimVersion.Place.choices)
    note = forms.CharField(label="Note to the payer", max_length=80, required=False)
    delay = forms.ChoiceField(
        label="Why it is filed late",
        choices=[("", "It is in time"), *ClaimVersion.Delay.choices],
        required=False,
        help_text="For a payer whose last day of filing is over. For another reason, say which in the note.",
    )
    seen = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, data: QueryDict | None, *, claim: Claim, version: ClaimVersion) -> None:
        self.claim, self.version = claim, version
        self.lines = list(version.lines.select_related("charge").order_by("position"))
        above = {"diagnoses": version.dotted, "seen": claim.version}
        above |= {name: getattr(version, name) for name in ABOVE[1:]}
        super().__init__(data, initial=above)
        self.stale = False
        for line in self.lines:
            self.fields |= fields_of(line)

    @property
    def parts(self) -> list[tuple[ClaimLine, list[forms.BoundField]]]:
        return [(line, [self[f"{name}-{line.position}"] for name in OF_LINE]) for line in self.lines]

    @property
    def above(self) -> list[forms.BoundField]:
        return [self[name] for name in ABOVE]

    def clean_seen(self) -> int:
        seen: int = self.cleaned_data["seen"]
        if seen != self.claim.version:
            self.stale = True
            self.data = {**cast(QueryDict, self.data).dict(), "seen": str(self.claim.version)}
            raise forms.ValidationError(STALE)
        return seen

    @transaction.atomic
    def save(self, *, by: Person) -> None:
        allow(MANAGE, by)
        self.claim.lock()
        if not self.claim.is_edited or self.claim.current_id != self.version.pk:
            raise Refused(f"{self.claim.number} is {self.claim.get_status_display().lower()} now. Take it back first.")
        data = self.cleaned_data
        with raw():
            self.version.diagnoses = [code.replace(".", "") for code in data["diagnoses"]]
            for name in ABOVE[1:]:
                setattr(self.version, name, data[name])
            self.version.save(update_fields=list(ABOVE))
            for line in self.lines:
                for name in OF_LINE:
                    setattr(line, name, data[f"{name}-{line.position}"])
                line.save(update_fields=list(OF_LINE))
        self.claim.put()
        self.claim.tell("Changed", by=by)


ABOVE = ("diagnoses", "place", "note", "delay")
OF_LINE = ("procedure", "modifiers", "units", "pointers", "authorisation")


def fields_of(line: ClaimLine) -> dict[str, forms.Field]:
    fields = (
        forms.CharField(label="CPT or HCPCS", max_length=5, required=False, validators=[CODE]),
        Codes(label="Modifiers", most=MOST_MODIFIERS, shape=MODIFIER, required=False),
        forms.DecimalField(
            label="Units", max_digits=8, decimal_places=2, validators=[MinValueValidator(Decimal("0.01"))]
        ),
        Codes(label="Diagnoses", most=MOST_POINTERS, shape=pointer, required=False),
        forms.CharField(label="Authorisation", max_length=50, required=False),
    )
    made: dict[str, Any] = dict(zip(OF_LINE, fields, strict=True))
    for name, field in made.items():
        field.initial = getattr(line, name)
        field.spoken = f"Line {line.position}: {in_a_sentence(str(field.label))}"
    return {f"{name}-{line.position}": field for name, field in made.items()}


def in_a_sentence(label: str) -> str:
    """CPT stays CPT."""
    return label if label[:2].isupper() else label.lower()


class Withdraw(forms.Form):
    reason = forms.CharField(max_length=200, label="Why it is not claimed")


class GiveUp(forms.Form):
    reason = forms.CharField(max_length=200, label="Why it is not corrected")


class Correct(forms.Form):
    reason = forms.CharField(max_length=200, label="What was wrong")
    payer_number = forms.CharField(
        max_length=50, label="Payer's number of the claim", help_text="From the payer's answer (ICN)."
    )
    void = forms.BooleanField(
        required=False, label="Make the claim void (frequency 8)", help_text="Otherwise it is replaced (frequency 7)."
    )

    def __init__(self, data: QueryDict | None, *, claim: Claim) -> None:
        super().__init__(data, initial={"payer_number": claim.payer_number})


class RecordAnswer(forms.Form):
    """What the payer said by telephone or on its page."""

    status = forms.ChoiceField(label="The payer says")
    words = forms.CharField(max_length=300, label="In its words")
    payer_number = forms.CharField(max_length=50, required=False, label="Payer's number of the claim")

    def __init__(self, data: QueryDict | None, *, claim: Claim) -> None:
        super().__init__(data, initial={"payer_number": claim.payer_number})
        field = cast(forms.ChoiceField, self.fields["status"])
        field.choices = [(one, Claim.Status(one).label) for one in recordable(claim)]


class ProcedureCodeForm(MergeForm, forms.ModelForm):
    modifiers = Codes(most=MOST_MODIFIERS, shape=MODIFIER, required=False)

    class Meta:
        model = ProcedureCode
        fields = ("kind", "code", "procedure", "modifiers", "is_claimed")

    def clean_procedure(self) -> str:
        return str(self.cleaned_data["procedure"]).strip().upper()


class IdentityForm(MergeForm, forms.ModelForm):
    class Meta:
        model = BillingIdentity
        fields = (
            *("name", "npi", "tax_number", "taxonomy", "line", "second_line", "city", "state", "zip"),
            *("contact", "telephone", "sender_number", "is_test"),
        )


class ProviderNumberForm(MergeForm, forms.ModelForm):
    class Meta:
        model = ProviderNumber
        fields = ("person", "npi", "taxonomy")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(self, "person", people_who_may("clinical.sign_note").order_by("name"))
