"""Money on the screens of colleagues: a refund that is asked for and decided, a remittance on which two work."""

from __future__ import annotations

from decimal import Decimal

import pytest
from playwright.sync_api import expect

from billing import remitting
from billing.claims import drafting, scrubber
from billing.models import PayerRefund, Payment, Refund, RemittanceClaim
from billing.tests.claims import a_note, furnish
from billing.tests.remittances import decided, line, posted, sent, taken
from billing.tests.till import price, visit
from clinical.tests.test_care_browser import opened

pytestmark = pytest.mark.browser


@pytest.fixture
def page(browser):
    page = browser.new_context().new_page()
    yield page
    page.context.close()


def test_who_decides_sees_a_refund_that_is_asked_for_and_who_asked_sees_the_decision(site, alpha, browser, page):
    with alpha.acting("reception"):
        price("50")
        seen = visit()
        payment = Payment.take(seen, Decimal(50), method="card", by=alpha.reception)
    desk = browser.new_context().new_page()
    opened(site, alpha, page, "billing", "/payments/")
    opened(site, alpha, desk, "reception", f"/visits/{seen.pk}/")
    expect(page.locator("#open-refunds")).to_contain_text("No refund waits")
    with alpha.acting("reception"):
        refund = Refund.request(payment, Decimal("7.31"), "Charged twice", by=alpha.reception)
    expect(page.locator("#open-refunds")).to_contain_text("$7.31")
    expect(page.locator("#toasts")).to_contain_text("$7.31 back to")
    expect(desk.locator(f"#refund-{refund.pk}")).to_contain_text("Requested")
    with alpha.acting("billing"):
        refund.reject("It was not", by=alpha.billing)
    expect(desk.locator(f"#refund-{refund.pk}")).to_contain_text("It was not")
    expect(desk.locator("#toasts")).to_contain_text("rejected")
    expect(page.locator("#open-refunds")).to_contain_text("No refund waits")
    desk.context.close()


def test_what_a_colleague_does_with_a_remittance_is_on_the_page_at_once(site, alpha, page):
    claim = sent(alpha)
    said = decided(claim, line(claim, 1, "80.00", CO45="20.00"))
    row = taken(alpha, said)
    opened(site, alpha, page, "billing", f"/remittances/{row.pk}/")
    shown = page.locator("#remittance")
    expect(shown).to_contain_text("It is another claim")
    with alpha.acting("billing") as acting:
        remitting.unmatch(row.claims.get(), by=acting.person)
    expect(shown).to_contain_text("It was matched with the wrong claim.")
    with alpha.acting("billing") as acting:
        remitting.match(row.claims.get(), claim, by=acting.person)
        remitting.post(row, by=acting.person)
    expect(shown.locator(".claim-state")).to_contain_text("Posted")
    expect(shown.get_by_role("button", name="Post", exact=True)).to_have_count(0)


def test_what_was_chosen_in_a_list_stays_chosen_when_a_colleague_changes_another_row(site, alpha, page):
    furnish(alpha)
    notes = [a_note(alpha) for _ in range(2)]
    with alpha.acting("billing") as acting:
        chosen, other = (drafting.begin(note, by=acting.person) for note in notes)
    opened(site, alpha, page, "billing", "/claims/")
    page.locator(f"[name=claim][value='{chosen.pk}']").check()
    with alpha.acting("billing") as acting:
        scrubber.scrub(other, by=acting.person)
    expect(page.locator(f"#claims tr:has([value='{other.pk}'])")).not_to_contain_text("Draft")
    expect(page.locator(f"[name=claim][value='{chosen.pk}']")).to_be_checked()


def test_who_asked_for_a_refund_to_a_payer_can_pay_it_out_once_it_is_approved(site, alpha, page):
    claim = sent(alpha)
    said = decided(claim, line(claim, 1, "80.00", CO45="20.00"))
    posted(alpha, said)
    row = posted(alpha, said)
    with alpha.acting("billing") as acting:
        refund = PayerRefund.request(
            RemittanceClaim.objects.get(remittance=row), Decimal(80), "Paid twice", by=acting.person
        )
    opened(site, alpha, page, "billing", f"/payer-refunds/{refund.pk}/")
    expect(page.get_by_role("link", name="Pay out")).to_have_count(0)
    with alpha.acting("admin") as acting:
        refund.approve(by=acting.person)
    expect(page.get_by_role("link", name="Pay out")).to_be_visible()
