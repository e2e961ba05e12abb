"""`{% may "clinical.diagnose" as can_diagnose %}`: whether the acting role holds a permission."""

from django import template

from hospital.context import current_or_none

register = template.Library()


@register.simple_tag
def may(permission: str) -> bool:
    acting = current_or_none()
    return acting is not None and acting.may(permission)
