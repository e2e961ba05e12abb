"""`{% account_section visit %}`: what a visit costs, on the pages of other apps."""

from __future__ import annotations

from typing import Any

from django import template

from billing.models import Account, Package
from hospital.context import current

register = template.Library()


@register.inclusion_tag("billing/account/_section.html")
def account_section(visit: Any, oob: bool = False) -> dict[str, Any]:
    """Nothing for those who may not see accounts."""
    acting = current()
    account = Account(visit) if acting.may("billing.view_account") else None
    return {
        "account": account,
        "packages": account is not None and any(Package.fitting(account.charges)),
        "visit": visit,
        "acting": acting,
        "may_take": acting.may("billing.take_payment"),
        "may_waive": acting.may("billing.waive"),
        "may_approve": acting.may("billing.approve_refund"),
        "oob": oob,
    }
