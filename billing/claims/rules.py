"""The rules of the scrubber. Each looks at the parts of one claim and yields what it finds: words, and the line if it is one's.

A new rule is a function and its line in `RULES`.
"""

from __future__ import annotations

from collections.abc import Iterator

from django.db import models

from billing.claims.kept import kept_of
from billing.claims.rule import Found, Rule
from billing.claims.trial import refusals_of
from billing.claims.who_rules import (
    birth_date_is_unknown,
    died_before,
    doctor_has_no_number,
    holder_is_unknown,
    member_number_is_missing,
    name_cannot_be_sent,
    our_zip_is_short,
    patient_has_no_address,
    payer_has_no_identifier,
    payer_is_out_of_use,
    policy_does_not_cover,
    policy_is_out_of_use,
    policy_is_unverified,
    sex_is_unknown,
    state_has_no_code,
    we_have_no_numbers,
)
from billing.claims.writing import Parts
from billing.models import Claim, ClaimLine, ClaimVersion, Kind, ScrubFinding
from billing.models.claim_version import MOST_POINTERS
from billing.money import ZERO, spoken
from billing.x12.claim import ORIGINAL, VOID
from billing.x12.claim_rules import MOST_LINES
from billing.x12.sheet import plain
from clinical import days
from clinical.models import Encounter, LabOrder
from clinical.models.code import Icd10Code

ERROR, WARNING = ScrubFinding.Level.ERROR, ScrubFinding.Level.WARNING
SOON = 7
MANY_UNITS = 30
OFFICE_VISITS = ("9920", "9921", "9924", "9938", "9939")
VIDEO = {"93", "95", "GT", "GQ"}
NOT_DONE = (LabOrder.Status.REQUESTED, *LabOrder.REJECTABLE)
APART = {"59", "76", "77", "91", "XE", "XP", "XS", "XU"}  # modifiers that say why something is there twice


# --- the lines ------------------------------------------------------------------------------


def has_no_lines(parts: Parts) -> Iterator[Found]:
    if not parts.lines:
        yield Found("Nothing is claimed.")


def has_too_many_lines(parts: Parts) -> Iterator[Found]:
    if len(parts.lines) > MOST_LINES:
        yield Found(f"There are {len(parts.lines)} lines. A claim has at most {MOST_LINES}.")


def line_has_no_code(parts: Parts) -> Iterator[Found]:
    for line in parts.lines:
        if not line.procedure:
            yield Found(f"{line.charge.text} has no code of a procedure.", line)


def charge_has_no_price(parts: Parts) -> Iterator[Found]:
    for line in parts.lines:
        if line.charge.needs_price:
            yield Found(f"Nobody has set a price for {line.charge.text}.", line)


def charge_has_changed(parts: Parts) -> Iterator[Found]:
    """What is made void is said as it was."""
    lines = parts.lines if parts.version.frequency != VOID else ()
    kept = kept_of(line.charge for line in lines)
    for line in lines:
        asked = line.charge.unit_price * kept.get(line.charge_id, line.charge.quantity)
        if not line.charge.is_open:
            yield Found(f"{line.charge.text} was cancelled or waived meanwhile.", line)
        elif asked != line.amount:
            yield Found(f"{line.charge.text} costs {spoken(asked)}, the line says another amount.", line)


def test_is_not_done(parts: Parts) -> Iterator[Found]:
    """A test is charged from its order on, and asked for from its result on."""
    if parts.version.frequency == VOID:
        return
    lines = {line.charge.source_id: line for line in parts.lines if line.charge.kind == Kind.TEST}
    for order in LabOrder.objects.filter(pk__in=lines, status__in=NOT_DONE).order_by("accession"):
        line = lines[order.pk]
        yield Found(f"{line.charge.text} has no result: it is {order.get_status_display().lower()}.", line)


def amount_is_zero(parts: Parts) -> Iterator[Found]:
    for line in parts.lines:
        if line.amount == ZERO and not line.charge.needs_price:
            yield Found(f"{line.charge.text} is claimed with nothing.", line)


