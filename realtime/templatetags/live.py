from typing import Any

from django import template
from django.template import Context
from django.template.base import FilterExpression, NodeList, Parser, Token
from django.utils.safestring import SafeString

from realtime.catalogue import catalogue
from realtime.render import render

register = template.Library()


class Region(template.Node):
    def __init__(self, names: list[FilterExpression], nodelist: NodeList) -> None:
        self.names, self.nodelist = names, nodelist

    def render(self, context: Context) -> SafeString:
        asked = context.get("live_regions")
        if asked and asked.isdisjoint(str(name.resolve(context)) for name in self.names):
            return NodeList().render(context)
        return self.nodelist.render(context)


@register.tag
def region(parser: Parser, token: Token) -> Region:
    """`{% region "visits" %}…{% endregion %}` around live regions: nothing, when a page asks only for others."""
    names = [parser.compile_filter(name) for name in token.split_contents()[1:]]
    nodelist = parser.parse(["endregion"])
    parser.delete_first_token()
    return Region(names, nodelist)


@register.simple_tag(takes_context=True)
def live(context: Context, name: str, object: Any) -> SafeString:
    """`{% live "clinical/visit/_row.html" visit %}`: the fragment that is also pushed."""
    return render(name, object, str(context.get("csrf_token", "")))


@register.simple_tag(takes_context=True)
def heard(context: Context) -> str:
    """The events that reach the acting role: `static/live.js` renews by the clock what lives on none of them."""
    return " ".join(event.name for event in catalogue if event.reaches(context["acting"].role))


@register.simple_tag
def fed_by(template: str) -> str:
    """`data-live-fed="{% fed_by "clinical/visit/_row.html" %}"`: the events that bring rows into a list."""
    return " ".join(event.name for event in catalogue if event.template == template)
