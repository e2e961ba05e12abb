from scheduling.models.appointment import Appointment
from scheduling.models.booking import Taken
from scheduling.models.hold import Hold
from scheduling.models.imported import AppointmentImport, ImportLine
from scheduling.models.place import Location, OpeningHours, Room, SpecialDay, Weekday
from scheduling.models.provider import AppointmentType, Offering, Provider, WorkingHours
from scheduling.models.series import Series
from scheduling.models.waitlist import Offer, Wish

__all__ = [
    "Appointment",
    "AppointmentImport",
    "AppointmentType",
    "Hold",
    "ImportLine",
    "Location",
    "Offer",
    "Offering",
    "OpeningHours",
    "Provider",
    "Room",
    "Series",
    "SpecialDay",
    "Taken",
    "Weekday",
    "Wish",
    "WorkingHours",
]
