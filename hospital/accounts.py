"""How people log in: nobody signs up; people are invited."""

from allauth.account.adapter import DefaultAccountAdapter
from django.contrib.auth.signals import user_logged_out
from django.http import HttpRequest
from django.utils import timezone

from hospital.models import SignIn, Tenant
from hospital.tenancy import acting_for


class Accounts(DefaultAccountAdapter):
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False


def end_sign_ins(request: HttpRequest, **kwargs: object) -> None:
    """Logging out ends the session's sign-in in each tenant it entered."""
    for tenant_id, sign_in_id in request.session.get("entered", {}).items():
        with acting_for(Tenant(pk=tenant_id), request.user if request.user.is_authenticated else None):
            sign_in = SignIn.objects.filter(pk=sign_in_id).first()
            if sign_in:
                sign_in.ended_at = timezone.now()
                sign_in.save(update_fields=["ended_at"])


user_logged_out.connect(end_sign_ins, dispatch_uid="end_sign_ins")
