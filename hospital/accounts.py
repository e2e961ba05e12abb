"""How people log in: nobody signs up; people are invited."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.signals import authenticator_added, authenticator_removed, authenticator_reset
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.signals import user_logged_out
from django.http import HttpRequest

from hospital.models import Person
from hospital.sessions import leave


class Accounts(DefaultAccountAdapter):
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False


def end_sign_ins(request: HttpRequest, **kwargs: Any) -> None:
    """Logging out ends the session's sign-in in each tenant it entered."""
    leave(request.session.get("entered", {}), by=request.user if request.user.is_authenticated else None)


def stay_here(request: HttpRequest, user: Person, **kwargs: Any) -> None:
    """Whoever changes the own second factor stays logged in on this browser, and on no other."""
    user.refresh_from_db(fields=["credentials"])
    if request.user.is_authenticated and request.user.pk == user.pk:
        update_session_auth_hash(request, user)


user_logged_out.connect(end_sign_ins, dispatch_uid="end_sign_ins")
for changed in (authenticator_added, authenticator_removed, authenticator_reset):
    changed.connect(stay_here, dispatch_uid="stay_here")
