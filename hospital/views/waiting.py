"""The numbers of the sidebar, asked again by static/counts.js."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render

from hospital.http import Request
from hospital.permits import MEMBER, permit
from hospital.waiting import current_numbers


@permit(MEMBER)
def waiting(request: Request) -> HttpResponse:
    return render(request, "_place_numbers.html", {"numbers": current_numbers()})
