"""The people of a tenant: who works here, in which roles, and who is invited."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth import login
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from hospital.forms import AcceptInvitation, Invite
from hospital.http import Request
from hospital.invitations import post
from hospital.models import Invitation, Membership, Tenant
from hospital.permits import permit
from hospital.tenancy import acting_for

MANAGE = "hospital.manage_people"


@permit(MANAGE)
def people(request: Request) -> HttpResponse:
    return _page(request, Invite())


@permit(MANAGE, "POST")
def invite(request: Request) -> HttpResponse:
    form = Invite(request.POST)
    if not form.is_valid():
        return _page(request, form, status=422)
    invitation, _ = Invitation.issue(**form.cleaned_data, by=request.acting.person)
    post(invitation, site=request.build_absolute_uri("/accounts/").removesuffix("/accounts/"))
    messages.success(request, f"An invitation goes to {invitation.email}.")
    return redirect("people")


@permit(MANAGE, "POST")
def withdraw(request: Request, pk) -> HttpResponse:
    get_object_or_404(Invitation.objects.select_for_update(), pk=pk).withdraw()
    return redirect("people")


@permit(MANAGE, "POST")
def end_membership(request: Request, pk) -> HttpResponse:
    get_object_or_404(Membership, pk=pk).end()
    return redirect("people")


@permit(MANAGE, "POST")
def change_head(request: Request, pk) -> HttpResponse:
    """Make somebody a head of the role, or no longer."""
    membership = get_object_or_404(Membership.objects.select_for_update(of=("self",)), pk=pk, is_active=True)
    membership.be_head(not membership.is_head)
    return redirect("people")


@require_http_methods(["GET", "POST"])
def accept_invitation(request: Request, tenant: str, secret: str) -> HttpResponse:
    """Whoever has the link sets a name and a password (or, with an account, logs in first) and is in."""
    organisation = Tenant.objects.filter(slug=tenant, is_active=True).first()
    if organisation is None:
        raise Http404
    with acting_for(organisation):
        invitation = Invitation.by_secret(secret)
        if invitation is None or not invitation.is_open:
            return render(request, "people/invitation_over.html", status=404)
        form = AcceptInvitation(
            request.POST if request.method == "POST" else None, invitation=invitation, person=request.user
        )
        if request.method == "GET" or not form.is_valid():
            context = {"form": form, "invitation": invitation, "tenant": organisation}
            return render(request, "people/accept.html", context, status=422 if request.method == "POST" else 200)
        person = form.save()
        invitation.accept(person)
    if not request.user.is_authenticated:
        login(request, person, backend="allauth.account.auth_backends.AuthenticationBackend")
    return redirect(f"/{organisation.slug}/")


def _page(request: Request, form: Invite, status: int = 200) -> HttpResponse:
    memberships = (
        Membership.objects.filter(is_active=True)
        .select_related("person", "role")
        .order_by("person__name", "role__position")
    )
    open_invitations = [row for row in Invitation.objects.select_related("role", "invited_by") if row.is_open]
    return render(
        request,
        "people/people.html",
        {"form": form, "memberships": memberships, "invitations": open_invitations},
        status=status,
    )
