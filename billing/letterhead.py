"""Who writes to a patient about money: one line on invoices, credit notes, reminders and statements."""

from __future__ import annotations

from billing.models import BillingIdentity
from scheduling.models import Location

BETWEEN = " · "


def letterhead() -> str:
    """The billing details of the organisation; without them the first of its locations, as far as it is known."""
    if ours := BillingIdentity.ours():
        place = f"{ours.city}, {ours.state} {'-'.join(filter(None, (ours.zip[:5], ours.zip[5:])))}"
        phone = f"{ours.telephone[:3]} {ours.telephone[3:6]} {ours.telephone[6:]}"
        parts: tuple[str, ...] = (ours.name, ours.line, ours.second_line, place, phone, f"Tax number {ours.tax_number}")
    elif house := Location.objects.filter(is_active=True).order_by("name").first():
        parts = (house.name, house.address, house.phone)
    else:
        parts = ()
    return BETWEEN.join(filter(None, parts))
