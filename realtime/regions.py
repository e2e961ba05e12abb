"""Of a page that needs only some of its live regions anew, only those are rendered.

`static/live.js` names them in a header when nothing but events made it ask. A page that knows nothing of that answers as a
whole, which is right too. One that is dear marks its regions (`{% region "visits" %}`), and asks `wants` before
it looks up what only one of them shows.
"""

from __future__ import annotations

from django.http import HttpRequest

HEADER = "X-Live-Regions"


def regions_asked(request: HttpRequest) -> frozenset[str]:
    """Empty: all of them, and the page around them."""
    return frozenset(request.headers.get(HEADER, "").split()) if request.method == "GET" else frozenset()


def wants(request: HttpRequest, *names: str) -> bool:
    """Whether one of these is to be rendered."""
    asked: frozenset[str] = getattr(request, "live_regions", frozenset())
    return not asked or not asked.isdisjoint(names)
