"""An open page asks again whether it may say who is here."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404

from clinical.models import Patient
from clinical.presence import VIEW, token_of
from hospital.http import Request
from hospital.permits import permit


@permit(VIEW)
def here(request: Request, pk: UUID) -> HttpResponse:
    return JsonResponse({"here": token_of(get_object_or_404(Patient, pk=pk))})
