"""The names on the channel layer, and who belongs together. Spelt here and nowhere else."""

from __future__ import annotations

HINTS = "live.hints"  # every process listens to it; it carries tenant ids and nothing about a patient
HINT = "live.hint"
ECHO = "live.echo"


def hint(tenant_ids: list[str], by: str) -> dict:
    """`by` is the process, which has told its own hub already."""
    return {"type": HINT, "tenants": tenant_ids, "by": by}


def echo() -> dict:
    """What a process sends to itself, to know that its subscription still lives."""
    return {"type": ECHO}
