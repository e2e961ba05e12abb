"""A figure in a page."""

from __future__ import annotations

import re


def has_figure(figure: str, page: str) -> bool:
    """By itself: "6.8" is no part of a time of 12:30:16.834, which a page bears too. 6.8000 is the same figure."""
    return re.search(rf"(?<!\d){re.escape(figure)}(?!0*[1-9])", page) is not None
