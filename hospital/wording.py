"""What a form says when it cannot take what was typed: in our words, wherever a field has none of its own."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.postgres.forms import SimpleArrayField
from django.core import validators

WHOLE, NUMBER = "Write a whole number, in digits.", "Write a number, in digits."
CHOOSE = "Choose one of those that are offered."
FILE = "Choose a file, and send it again."
SLUG = "Write only letters without accents, digits, hyphens and underscores."

FIELDS: dict[type[forms.Field], dict[str, str]] = {
    forms.Field: {"required": "This is needed."},
    forms.IntegerField: {"invalid": WHOLE},
    forms.FloatField: {"invalid": NUMBER},
    forms.DecimalField: {"invalid": NUMBER},
    forms.DateField: {"invalid": "Write the day with its month and year, such as 2024-05-31."},
    forms.TimeField: {"invalid": "Write the time with hours and minutes, such as 14:30."},
    forms.DateTimeField: {"invalid": "Write the day and the time, such as 2024-05-31 14:30."},
    forms.ChoiceField: {"invalid_choice": CHOOSE},
    forms.MultipleChoiceField: {"invalid_choice": CHOOSE, "invalid_list": CHOOSE},
    forms.ModelChoiceField: {"invalid_choice": CHOOSE},
    forms.ModelMultipleChoiceField: {"invalid_choice": CHOOSE, "invalid_list": CHOOSE, "invalid_pk_value": CHOOSE},
    forms.UUIDField: {"invalid": "This form is damaged. Open the page again."},
    forms.FileField: {
        "invalid": FILE,
        "missing": FILE,
        "empty": "This file is empty. Choose another.",
        "max_length": "The name of this file is too long: at most %(max)d characters. Give it a shorter one.",
        "contradiction": "Choose a file, or remove the one that is there; not both.",
    },
    SimpleArrayField: {"item_invalid": "Number %(nth)s of these:"},
}
DECIMALS = {
    "invalid": NUMBER,
    "max_digits": "This number is too long: at most %(max)s digits.",
    "max_decimal_places": "At most %(max)s digits after the decimal point.",
    "max_whole_digits": "This number is too large: at most %(max)s digits before the decimal point.",
}
VALIDATORS: dict[Any, str] = {
    validators.MaxLengthValidator: "This is too long: at most %(limit_value)d characters, and these are %(show_value)d.",
    validators.MinLengthValidator: "This is too short: at least %(limit_value)d characters, and these are %(show_value)d.",
    validators.MaxValueValidator: "Write %(limit_value)s or less.",
    validators.MinValueValidator: "Write %(limit_value)s or more.",
    validators.StepValueValidator: "Write a multiple of %(limit_value)s.",
    validators.EmailValidator: "Write a whole e-mail address, such as name@example.org.",
    validators.ProhibitNullCharactersValidator: "There is a character in this that cannot be stored. Type it again.",
}


def install() -> None:
    """At the start, before any form is made."""
    for field, words in FIELDS.items():
        field.default_error_messages = {**vars(field).get("default_error_messages", {}), **words}
    for validator, sentence in VALIDATORS.items():
        validator.message = sentence  # each kind has one, and no type in common
    validators.DecimalValidator.messages = DECIMALS
    validators.validate_slug.message = SLUG
