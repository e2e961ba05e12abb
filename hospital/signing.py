"""Whoever signs says once more who they are: with the password, or with the second factor of those who have one."""

from __future__ import annotations

from typing import Any

from allauth.core import ratelimit
from allauth.mfa.models import Authenticator
from django import forms

from hospital.http import Request

ACTION = "reauthenticate"


class Signing(forms.Form):
    """A mixin: the field `proof`, checked against the acting person. Ten wrong ones in a minute are enough."""

    proof = forms.CharField(max_length=200, strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "off"}))

    def __init__(self, *args: Any, request: Request, **kwargs: Any) -> None:
        self.request = request
        super().__init__(*args, **kwargs)
        self.factor = factor_of(request)
        field = self.fields["proof"]
        field.label = "Code of your authenticator" if self.factor else "Your password"
        field.widget.attrs["autocomplete"] = "one-time-code" if self.factor else "current-password"

    def clean_proof(self) -> str:
        person = self.request.acting.person
        if not ratelimit.consume(self.request, action=ACTION, user=person, dry_run=True):
            raise forms.ValidationError("Too many wrong entries. Wait a minute.")
        if not self._is_right(self.cleaned_data["proof"]):
            ratelimit.consume(self.request, action=ACTION, user=person)
            raise forms.ValidationError("This code is not right." if self.factor else "This is not your password.")
        return ""

    def _is_right(self, proof: str) -> bool:
        if self.factor:
            return bool(self.factor.wrap().validate_code(proof))
        return self.request.acting.person.check_password(proof)


def factor_of(request: Request) -> Authenticator | None:
    rows = Authenticator.objects.filter(user=request.acting.person, type=Authenticator.Type.TOTP)
    return rows.first()
