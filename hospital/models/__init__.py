from hospital.models.absence import Absence
from hospital.models.audit import AuditEntry
from hospital.models.keys import Counter, FormKey
from hospital.models.letter import Letter
from hospital.models.people import Invitation, Membership, Person, Role, SignIn
from hospital.models.session import AuthChange, Session
from hospital.models.tenant import Tenant

__all__ = [
    "Absence",
    "AuditEntry",
    "AuthChange",
    "Counter",
    "FormKey",
    "Invitation",
    "Letter",
    "Membership",
    "Person",
    "Role",
    "Session",
    "SignIn",
    "Tenant",
]
