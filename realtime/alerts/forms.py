"""What a person says about an alert, and how one is told."""

from __future__ import annotations

from typing import Any, cast

from django import forms

from hospital.merge import MergeForm
from realtime.alerts.models import Alert, Ladder


class Acknowledge(forms.Form):
    read_back = forms.CharField(
        label="Read back",
        max_length=200,
        help_text="Type the value as the alert says it.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    done = forms.ChoiceField(label="What was done", choices=Alert.Done.choices, widget=forms.RadioSelect)
    text = forms.CharField(
        label="In your words",
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="For example: whom you called, and what was changed.",
    )

    def __init__(self, *args: Any, alert: Alert, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not alert.expected:
            del self.fields["read_back"]


class EditLadder(MergeForm, forms.ModelForm):
    class Meta:
        model = Ladder
        fields = ["cover_minutes", "head_minutes", "admin_minutes", "mail_from"]


class Settings(forms.Form):
    mails = forms.BooleanField(label="Send me e-mails about critical alerts", required=False)
    toasts = forms.MultipleChoiceField(
        label="Toasts for",
        widget=forms.CheckboxSelectMultiple,
        required=False,
        help_text="Critical alerts are always shown.",
    )

    def __init__(self, *args: Any, kinds: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast(forms.MultipleChoiceField, self.fields["toasts"]).choices = kinds
