"""`{% presence patient %}`: the place where a page shows who else has this patient open."""

from typing import Any

from django import template

from clinical.models import Patient
from clinical.presence import token_of

register = template.Library()


@register.inclusion_tag("_presence.html")
def presence(patient: Any) -> dict[str, Any]:
    """Nothing on a page that is about no patient."""
    return {"patient": patient, "token": token_of(patient) if isinstance(patient, Patient) else ""}
