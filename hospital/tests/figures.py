"""A figure in a page."""

from __future__ import annotations

import re


def has_figure(figure: str, page: str) -> bool:
    """By itself: "6.8" is no part of a time of 12:30:16.834, which a page bears too."""
    return re.search(rf"(?<!\d){re.escape(figure)}(?!\d)", page) is not None
