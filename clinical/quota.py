"""How much may come in during a day: from one person, and into one organisation. A loop in a script stops here."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.apps import apps
from django.conf import settings
from django.db.models import Count, Q, Sum
from django.utils import timezone

from hospital.workflow import Refused

if TYPE_CHECKING:
    from hospital.models import Person

DAY = timedelta(days=1)


def refuse_over(by: Person | None, size: int) -> None:
    """What an import or another system brings counts, but is not stopped."""
    if by is None:
        return
    mine = Q(uploaded_by=by)
    today = apps.get_model("clinical", "Document").objects.filter(uploaded_at__gt=timezone.now() - DAY)
    found = today.aggregate(all=Sum("size"), mine=Sum("size", filter=mine), count=Count("pk", filter=mine))
    if (found["all"] or 0) + size > settings.UPLOAD_DAY_TENANT:
        raise Refused("Your organisation has filed as much as it may in one day. Tell the administrator.", status=429)
    if (found["mine"] or 0) + size > settings.UPLOAD_DAY_PERSON or found["count"] >= settings.UPLOAD_DAY_FILES:
        raise Refused(
            "You have filed as much as one person may in a day. Go on tomorrow, or ask a colleague.", status=429
        )
