"""Questions to insurers about policies, and their answers."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from billing import eligibility
from billing.models import EligibilityCheck
from billing.x12.eligibility import INFORMATION, PERIODS, SERVICES
from clinical.chart import open_chart
from clinical.models import Policy
from clinical.models.policy import INSURANCE
from hospital.http import Request
from hospital.models import AuditEntry
from hospital.permits import permit
from hospital.workflow import Refused

PAGE, LIMIT = 50, 5 * 1024**2
NETWORK = {"Y": "in the network", "N": "outside the network", "W": "in and outside the network"}
SHOWN = [("waiting", "Not answered"), *((one.value, str(one.label)) for one in EligibilityCheck.Outcome if one.value)]


class AnswerForm(forms.Form):
    file = forms.FileField(label="File of the insurer (271)")

    def clean_file(self) -> Any:
        if self.cleaned_data["file"].size > LIMIT:
            raise forms.ValidationError("The file is larger than 5 MB.")
        return self.cleaned_data["file"]


@permit(INSURANCE)
def eligibility_checks(request: Request) -> HttpResponse:
    return list_page(request, AnswerForm())


@permit(INSURANCE, "POST")
def eligibility_answer(request: Request) -> HttpResponse:
    form = AnswerForm(request.POST, request.FILES)
    if form.is_valid():
        try:
            for sentence in eligibility.take_file(form.cleaned_data["file"].read(), by=request.acting.person):
                messages.info(request, sentence)
            return redirect("billing:eligibility_checks")
        except Refused as refused:
            if refused.field != "file":
                raise
            form.add_error("file", str(refused))
    return list_page(request, form, 422)


def list_page(request: Request, form: AnswerForm, status: int = 200) -> HttpResponse:
    show = request.GET.get("show", "")
    rows = EligibilityCheck.objects.select_related("patient", "payer", "policy", "asked_by")
    counts = dict(rows.order_by().values_list("outcome").annotate(Count("pk")))
    known = {value: counts.get("" if value == "waiting" else value, 0) for value, _ in SHOWN}
    pills = [{"value": value, "label": label, "count": known[value]} for value, label in SHOWN]
    context = {
        "page": Paginator(narrowed(rows, show), PAGE).get_page(request.GET.get("page")),
        "pills": [{"value": "", "label": "All", "count": sum(counts.values())}, *pills],
        "form": form,
    }
    return render(request, "billing/eligibility/list.html", context, status=status)


def narrowed(rows: QuerySet, show: str) -> QuerySet:
    if show not in dict(SHOWN):
        return rows
    return rows.filter(outcome="" if show == "waiting" else show)


@permit(INSURANCE, "POST")
def eligibility_ask(request: Request, pk: UUID) -> HttpResponse:
    policy = get_object_or_404(Policy.objects.select_related("patient", "payer"), pk=pk)
    open_chart(policy.patient, page="insurance")
    check = eligibility.ask(policy, by=request.acting.person)
    messages.success(request, f"{check.number} is written. Send the file to the insurer, and upload its answer.")
    return redirect(check)


@permit(INSURANCE)
def eligibility_check(request: Request, pk: UUID) -> HttpResponse:
    check = found(pk)
    context = {
        "patient": open_chart(check.patient, page="insurance", about={"about": str(check.pk)}),
        "check": check,
        "benefits": [in_words(one) for one in check.benefits],
    }
    return render(request, "billing/eligibility/show.html", context)


def found(pk: UUID) -> EligibilityCheck:
    rows = EligibilityCheck.objects.select_related("patient", "payer", "policy", "asked_by", "answered_by")
    return get_object_or_404(rows, pk=pk)


def in_words(benefit: dict[str, Any]) -> dict[str, Any]:
    share, amount = benefit.get("percent"), benefit.get("amount")
    services = [SERVICES.get(code, f"service type {code}") for code in benefit.get("services", ())]
    return {
        "what": INFORMATION.get(benefit.get("information", ""), "not known here"),
        "services": ", ".join(services),
        "plan": benefit.get("plan", ""),
        "amount": Decimal(amount) if amount else None,
        "share": f"{Decimal(share):.0%}" if share else "",
        "period": PERIODS.get(benefit.get("period", ""), ""),
        "network": NETWORK.get(benefit.get("in_network", ""), ""),
        "authorisation": benefit.get("needs_authorisation", "") == "Y",
        "words": " ".join(benefit.get("messages", ())),
    }


@permit(INSURANCE)
def eligibility_file(request: Request, pk: UUID) -> HttpResponse:
    """The 270, to be sent. Who took it is written down."""
    check = found(pk)
    open_chart(check.patient, page="insurance", about={"about": str(check.pk)})
    AuditEntry.note("download", table=check._meta.db_table, row_id=check.pk, patient_id=check.patient_id)
    headers = {"Content-Disposition": f'attachment; filename="{check.number}.270"', "X-Content-Type-Options": "nosniff"}
    return HttpResponse(check.question, content_type="application/edi-x12", headers=headers)
