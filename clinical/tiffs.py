"""A TIFF as a picture that browsers show: its first page, no longer than a screen."""

from __future__ import annotations

import io
from typing import IO

from PIL import Image, UnidentifiedImageError

LONGEST, MOST_PIXELS = 2000, 25_000_000  # what is larger would take too much memory of a server that others wait for


def as_png(file: IO[bytes]) -> bytes | None:
    """None, if it is too large or cannot be read: then it is downloaded."""
    try:
        with Image.open(file, formats=("TIFF",)) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                return None
            shown = picture.convert("RGBA" if "A" in picture.getbands() else "RGB")
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError, SyntaxError):
        return None
    shown.thumbnail((LONGEST, LONGEST))
    out = io.BytesIO()
    shown.save(out, "PNG")
    return out.getvalue()
