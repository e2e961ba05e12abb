"""People and roles, and the alerts that wait for them."""

from hospital.models import Membership, SignIn
from realtime.alerts.models import ACKNOWLEDGE, Alert
from realtime.catalogue import Levels, LiveEvent, Loudness, changed, created, either, said

MANAGE = ("hospital.manage_people",)
ANSWERS = ("reception", "checker_doctor", "lab_technician", "main_doctor", "pharmacy", "billing", "admin")


@said("info for the roles that the alert is for, and admin")
def for_its_roles(alert: Alert) -> Levels:
    return {role: Loudness.INFO if role in alert.titles else None for role in ANSWERS}


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
    LiveEvent(
        "alert:raised",
        Alert,
        when=created,
        hears=ANSWERS,
        needs=(ACKNOWLEDGE,),
        people=lambda alert: alert.addressed,
    ),
    LiveEvent(
        "alert:changed",
        Alert,
        when=changed(),
        hears=ANSWERS,
        needs=(ACKNOWLEDGE,),
        people=lambda alert: alert.addressed,
    ),
    LiveEvent(
        "alert:listed",
        Alert,
        when=either(created, changed()),
        hears=ANSWERS,
        needs=(ACKNOWLEDGE,),
        loudness=for_its_roles,
        tells=lambda alert, role: bool(alert.title_for(role)),
        template="realtime/alerts/_row.html",
    ),
)
