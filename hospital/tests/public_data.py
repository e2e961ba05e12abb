"""The public records that lie beside the project, and that nobody here wrote."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from django.conf import settings

ROOT = settings.BASE_DIR.parent / "shared/data"


def public_files(folder: str, pattern: str) -> list[Path]:
    return sorted((ROOT / folder).glob(pattern))


def needs(files: list[Path]) -> pytest.MarkDecorator:
    """Whoever has the project alone is told what is left out. Where all must be tried (CI), nothing is."""
    if not files and os.environ.get("CI"):
        raise FileNotFoundError(f"The public records are not in {ROOT}.")
    return pytest.mark.skipif(not files, reason=f"the public records are not in {ROOT}")
