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
    entered = request.session.get("entered", {})
    for tenant in Tenant.objects.filter(pk__in=entered):
        with acting_for(tenant, request.user if request.user.is_authenticated else None):
            sign_in = SignIn.objects.filter(pk=entered[str(tenant.pk)]).first()
            if sign_in:
                sign_in.ended_at = timezone.now()
                sign_in.save(update_fields=["ended_at"])


user_logged_out.connect(end_sign_ins, dispatch_uid="end_sign_ins")
