"""The worklist of claims, what is still to be claimed, and the batches."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.db import models
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse

from billing.claims import drafting, sending, together
from billing.claims.scrubber import counted
from billing.claims.together import Together
from billing.models import Claim, ClaimBatch
from billing.models.claim import MANAGE, VIEW, Claims
from clinical.chart import note_mention
from clinical.models.payer import Payer
from clinical.views.answers import answered, as_file
from hospital.http import Request
from hospital.models import AuditEntry
from hospital.permits import permit
from hospital.workflow import Refused

PAGE, MOST_ROWS = 25, 5000
S, UNDONE = Claim.Status, "undone"
GROUPS: dict[str, tuple[str, tuple[str, ...]]] = {
    "": ("To do", (S.DRAFT, S.CORRECTED, S.SCRUBBED, S.READY, S.REJECTED)),
    "draft": ("To check", Claim.EDITED),
    "scrubbed": ("Checked", (S.SCRUBBED,)),
    "ready": ("Ready", (S.READY,)),
    "rejected": ("Rejected", (S.REJECTED,)),
    "payer": ("With the payer", (S.SUBMITTED, S.ACCEPTED, S.IN_PROCESS, S.PENDED)),
    "denied": ("Denied or in appeal", (S.DENIED, S.APPEALED)),
    "paid": ("Paid", (S.PAID, S.PARTIALLY_PAID)),
    "closed": ("Closed", (S.TRANSFERRED, S.WRITTEN_OFF, S.VOIDED, S.WITHDRAWN)),
    "all": ("All", tuple(S.values)),
}


@permit(VIEW)
def claims(request: Request) -> HttpResponse:
    rows = narrowed(request.GET)
    counts = dict(rows.order_by().values_list("status").annotate(models.Count("pk")))
    page = Paginator(ordered(chosen(rows, request.GET)), PAGE).get_page(request.GET.get("page"))
    note_mention({row.patient for row in page}, page="claims")
    pills = [
        {"value": key, "label": label, "count": sum(counts.get(one, 0) for one in statuses)}
        for key, (label, statuses) in GROUPS.items()
    ]
    pills.insert(-1, {"value": UNDONE, "label": "Not done", "count": rows.undone().count()})
    context = {
        "page": page,
        "pills": pills,
        "payers": Payer.objects.order_by("name"),
        "payer": request.GET.get("payer", ""),
        "text": text_of(request.GET),
        "ready": counts.get(S.READY, 0),
        "to_claim": drafting.to_be_claimed().count(),
        "checkable": Claim.CHECKED,
        "is_filtered": bool(text_of(request.GET) or request.GET.get("payer")),
    }
    return render(request, "billing/claim/list.html", context)


@permit(VIEW)
def claims_csv(request: Request) -> HttpResponse:
    rows = ordered(chosen(narrowed(request.GET), request.GET))[:MOST_ROWS]
    headings = ("Claim", "Patient", "Payer", "Service", "Amount", "Status", "File by", "Payer's number", "Last answer")
    lines = [
        (
            *(row.number, row.patient.name, row.payer.name, row.service_on, row.amount),
            *(row.get_status_display(), row.deadline, row.payer_number, row.answer),
        )
        for row in rows
    ]
    return as_file(request, "claims", headings, lines, table="billing_claim")


def narrowed(query: QueryDict) -> Claims:
    rows, text = Claim.objects.shown(), text_of(query)
    try:
        rows = rows.filter(payer=UUID(str(query["payer"]))) if query.get("payer") else rows
    except ValueError:
        rows = rows.none()
    if not text:
        return rows
    one = Claim.objects.by_control_number(text)
    said = models.Q(patient__is_restricted=False, patient__search__icontains=text.lower())
    return rows.filter(said | models.Q(payer_number__iexact=text) | models.Q(pk=one.pk if one else None))


def text_of(query: QueryDict) -> str:
    return query.get("q", "").replace("\0", "").strip()[:60]


def chosen(rows: Claims, query: QueryDict) -> Claims:
    show = query.get("show", "")
    return rows.undone() if show == UNDONE else rows.filter(status__in=GROUPS.get(show, GROUPS[""])[1])


def ordered(rows: models.QuerySet[Claim]) -> models.QuerySet[Claim]:
    """What has to be filed first stands first; what is with the payer, by what moved last."""
    unsent = models.Case(models.When(status__in=Claim.UNSENT, then="deadline"), output_field=models.DateField())
    return rows.annotate(first=unsent).order_by(models.F("first").asc(nulls_last=True), "-status_at", "-serial")


@permit(VIEW)
def to_be_claimed(request: Request) -> HttpResponse:
    page = Paginator(drafting.to_be_claimed(), PAGE).get_page(request.GET.get("page"))
    note_mention({note.patient for note in page}, page="to be claimed")
    standing = drafting.standing_for(page)
    rows = [(note, standing.get(note.pk)) for note in page]
    return render(request, "billing/claim/to_be_claimed.html", {"page": page, "rows": rows})


@permit(MANAGE, "POST")
def claims_submit(request: Request) -> HttpResponse:
    """All that are ready, of those that the list was narrowed to."""
    ready = narrowed(request.POST).filter(status=Claim.Status.READY)
    batches = sending.submit(ready.order_by("deadline", "serial")[: sending.MOST], by=request.acting.person)
    names = ", ".join(batch.number for batch in batches)
    messages.success(request, f"{names} {'is' if len(batches) == 1 else 'are'} being written.")
    return redirect(batches[0] if len(batches) == 1 else "billing:claim_batches")


@permit(MANAGE, "POST")
def claims_check(request: Request) -> HttpResponse:
    """Those that were chosen in the list: what passes is ready, what does not says how much is to correct."""
    chosen = Claim.objects.filter(pk__in=keys_of(request.POST.getlist("claim")))
    if not chosen:
        raise Refused("Choose at least one claim of the list.", status=422)
    tell(request, together.check_all(chosen, by=request.acting.person), "ready to be sent")
    back = QueryDict(request.POST.get("back", "")[:500]).urlencode()
    return redirect(f"{reverse('billing:claims')}?{back}")


def keys_of(texts: list[str]) -> list[UUID]:
    if len(texts) > together.AT_ONCE:
        raise Refused(f"At most {together.AT_ONCE} claims are checked at once. Choose fewer.", status=422)
    try:
        return [UUID(text) for text in texts]
    except ValueError:
        raise Refused("This list is not from here. Open the page again.", status=400) from None


def tell(request: Request, what: Together, became: str) -> None:
    """How many, and each that stays as it was with its reason."""
    if done := len(what.done):
        messages.success(request, f"{counted(done, 'claim')} {'is' if done == 1 else 'are'} {became}.")
    for reason in what.reasons:
        messages.warning(request, reason)


# --- batches ----------------------------------------------------------------------------------------


@permit(VIEW)
def claim_batches(request: Request) -> HttpResponse:
    status = request.GET.get("status", "")
    rows = ClaimBatch.objects.select_related("payer", "asked_by")
    counts = dict(ClaimBatch.objects.order_by().values_list("status").annotate(models.Count("pk")))
    pills: list[dict[str, Any]] = [{"value": "", "label": "All", "count": sum(counts.values())}]
    pills += [
        {"value": value, "label": label, "count": counts.get(value, 0)} for value, label in ClaimBatch.Status.choices
    ]
    chosen = rows.filter(status=status) if status in ClaimBatch.Status.values else rows
    context = {"page": Paginator(chosen, PAGE).get_page(request.GET.get("page")), "pills": pills}
    return render(request, "billing/claim_batch/list.html", context)


@permit(VIEW)
def claim_batch(request: Request, pk: UUID) -> HttpResponse:
    batch = get_object_or_404(ClaimBatch.objects.select_related("payer", "asked_by"), pk=pk)
    items = batch.items.select_related("claim_version__claim__patient").order_by("claim_version__claim__serial")
    page = Paginator(items, PAGE).get_page(request.GET.get("page"))
    note_mention({item.claim_version.claim.patient for item in page}, page="batch of claims")
    file, rejected = batch.files.defer("text").first(), together.rejected_in(batch).count()
    context = {"batch": batch, "page": page, "file": file, "rejected": rejected}
    return render(request, "billing/claim_batch/page.html", context)


@permit(MANAGE)
def claim_batch_file(request: Request, pk: UUID) -> HttpResponse:
    """As it was written, to be sent. Who took it out of the house is written down."""
    batch = get_object_or_404(ClaimBatch, pk=pk)
    file = get_object_or_404(batch.files)
    detail = {"file": file.name, "claims": batch.total, "sha256": file.sha256}
    AuditEntry.note("export", table="billing_batchfile", row_id=file.pk, detail=detail)
    return HttpResponse(
        file.text,
        content_type="application/edi-x12",
        headers={"Content-Disposition": f'attachment; filename="{file.name}"', "X-Content-Type-Options": "nosniff"},
    )


@permit(MANAGE, "POST")
def claim_batch_again(request: Request, pk: UUID) -> HttpResponse:
    batch = get_object_or_404(ClaimBatch, pk=pk)
    sending.try_again(batch, by=request.acting.person)
    return answered(request, batch.get_absolute_url())


@permit(MANAGE, "POST")
def claim_batch_mend(request: Request, pk: UUID) -> HttpResponse:
    """All that were rejected with it are drafts again; afterwards the batch says of each what it is now."""
    batch = get_object_or_404(ClaimBatch, pk=pk)
    what = together.mend_all(batch, by=request.acting.person)
    if not (what.done or what.left):
        raise Refused(f"No claim of {batch} is rejected any more.")
    tell(request, what, "taken back, and can be changed")
    if more := together.rejected_in(batch).count() - len(what.left):
        messages.warning(
            request,
            f"{counted(more, 'claim')} of it {'is' if more == 1 else 'are'} rejected still. Take them back in the same way.",
        )
    return answered(request, batch.get_absolute_url())
