"""Who answers an alert says what was done, and has read the value."""

from __future__ import annotations

import pytest

from hospital.workflow import IllegalMove, Refused
from realtime.alerts.models import Alert
from realtime.alerts.reading import reads_as
from realtime.tests.alarms import (
    again,
    answer,
    critical_value,
)


def test_an_answer_says_who_when_as_what_and_what_was_done(alpha):
    alert = critical_value(alpha)
    answer(alpha, alert)
    alert = again(alpha, alert)
    assert (alert.status, alert.acknowledged_by_id, alert.acknowledged_as) == (
        "acknowledged",
        alpha.checker_doctor.pk,
        "checker_doctor",
    )
    assert (alert.done, alert.done_text, alert.read_back) == ("acted", "Calcium given, repeated in an hour.", "6.6")
    assert alert.acknowledged_at >= alert.raised_at


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"read_back": "5.6"}, "read_back"),
        ({"read_back": ""}, "read_back"),
        ({"read_back": "6.6 mg/dL"}, "read_back"),
        ({"done": ""}, "done"),
        ({"done": "nonsense"}, "done"),
        ({"text": " "}, "text"),
    ],
)
def test_an_incomplete_or_wrong_answer_is_refused_in_words(alpha, given, field):
    alert = critical_value(alpha)
    with pytest.raises(Refused) as refused:
        answer(alpha, alert, **given)
    assert (refused.value.field, refused.value.status) == (field, 422)
    assert again(alpha, alert).is_open


def test_the_second_who_answers_learns_who_was_first(alpha):
    alert = critical_value(alpha)
    answer(alpha, alert)
    with pytest.raises(Refused, match="Checker Doctor acknowledged it"):
        answer(alpha, alert, "main_doctor")


def test_nothing_settled_opens_again(alpha):
    alert = critical_value(alpha)
    answer(alpha, alert)
    with alpha.acting(), pytest.raises(IllegalMove):
        again_alert = Alert.objects.get(pk=alert.pk)
        again_alert.supersede()


@pytest.mark.parametrize(
    ("typed", "expected", "right"),
    [
        ("6.9", "6.9 mmol/L", True),
        ("6,90", "6.9 mmol/L", True),
        (" 6.9  mmol/l ", "6.9 mmol/L", True),
        ("6.9 mg/dL", "6.9 mmol/L", False),
        ("69", "6.9 mmol/L", False),
        ("6.8", "6.9 mmol/L", False),
        ("<0.1", "< 0.1 ng/mL", True),
        ("0.1", "<0.1 ng/mL", False),
        ("plasmodium falciparum SEEN", "Plasmodium falciparum seen", True),
        ("Plasmodium seen", "Plasmodium falciparum seen", False),
        ("", "6.9 mmol/L", False),
        ("", "", False),
    ],
)
def test_a_value_is_read_back_by_what_it_means(typed, expected, right):
    assert reads_as(typed, expected) is right