def units_are_many(parts: Parts) -> Iterator[Found]:
    for line in parts.lines:
        if line.units > MANY_UNITS:
            yield Found(f"{line.units.normalize():f} units of {line.procedure or line.charge.text} are many.", line)


def is_of_the_future(parts: Parts) -> Iterator[Found]:
    for line in parts.lines:
        if line.service_on > days.today():
            yield Found(f"{line.charge.text} is of {line.service_on:%-d %b %Y}, which is still to come.", line)


def is_there_twice(parts: Parts) -> Iterator[Found]:
    seen: dict[tuple[str, object], int] = {}
    for line in parts.lines:
        key = (line.procedure, line.service_on)
        if line.procedure and key in seen and not APART & set(line.modifiers):
            yield Found(f"{line.procedure} is there twice on one day, in lines {seen[key]} and {line.position}.", line)
        seen.setdefault(key, line.position)


def visit_lacks_25(parts: Parts) -> Iterator[Found]:
    """A visit beside something else that is done on the same day is paid only if it says that it stands by itself."""
    others = any(line.procedure and not line.procedure.startswith((*OFFICE_VISITS, "8", "J")) for line in parts.lines)
    for line in parts.lines:
        if others and line.procedure.startswith(OFFICE_VISITS) and "25" not in line.modifiers:
            yield Found(f"{line.procedure} stands beside a procedure without modifier 25.", line)


def is_video_without_95(parts: Parts) -> Iterator[Found]:
    """Whoever is at home is seen by video; which codes are done so only the doctor's note says."""
    if parts.version.place == ClaimVersion.Place.TELEHEALTH_HOME:
        for line in parts.lines:
            if line.procedure.startswith(OFFICE_VISITS) and not VIDEO & set(line.modifiers):
                yield Found(f"{line.procedure} by video has no modifier that says so.", line)


def is_claimed_already(parts: Parts) -> Iterator[Found]:
    """The same charge on another claim that stands, to a payer at the same place of the order."""
    others = Claim.objects.standing().filter(order=parts.claim.order).exclude(pk=parts.claim.pk)
    lines = ClaimLine.objects.filter(claim_version=models.F("claim_version__claim__current"))
    rows = lines.filter(claim_version__claim__in=others, charge__in=[line.charge_id for line in parts.lines])
    where = {row.charge_id: row.claim_version.claim.number for row in rows.select_related("claim_version__claim")}
    for line in parts.lines:
        if line.charge_id in where:
            yield Found(f"{line.charge.text} is on {where[line.charge_id]} already.", line)


def looks_like_another(parts: Parts) -> Iterator[Found]:
    others = Claim.objects.standing().filter(patient=parts.claim.patient_id, order=parts.claim.order)
    same = others.filter(
        service_on=parts.claim.service_on, amount=parts.claim.amount, payer=parts.claim.payer_id
    ).exclude(pk=parts.claim.pk)
    for other in same:
        yield Found(f"{other.number} asks this payer for the same amount for the same day.")


def is_not_authorised(parts: Parts) -> Iterator[Found]:
    """The payer's own rules say what it wants to be asked for; an authorisation puts its number into the line."""
    for line in parts.lines:
        wants = line.procedure and parts.payer.rules_for(line.procedure, units=line.units, amount=line.amount)
        if wants and not line.authorisation:
            yield Found(
                f"{parts.payer} wants to be asked before {line.procedure}, and no authorisation covers it.", line
            )


# --- diagnoses ------------------------------------------------------------------------------


def has_no_diagnosis(parts: Parts) -> Iterator[Found]:
    if not parts.version.diagnoses:
        yield Found("There is no confirmed diagnosis.")


def diagnosis_is_unknown(parts: Parts) -> Iterator[Found]:
    codes = parts.version.dotted
    known = Icd10Code.objects.in_bulk(codes)
    for shown in dict.fromkeys(codes):
        if shown not in known:
            yield Found(f"{shown} is no code of ICD-10-CM.")
        elif not known[shown].billable:
            yield Found(f"{shown} is a group of diagnoses, not one.")


