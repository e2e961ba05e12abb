"""Where a person begins: the organisation, then the acting role's first page."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.db import DatabaseError, connection, transaction
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET

from hospital.http import Request
from hospital.models import Tenant
from hospital.permits import MEMBER, permit

MINE = """
    SELECT DISTINCT m.tenant_id FROM hospital_membership m WHERE m.person_id = %s AND m.is_active
"""


@require_GET
@login_required
def start(request: Request) -> HttpResponse:
    """One organisation: go there. Several: choose."""
    tenants = tenants_of(request.user)
    if len(tenants) == 1:
        return redirect(f"/{tenants[0].slug}/")
    return render(request, "start.html", {"tenants": tenants})


def tenants_of(person) -> list[Tenant]:
    """The active organisations that a person belongs to; the database shows a person the own memberships."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('app.person', %s, true)", [str(person.pk)])
        cursor.execute(MINE, [person.pk])
        return list(Tenant.objects.filter(is_active=True, pk__in=[row[0] for row in cursor.fetchall()]))


@permit(MEMBER)
def home(request: Request) -> HttpResponse:
    return redirect(request.acting.role.home)


@permit(MEMBER, "POST")
def switch_role(request: Request) -> HttpResponse:
    """Act in another of one's own roles."""
    role = next((role for role in request.my_roles if role.key == request.POST.get("role")), None)
    if role is None:
        raise Http404
    request.session["roles"] = {**request.session.get("roles", {}), str(request.acting.tenant.pk): role.key}
    return redirect(asked_for(request) or role.home)


def asked_for(request: Request) -> str:
    """A page of this organisation, to which the role was chosen."""
    address = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(address, None) and address.startswith(f"/{request.tenant_slug}/")
    return address if is_ours else ""


@require_GET
def healthz(request: Request) -> HttpResponse:
    """For the proxy and the supervisor: whether a page could be served now."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return HttpResponse("no database\n", status=503, content_type="text/plain")
    return HttpResponse("ok\n", content_type="text/plain")
