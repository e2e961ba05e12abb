"""What the engine does by itself. Each is also a `manage.py` command."""

from __future__ import annotations

from hospital.celery import app
from realtime.alerts import ladder


@app.task
def escalate() -> int:
    """Alerts whose time has come take their next step. Returns how many did."""
    return ladder.sweep()
