"""Letters of appeal that an organisation begins with. It changes them as it likes."""

from __future__ import annotations

from billing.models import AppealLetter
from billing.x12.codes import Category

HEAD = "{payer}\n{address}\n\nClaim {claim}, your number {payer_number}\nPatient {patient}, member {member}\nService of {service}\n\n"
TAIL = "\n\nWe ask you to review your decision of {denied} ({reasons}) and to pay {amount}.\n\n{writer}\n{hospital}\n{today}"
LETTERS: tuple[tuple[str, str, str], ...] = (
    (
        "Medical necessity",
        Category.MEDICAL_NECESSITY,
        "The service was needed. The note of the visit, which we enclose, says why it was chosen and what else was tried.",
    ),
    (
        "Authorisation",
        Category.AUTHORISATION,
        "You authorised this service before it was given. The number and the day of your approval are enclosed.",
    ),
    (
        "Filed in time",
        Category.TIMELY_FILING,
        "The claim was sent within your limit. The acknowledgement of our file, which we enclose, bears the day.",
    ),
    (
        "Information that was missing",
        Category.INFORMATION_MISSING,
        "What you asked for is enclosed. With it the claim can be decided.",
    ),
    ("Any other reason", "", "We do not agree with the decision, for the reasons that follow."),
)


def install() -> int:
    """Those that are not there yet, by name."""
    known = set(AppealLetter.objects.values_list("name", flat=True))
    fresh = [one for one in LETTERS if one[0] not in known]
    for name, category, words in fresh:
        AppealLetter.objects.create(
            name=name, category=category, subject="{level}: claim {claim}", text=f"{HEAD}{words}{TAIL}"
        )
    return len(fresh)
