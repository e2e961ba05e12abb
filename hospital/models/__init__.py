from hospital.models.audit import AuditEntry
from hospital.models.keys import Counter, FormKey
from hospital.models.people import Invitation, Membership, Person, Role, SignIn
from hospital.models.tenant import Tenant

__all__ = ["AuditEntry", "Counter", "FormKey", "Invitation", "Membership", "Person", "Role", "SignIn", "Tenant"]