def pointer_is_wrong(parts: Parts) -> Iterator[Found]:
    count = len(parts.version.diagnoses)
    for line in parts.lines:
        pointers = line.pointers
        if not 1 <= len(pointers) <= MOST_POINTERS or len(set(pointers)) < len(pointers):
            yield Found(f"Line {line.position} names no diagnosis, or too many.", line)
        elif any(not 1 <= one <= count for one in pointers):
            yield Found(f"Line {line.position} names a diagnosis that is not on the claim.", line)


# --- the note, the clock, the correction ---------------------------------------------------


def note_is_void(parts: Parts) -> Iterator[Found]:
    if parts.claim.encounter.status not in (Encounter.Status.SIGNED, Encounter.Status.COSIGNED):
        yield Found("The note that it rests on is not signed, or was entered in error.")


def note_waits_for_cosigner(parts: Parts) -> Iterator[Found]:
    if parts.claim.encounter.waits_for_cosigner:
        yield Found(f"The note waits for {parts.claim.encounter.cosigner}, who co-signs it.")


def deadline_has_passed(parts: Parts) -> Iterator[Found]:
    """A note is no reason: it may say anything. What asks for an exception is the code of the delay (CLM20)."""
    if is_late(parts) and not parts.version.delay:
        yield Found(f"It had to be filed by {parts.claim.deadline:%-d %b %Y}.")


def delay_has_no_words(parts: Parts) -> Iterator[Found]:
    if is_late(parts) and parts.version.delay == ClaimVersion.Delay.OTHER and not plain(parts.version.note):
        yield Found("It is filed late for another reason, and nothing says which.")


def asks_for_an_exception(parts: Parts) -> Iterator[Found]:
    if is_late(parts) and parts.version.delay:
        by, why = f"{parts.claim.deadline:%-d %b %Y}", parts.version.get_delay_display()
        yield Found(f"It had to be filed by {by}, and asks for an exception: {why.lower()}.")


def is_late(parts: Parts) -> bool:
    left = parts.claim.days_left
    return left is not None and left < 0


def deadline_is_near(parts: Parts) -> Iterator[Found]:
    left = parts.claim.days_left
    if left is not None and 0 <= left <= SOON:
        yield Found(f"It has to be filed by {parts.claim.deadline:%-d %b %Y}.")


def correction_has_no_number(parts: Parts) -> Iterator[Found]:
    if parts.version.frequency != ORIGINAL and not parts.claim.payer_number:
        yield Found("It corrects a claim whose number at the payer is not known.")


def first_payer_has_not_answered(parts: Parts) -> Iterator[Found]:
    first = parts.claim.previous
    if first is not None and first.status not in Claim.ANSWERED:
        yield Found(f"{first.number}, to the payer before, has no answer yet.")


def was_forwarded(parts: Parts) -> Iterator[Found]:
    claim = parts.claim
    if claim.forwarded_on and claim.previous and parts.version.frequency == ORIGINAL:
        yield Found(f"Forwarded by {claim.previous.payer} on {claim.forwarded_on:%-d %b %Y}.")


def cannot_be_written(parts: Parts) -> Iterator[Found]:
    """Whatever else a receiver would refuse for its form. What another rule finds is said by that one."""
    yield from (Found(words) for words in refusals_of(parts))


