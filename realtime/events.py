"""People and roles."""

from hospital.models import Membership, SignIn
from realtime.catalogue import LiveEvent, changed, created, either

EVENTS = (
    LiveEvent("user:signed_in", SignIn, when=created, hears=("admin",)),
    LiveEvent(
        "user:changed",
        Membership,
        when=either(created, changed()),
        hears=("admin",),
        template="people/_membership.html",
    ),
)
