"""Every sentence at a field is ours: none of the framework's own reaches a person."""

from __future__ import annotations

import inspect
import pkgutil
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import django
import pytest
from django import forms

PLACES = ("clinical.forms", "billing", "hospital", "realtime")
CATALOGUE = Path(django.__file__).parent / "conf/locale/en/LC_MESSAGES/django.po"


def modules() -> Iterator[str]:
    for place in PLACES:
        package = import_module(place)
        yield place
        for found in pkgutil.walk_packages(package.__path__, f"{place}."):
            if not re.search(r"\.(tests|migrations|management|supervisor|design|embedded)\b|__main__|asgi", found.name):
                yield found.name


def our_forms() -> list[type[forms.BaseForm]]:
    found = set()
    for name in modules():
        for _, kind in inspect.getmembers(import_module(name), inspect.isclass):
            if issubclass(kind, forms.BaseForm) and hasattr(kind, "base_fields") and kind.__module__.startswith(PLACES):
                found.add(kind)
    return sorted(found, key=lambda kind: kind.__qualname__)


def framework_sentences() -> set[str]:
    """What Django says, with its places for values taken out."""
    text = re.sub(r'"\n"', "", CATALOGUE.read_text())
    return {plain(sentence) for sentence in re.findall(r'^msgid(?:_plural)? "(.+)"$', text, re.MULTILINE)}


def plain(sentence: str) -> str:
    return re.sub(r"%\(\w+\)\w|\{\w+\}", "…", sentence)


def sentences_of(field: forms.Field) -> Iterator[str]:
    if field.required or isinstance(field, forms.FileField):
        yield from map(str, field.error_messages.values())
    else:
        yield from (str(words) for code, words in field.error_messages.items() if code != "required")
    for validator in field.validators:
        for words in [*getattr(validator, "messages", {}).values(), getattr(validator, "message", "")]:
            yield str(words)
    if base := getattr(field, "base_field", None):
        yield from sentences_of(base)


@pytest.mark.parametrize("form", our_forms(), ids=lambda form: form.__qualname__)
def test_a_form_says_what_is_wrong_in_our_words(form):
    theirs = framework_sentences()
    assert "This field is required." in theirs
    said = {(name, words) for name, field in form.base_fields.items() for words in sentences_of(field)}
    assert {(name, words) for name, words in said if plain(words) in theirs} == set()
