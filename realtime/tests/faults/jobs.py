"""A slow task for FA-8, on the project's own Celery application."""

from __future__ import annotations

import os
import time
from pathlib import Path

from hospital.celery import app
from hospital.models import SignIn
from hospital.tenancy import tenant_task

if soon := os.environ.get("FAULTS_REDELIVER_AFTER"):
    app.conf.broker_transport_options = {**app.conf.broker_transport_options, "visibility_timeout": float(soon)}


@app.task
@tenant_task
def sign_in_slowly(mark: str, person_id: str) -> None:
    """Whoever is killed in it has written nothing, because the transaction is not over."""
    place = Path(os.environ["FAULTS_FOLDER"]) / mark
    SignIn.objects.create(person_id=person_id, role="admin", session=mark)
    place.write_text("begun")
    time.sleep(2)
