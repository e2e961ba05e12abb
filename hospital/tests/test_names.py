"""What a model is called, for one and for many: the administration writes it above its lists."""

from __future__ import annotations

import re

import pytest
from django.apps import apps

MODELS = sorted(apps.get_models(), key=lambda model: model._meta.label)
TWICE = re.compile(r"(ss|[^aeiou]ys)$")


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_many_of_it_are_called_as_people_call_them(model):
    one, many = str(model._meta.verbose_name), str(model._meta.verbose_name_plural)
    assert not TWICE.search(many), f"{many}: the plural of what ends in y, or is one already"
    head = one.split(" of ")[0]
    if " of " in one and one != many:
        assert not many.startswith(f"{head} of "), f"{many}: many of {one!r}, so the first word has the plural"
    assert many != "tolds" and many != "unmergeds"
