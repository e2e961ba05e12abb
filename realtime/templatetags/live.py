from typing import Any

from django import template
from django.template import Context
from django.utils.safestring import SafeString

from realtime.render import render

register = template.Library()


@register.simple_tag(takes_context=True)
def live(context: Context, name: str, object: Any) -> SafeString:
    """`{% live "clinical/visit/_row.html" visit %}`: the fragment that is also pushed."""
    return render(name, object, str(context.get("csrf_token", "")))
