"""What people say at the counter and at the shelf."""

from __future__ import annotations

from typing import Any

from django import forms

from clinical.days import today
from clinical.forms.chart import Offering
from clinical.models import Batch, Prescription, PrescriptionLine
from hospital.choices import offer

LATER, NEVER = "later", "never"


class BatchChoice(forms.ModelChoiceField):
    def label_from_instance(self, batch: Batch) -> str:
        where = f", {batch.location}" if batch.location else ""
        return f"Lot {batch.lot}, expires {batch.expires_on:%-d %b %Y}{where}: {batch.on_hand} there"


class Number(forms.IntegerField):
    """A whole number that a telephone offers its digits for."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"min_value": 1, "max_value": 1_000_000, **kwargs})
        self.widget.attrs["inputmode"] = "numeric"


class Issue(forms.Form):
    """A part, or from another batch than the first to expire."""

    quantity = Number()
    batch = BatchChoice(queryset=None, required=False, empty_label="First expiry first")
    reason = forms.CharField(
        max_length=250, required=False, help_text="Needed for less than what is outstanding, and for another batch."
    )
    rest = forms.ChoiceField(
        choices=[(LATER, "is issued later"), (NEVER, "is not issued")],
        initial=LATER,
        widget=forms.RadioSelect,
        label="The rest",
    )

    def __init__(self, *args: Any, line: PrescriptionLine, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        batches = line.medicine.batches.usable()
        there = sum(batch.on_hand for batch in batches)
        offer(self, "batch", batches)
        self.fields["quantity"].initial = min(line.outstanding, there) or None
        self.fields["quantity"].help_text = f"{line.outstanding} outstanding, {there} in stock."

    @property
    def says_never(self) -> bool:
        return self.cleaned_data["rest"] == NEVER


class WithReason(forms.Form):
    reason = forms.CharField(max_length=250)


class SendOutside(forms.Form):
    pharmacy = forms.CharField(max_length=120, label="Outside pharmacy", widget=Offering("pharmacy", ()))
    way = forms.ChoiceField(
        choices=Prescription.Way.choices,
        initial=Prescription.Way.PRINTED,
        widget=forms.RadioSelect,
        label="How it goes",
    )
    contact = forms.CharField(max_length=120, required=False, label="Telephone, fax or e-mail")
    note = forms.CharField(max_length=250, required=False, help_text="Is printed for the outside pharmacy.")

    def __init__(self, *args: Any, prescription: Prescription, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["pharmacy"].widget.offers = Prescription.objects.pharmacies_for(prescription.patient)


class TakeBack(forms.Form):
    quantity = Number()
    batch = BatchChoice(queryset=None, empty_label=None)
    reason = forms.CharField(max_length=250)

    def __init__(self, *args: Any, line: PrescriptionLine, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(self, "batch", Batch.objects.filter(moves__line=line, moves__kind="dispense").distinct())


class Receive(forms.Form):
    lot = forms.CharField(max_length=60, help_text="As printed on the package.")
    expires_on = forms.DateField(label="Expires on", widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    quantity = Number()
    location = forms.CharField(max_length=60, required=False, label="Shelf")
    reason = forms.CharField(max_length=250, required=False, label="Delivery", help_text="Supplier, delivery note.")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["expires_on"].widget.attrs["min"] = today().isoformat()


class WriteOff(forms.Form):
    quantity = Number()
    reason = forms.CharField(max_length=250, help_text="Broken, lost, expired.")


class Count(forms.Form):
    counted = Number(min_value=0, label="Counted on the shelf")
    reason = forms.CharField(max_length=250, required=False, help_text="Needed if it differs from the books.")


class Transfer(forms.Form):
    quantity = Number()
    location = forms.CharField(max_length=60, label="To the shelf")
    reason = forms.CharField(max_length=250, required=False)


class Lock(forms.Form):
    state = forms.ChoiceField(choices=Batch.State.choices, widget=forms.RadioSelect)
    reason = forms.CharField(max_length=250)
