"""Every refusal says what happened, what is safe, and what to do."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from hospital.workflow import IllegalMove, Refused


def refusal(request: HttpRequest, error: IllegalMove | Refused) -> HttpResponse:
    """409 (or the refusal's own status). HTMX shows it as a toast; a plain form gets a page with the way back."""
    status = getattr(error, "status", 409)
    if request.headers.get("HX-Request"):
        response = render(request, "_refusal.html", {"sentence": str(error)}, status=status)
        response.headers["HX-Retarget"], response.headers["HX-Reswap"] = "#toasts", "beforeend"
        return response
    return render(request, "409.html", {"sentence": str(error)}, status=status)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return render(request, "400.html", status=400)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return render(
        request,
        "403.html",
        {"sentence": str(exception or ""), "address": getattr(exception, "address", "")},
        status=403,
    )


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return render(request, "404.html", status=404)


def too_large(request: HttpRequest) -> HttpResponse:
    return render(request, "413.html", status=413)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    sentence = "This form is too old, or it came from another site. Nothing was changed. Open the page again and repeat what you did."
    return render(request, "403.html", {"sentence": sentence}, status=403)
