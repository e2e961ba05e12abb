"""`{% letterhead %}`: the line of the sender on paper about money."""

from __future__ import annotations

from django import template

from billing.letterhead import letterhead

register = template.Library()
register.simple_tag(letterhead)
