"""People and roles."""

from hospital.models import Membership, SignIn
from realtime.catalogue import LiveEvent, changed, created, either

MANAGE = ("hospital.manage_people",)

EVENTS = (
    LiveEvent("user:signed_in", SignIn, when=created, hears=("admin",), needs=MANAGE),
    LiveEvent(
        "user:changed",
        Membership,
        when=either(created, changed()),
        hears=("admin",),
        needs=MANAGE,
        template="people/_membership.html",
    ),
)
