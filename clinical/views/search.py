"""One box for patients and places: Ctrl-K."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import NoReverseMatch, reverse

from clinical import leads
from clinical.models import Patient
from hospital.http import Request
from hospital.permits import permit


@dataclass(frozen=True)
class Command:
    words: str
    url_name: str
    icon: str
    permission: str


COMMANDS = (
    Command("Register patient", "clinical:patient_new", "user-plus", "clinical.register_patient"),
    Command("Book an appointment", "scheduling:book", "calendar-plus", "scheduling.book"),
    Command("Walk-in", "scheduling:walk_in", "man", "scheduling.check_in"),
    Command("Front desk", "clinical:front_desk", "layout-dashboard", "clinical.register_patient"),
    Command("Patients", "clinical:patients", "users", "clinical.view_patient"),
    Command("Unknown patient", "clinical:unknown_new", "user-search", "clinical.register_patient"),
    Command("Possible duplicates", "clinical:duplicates", "users", "clinical.merge_patients"),
    Command("Merged records", "clinical:merges", "users", "clinical.merge_patients"),
    Command("Tags of patients", "clinical:tags", "tag", "hospital.administer"),
    Command("Examination queue", "clinical:examination_queue", "stethoscope", "clinical.examine"),
    Command("Laboratory worklist", "clinical:lab_worklist", "flask", "clinical.process_lab"),
    Command("Consultation queue", "clinical:consultation_queue", "clipboard-heart", "clinical.diagnose"),
    Command("Dispensing", "clinical:dispensing", "pill", "clinical.dispense"),
    Command("Stock", "clinical:stock", "packages", "clinical.manage_stock"),
    Command("Payments", "billing:payments", "cash", "billing.take_payment"),
    Command("Dashboard", "billing:dashboard", "gauge", "billing.view_analytics"),
    Command("Analytics", "billing:analytics", "chart-bar", "billing.view_analytics"),
    Command("People and roles", "people", "users-group", "hospital.manage_people"),
    Command("Wall board", "clinical:board", "device-tv", "clinical.view_board"),
)


@permit("clinical.view_patient")
def search(request: Request) -> HttpResponse:
    query = request.GET.get("q", "").strip()
    found_by_code = leads.address(query, request.acting)
    if found_by_code and not request.htmx:
        return redirect(found_by_code.url)
    found = Patient.objects.search(query)[:10]
    context = {"query": query, "leads": found_by_code, "found": found, "commands": commands(request, query)}
    template = "clinical/search/_results.html" if request.htmx else "clinical/search/page.html"
    return render(request, template, context)


def commands(request: Request, query: str) -> list[dict[str, str]]:
    """The acting role's own places whose words begin with what is typed."""
    typed = query.casefold().split()
    offered = [
        command for command in COMMANDS if typed and matches(command, typed) and request.acting.may(command.permission)
    ]
    return [
        {"label": command.words, "icon": command.icon, "url": url} for command in offered if (url := address(command))
    ]


def matches(command: Command, typed: list[str]) -> bool:
    words = command.words.casefold().split()
    return all(any(word.startswith(part) for word in words) for part in typed)


def address(command: Command) -> str:
    try:
        return reverse(command.url_name)
    except NoReverseMatch:
        return ""