RULES = (
    Rule("no_lines", ERROR, "Check the charges of the visit, and which of them are claimed.", has_no_lines),
    Rule("too_many_lines", ERROR, "Claim some of the charges with another note of the visit.", has_too_many_lines),
    Rule(
        "no_code", ERROR, "Write the code in the line, or for good on the page of codes and numbers.", line_has_no_code
    ),
    Rule("no_price", ERROR, "Set the price in the account of the visit.", charge_has_no_price),
    Rule("charge_changed", ERROR, "Check the claim again: its lines follow the charges.", charge_has_changed),
    Rule("not_done", ERROR, "Wait for the laboratory, or have the test cancelled.", test_is_not_done),
    Rule(
        "zero_amount",
        WARNING,
        "If it is a courtesy, its code is not claimed: say so on the page of codes and numbers.",
        amount_is_zero,
    ),
    Rule("many_units", WARNING, "Compare the units with what was done.", units_are_many),
    Rule("future_service", ERROR, "Wait until the day, or correct the charge.", is_of_the_future),
    Rule(
        "twice_a_day",
        WARNING,
        "Say with a modifier why there are two, or cancel the charge that is too much.",
        is_there_twice,
    ),
    Rule("lacks_25", WARNING, "Add modifier 25 if the visit was for more than the procedure.", visit_lacks_25),
    Rule("claimed_already", ERROR, "Withdraw one of the two claims.", is_claimed_already),
    Rule("like_another", WARNING, "Compare the two. Withdraw one if they are the same.", looks_like_another),
    Rule("not_authorised", ERROR, "Ask for the authorisation, or write its number into the line.", is_not_authorised),
    Rule("no_diagnosis", ERROR, "Ask the doctor for a confirmed diagnosis, or write the code.", has_no_diagnosis),
    Rule("unknown_diagnosis", ERROR, "Choose a code that is precise enough.", diagnosis_is_unknown),
    Rule("wrong_pointer", ERROR, "Say for each line which diagnoses it is for.", pointer_is_wrong),
    Rule("no_identity", ERROR, "Write them on the page of codes and numbers.", we_have_no_numbers),
    Rule("short_zip", ERROR, "Complete it on the page of codes and numbers.", our_zip_is_short),
    Rule("video_modifier", WARNING, "Add modifier 95, or correct the place of service.", is_video_without_95),
    Rule("no_npi", ERROR, "Write it on the page of codes and numbers.", doctor_has_no_number),
    Rule("no_payer_identifier", ERROR, "Write it on the page of the insurer.", payer_has_no_identifier),
    Rule("payer_unused", WARNING, "Find out who took over its claims.", payer_is_out_of_use),
    Rule("not_covered", ERROR, "Record the policy that was in use then.", policy_does_not_cover),
    Rule("policy_unused", WARNING, "Find out whether it was in use on the day.", policy_is_out_of_use),
    Rule("unverified", WARNING, "Verify the policy, or ask the insurer (270).", policy_is_unverified),
    Rule("no_member_number", ERROR, "Copy it from the card.", member_number_is_missing),
    Rule("unsendable_name", ERROR, "Write the name as on the insurance card.", name_cannot_be_sent),
    Rule("no_address", ERROR, "Complete the patient's address.", patient_has_no_address),
    Rule("no_state", ERROR, "Write the state as two letters, such as FL.", state_has_no_code),
    Rule("no_birth_date", ERROR, "Ask the patient for the date of birth.", birth_date_is_unknown),
    Rule("no_sex", WARNING, "Some payers refuse this. Compare with the insurance card.", sex_is_unknown),
    Rule("no_holder", ERROR, "Write name and date of birth of the holder into the policy.", holder_is_unknown),
    Rule("after_death", ERROR, "Correct the day of the service, or the record of the death.", died_before),
    Rule("note_void", ERROR, "Ask the author to sign, or withdraw the claim.", note_is_void),
    Rule(
        "cosigner", WARNING, "Some payers pay only for co-signed notes. Remind who was asked.", note_waits_for_cosigner
    ),
    Rule(
        "late",
        ERROR,
        "Change the claim and choose why it is filed late, if the payer makes an exception for that; or withdraw it.",
        deadline_has_passed,
    ),
    Rule("delay_unsaid", ERROR, "Write the reason into the note to the payer.", delay_has_no_words),
    Rule("late_with_reason", WARNING, "Send it with what proves the reason.", asks_for_an_exception),
    Rule("soon_late", WARNING, "Send it today.", deadline_is_near),
    Rule("no_payer_number", ERROR, "Copy the payer's number of the claim from its answer.", correction_has_no_number),
    Rule("too_early", ERROR, "Wait for the answer of the payer before.", first_payer_has_not_answered),
    Rule("forwarded", WARNING, "Send it only if the payer does not have it.", was_forwarded),
    Rule("unwritable", ERROR, "Correct what it names where it is kept.", cannot_be_written),
)
BY_CODE = {rule.code: rule for rule in RULES}
