"""What is owed for long, letters about it, and money that waits to go back."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from billing.ageing import BUCKETS, owing
from billing.models import Refund, Reminder
from billing.models.invoice import WRITE
from billing.models.reminder import to_remind
from billing.money import ZERO
from clinical.chart import open_chart
from clinical.models import Patient
from hospital.http import Request
from hospital.models import AuditEntry
from hospital.permits import permit
from hospital.spreadsheets import as_csv
from hospital.workflow import Refused

SEE = "billing.view_account"
PAGE = 25
REFUNDS = (
    ("", "To decide or pay out", Q(status__in=(Refund.Status.REQUESTED, Refund.Status.APPROVED))),
    ("requested", "To decide", Q(status=Refund.Status.REQUESTED)),
    ("approved", "To pay out", Q(status=Refund.Status.APPROVED)),
    ("over", "Over", Q(status__in=(Refund.Status.PAID_OUT, Refund.Status.REJECTED))),
)


@permit(SEE)
def ageing(request: Request) -> HttpResponse:
    rows = owing()
    numbers = list(rows.order_by().values("due", *(name for name, *_ in BUCKETS)))
    counts = {name: sum(1 for one in numbers if one[name] > 0) for name, *_ in BUCKETS}
    show = request.GET.get("show", "")
    chosen = rows.filter(**{f"{show}__gt": 0}) if show in {name for name, *_ in BUCKETS} else rows
    page = Paginator(chosen.order_by("-due", "charge__patient"), PAGE).get_page(request.GET.get("page"))
    patients = Patient.objects.in_bulk([row["charge__patient"] for row in page])
    context = {
        "page": page,
        "rows": [(patients[row["charge__patient"]], row, [row[name] for name, *_ in BUCKETS]) for row in page],
        "heads": [label for _, label, *_ in BUCKETS],
        "figures": [(label, sum((one[name] for one in numbers), ZERO)) for name, label, *_ in BUCKETS],
        "due": sum((one["due"] for one in numbers), ZERO),
        "pills": [
            {"value": "", "label": "All", "count": len(numbers)},
            *({"value": name, "label": label, "count": counts[name]} for name, label, *_ in BUCKETS),
        ],
    }
    return render(request, "billing/owed/ageing.html", context)


@permit(SEE)
def ageing_csv(request: Request) -> HttpResponse:
    rows = list(owing().order_by("-due", "charge__patient"))
    patients = Patient.objects.in_bulk([row["charge__patient"] for row in rows])
    AuditEntry.note("export", detail={"report": "ageing", "rows": len(rows)})
    lines = [["Number", "Patient", *(label for _, label, *_ in BUCKETS), "Due"]]
    for row in rows:
        patient = patients[row["charge__patient"]]
        lines.append([patient.number, patient.name, *(row[name] for name, *_ in BUCKETS), row["due"]])
    headers = {"Content-Disposition": 'attachment; filename="ageing.csv"'}
    return HttpResponse(as_csv(lines), content_type="text/csv; charset=utf-8", headers=headers)


@permit(WRITE, "GET", "POST")
def reminders(request: Request) -> HttpResponse:
    """Who is to be reminded now, and the letters that were written."""
    if request.method == "POST":
        return write_letters(request)
    waiting = to_remind()
    letters = Reminder.objects.select_related("invoice__patient", "written_by").order_by("-serial")
    show = request.GET.get("show", "")
    context = {
        "pills": [
            {"value": "", "label": "To write", "count": len(waiting)},
            {"value": "written", "label": "Written", "count": letters.count()},
        ],
        "written": show == "written",
        "page": Paginator(letters if show == "written" else waiting, PAGE).get_page(request.GET.get("page")),
    }
    return render(request, "billing/owed/reminders.html", context)


def write_letters(request: Request) -> HttpResponse:
    chosen = [row.pk for row, _ in to_remind() if str(row.pk) in request.POST.getlist("invoice")]
    if not chosen:
        raise Refused("Choose at least one invoice.", status=422)
    written, refused = Reminder.write_all(chosen, by=request.acting.person)
    for why in refused:
        messages.warning(request, why)
    if written:
        messages.success(request, f"{len(written)} {'letter is' if len(written) == 1 else 'letters are'} written.")
    return redirect(f"{request.path}?show=written")


@permit(WRITE)
def reminder(request: Request, pk: UUID) -> HttpResponse:
    """The letter on paper."""
    row = get_object_or_404(Reminder.objects.select_related("invoice__patient", "written_by"), pk=pk)
    patient = open_chart(row.invoice.patient, page="reminder", at_work=True)
    AuditEntry.note("print", table=Reminder._meta.db_table, row_id=row.pk, patient_id=patient.pk)
    context = {"reminder": row, "patient": patient, "back": row.invoice.get_absolute_url()}
    return render(request, "billing/owed/reminder.html", context)


@permit(SEE)
def refunds(request: Request) -> HttpResponse:
    counts = Refund.objects.aggregate(**{f"n_{name}": Count("pk", filter=chosen) for name, _, chosen in REFUNDS})
    chosen = next((chosen for name, _, chosen in REFUNDS if name == request.GET.get("show")), REFUNDS[0][2])
    rows = Refund.objects.filter(chosen).select_related("payment__patient", "payment__visit", "requested_by")
    context = {
        "page": Paginator(rows.order_by("requested_at", "pk"), PAGE).get_page(request.GET.get("page")),
        "pills": [{"value": name, "label": label, "count": counts[f"n_{name}"]} for name, label, _ in REFUNDS],
    }
    return render(request, "billing/owed/refunds.html", context)
