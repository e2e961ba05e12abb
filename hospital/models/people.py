"""People, and what they may do where."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import timedelta
from functools import cached_property
from typing import Any, ClassVar, cast
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, Group, Permission, PermissionsMixin
from django.contrib.contenttypes.models import ContentType
from django.db import connection, models, transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac
from guardian.core import ObjectPermissionChecker
from guardian.models import GroupObjectPermission

from hospital.context import current
from hospital.identifiers import uuid7
from hospital.models.audit import AuditEntry
from hospital.roles import HOMES, ROLES
from hospital.seals import closed_in
from hospital.tenancy import EditableModel, TenantKey, TenantManager, TenantModel, acting_for
from hospital.workflow import Refused

ADMINISTER = "hospital.administer"
LAST_ADMINISTRATOR = (
    "Nobody else may administer this organisation. Give somebody else a role that may, then end this one."
)
ELSEWHERE = """
    SELECT EXISTS (SELECT FROM hospital_membership WHERE person_id = %s AND tenant_id <> %s AND is_active)
"""


class People(BaseUserManager["Person"]):
    def create_user(self, email: str, password: str | None = None, **fields: object) -> Person:
        person = self.model(email=self.normalize_email(email).lower(), **fields)
        person.set_password(password)
        person.save(using=self._db)
        return person

    def create_superuser(self, email: str, password: str | None = None, **fields: object) -> Person:
        return self.create_user(email, password, is_superuser=True, is_staff=True, **fields)

    def get_by_natural_key(self, email: str | None) -> Person:
        return self.get(email=(email or "").lower())


class Person(AbstractBaseUser, PermissionsMixin):
    """Somebody who logs in. What the person may do is decided by the memberships, tenant by tenant."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    email = models.EmailField(unique=True)
    name = models.CharField(max_length=120)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False, editable=False)
    date_joined = models.DateTimeField(auto_now_add=True)
    credentials = models.PositiveIntegerField(
        default=0, editable=False, help_text="Counted by the database whenever a second factor comes or goes."
    )

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS = ["name"]
    objects = People()

    class Meta:
        ordering = ["name"]
        verbose_name_plural = "people"

    def __str__(self) -> str:
        return self.name or self.email

    def get_full_name(self) -> str:
        return self.name

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """A session ends with the password, and with the second factors, that it was opened with."""
        known = f"{self.password}:{self.credentials}"
        return salted_hmac("hospital.Person.session", known, secret=secret, algorithm="sha256").hexdigest()

    def get_short_name(self) -> str:
        return self.name.split(" ")[0]

    @transaction.atomic
    def set_active(self, is_active: bool) -> None:
        """Deactivate the account, or activate it again: for the organisation in which alone the person works."""
        if self == current().person:
            raise Refused("This account is your own: somebody else has to do it.")
        Membership.hold_all()
        if not Membership.objects.filter(person=self, is_active=True).exists():
            raise Refused(f"{self} does not work here.")
        if self._works_elsewhere():  # which is nobody's business here
            raise Refused(f"The account of {self} stays. End the roles here instead.")
        if not is_active and not anybody_administers(Membership.objects.exclude(person=self)):
            raise Refused(LAST_ADMINISTRATOR)
        self.is_active = is_active
        self.save(update_fields=["is_active"])
        AuditEntry.note("activated" if is_active else "deactivated", table=self._meta.db_table, row_id=self.pk)

    def _works_elsewhere(self) -> bool:
        """The database shows a person the own memberships everywhere, so that it is asked as this person."""
        tenant = current().tenant
        with acting_for(tenant, self), connection.cursor() as cursor:
            cursor.execute(ELSEWHERE, [self.pk, tenant.pk])
            return cursor.fetchone()[0]


# Roles, each with the permissions that its group holds on the tenant.
WITH_PERMISSIONS = """
    SELECT role.*, ARRAY(
        SELECT permission.codename FROM guardian_groupobjectpermission held JOIN auth_permission permission ON permission.id = held.permission_id
        WHERE held.group_id = role.group_id AND held.object_pk = %(object)s AND permission.content_type_id = %(kind)s
    ) AS held, {closed} AS closed
    FROM hospital_role role WHERE role.tenant_id = %(tenant)s AND {which} ORDER BY role.position
"""
OF_PERSON = """EXISTS (
    SELECT FROM hospital_membership membership
    WHERE membership.tenant_id = role.tenant_id AND membership.role_id = role.id AND membership.person_id = %(person)s AND membership.is_active
)"""
WITH_KEYS = "role.key = ANY(%(keys)s)"


class Roles(models.QuerySet):
    def of(self, person: Person) -> list[Role]:
        """Of somebody who is known to be active, in the open tenant, with their permissions and what is closed there."""
        return self._with_permissions(OF_PERSON, closed_in.sql, person=person.pk)

    def with_keys(self, keys: Iterable[str]) -> list[Role]:
        """Of the open tenant, with their permissions."""
        return self._with_permissions(WITH_KEYS, keys=list(keys))

    def _with_permissions(self, which: str, closed: str = "NULL", **given: Any) -> list[Role]:
        tenant = current().tenant
        kind = ContentType.objects.get_for_model(tenant).pk
        given |= {"object": str(tenant.pk), "kind": kind, "tenant": tenant.pk}
        asked = WITH_PERMISSIONS.format(which=which, closed=closed)
        return [*cast("Iterable[Role]", self.raw(asked, given))]

    def held_by(self, *people: Person) -> Roles:
        """Once for each of these persons who holds it."""
        holds = {"memberships__is_active": True, "memberships__person__is_active": True}
        return self.filter(memberships__person__in=people, **holds)


class Role(EditableModel):
    """A role in one tenant. Its group holds the permissions, on the Tenant object."""

    held: list[str]  # the names, where they were read together with the role
    closed: list[UUID]  # and what is closed in its tenant, for who acts

    key = models.SlugField(max_length=30)
    title = models.CharField(max_length=60)
    home = models.CharField(max_length=60, help_text="The page where a person with this role begins.")
    position = models.PositiveSmallIntegerField(default=0)
    group = models.OneToOneField(Group, on_delete=models.PROTECT, editable=False, related_name="role")

    objects: ClassVar = TenantManager.from_queryset(Roles)()

    class Meta(EditableModel.Meta):
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["tenant", "key"], name="role_key_once")]

    def __str__(self) -> str:
        return self.title

    @cached_property
    def permissions(self) -> frozenset[str]:
        """The names ("clinical.dispense") that this role's group holds on the tenant."""
        if "held" in self.__dict__:
            return frozenset(self.held)
        return frozenset(ObjectPermissionChecker(self.group).get_perms(current().tenant))

    @transaction.atomic
    def allow_exactly(self, names: set[str] | frozenset[str]) -> None:
        """Make these the role's permissions."""
        known = permissions_called(names)
        grants = GroupObjectPermission.objects.filter(group=self.group, object_pk=str(current().tenant.pk))
        grants.exclude(permission__codename__in=names).delete()
        held = set(grants.values_list("permission__codename", flat=True))
        GroupObjectPermission.objects.bulk_create(
            [self._grant(known[name]) for name in sorted(set(names) - held)], ignore_conflicts=True
        )
        self.__dict__.pop("permissions", None)
        self.__dict__.pop("held", None)

    def _grant(self, permission: Permission) -> GroupObjectPermission:
        tenant = current().tenant
        kind = ContentType.objects.get_for_model(tenant)
        return GroupObjectPermission(
            permission=permission, group=self.group, content_type=kind, object_pk=str(tenant.pk)
        )

    @classmethod
    def make_defaults(cls) -> list[Role]:
        """All roles of a new tenant at once."""
        tenant = current().tenant
        groups = Group.objects.bulk_create([Group(name=f"{tenant.pk}:{default.key}") for default in ROLES])
        roles = cls.objects.bulk_create(
            [
                cls(
                    tenant=tenant,
                    key=default.key,
                    title=default.title,
                    home=HOMES[default.key],
                    position=position,
                    group=group,
                )
                for position, (default, group) in enumerate(zip(ROLES, groups, strict=True))
            ]
        )
        known = permissions_called({name for default in ROLES for name in default.permissions})
        GroupObjectPermission.objects.bulk_create(
            [
                role._grant(known[name])
                for role, default in zip(roles, ROLES, strict=True)
                for name in sorted(default.permissions)
            ]
        )
        return roles


def permissions_called(names: Collection[str]) -> dict[str, Permission]:
    """The permissions on a tenant by name ("clinical.dispense"). ValueError: there is none of this name."""
    of_tenants = Permission.objects.filter(content_type__app_label="hospital", content_type__model="tenant")
    known = {permission.codename: permission for permission in of_tenants.filter(codename__in=names)}
    if unknown := set(names) - set(known):
        raise ValueError(f"There is no permission {', '.join(sorted(unknown))}.")
    return known


class Membership(EditableModel):
    """A person holds a role in this tenant. Rows are ended, not deleted, so that history stays readable."""

    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="memberships")
    role = TenantKey(Role, related_name="memberships")
    is_active = models.BooleanField(default=True)
    is_head = models.BooleanField(
        "head", default=False, help_text="Leads the people in this role: hears of alerts that nobody of them answers."
    )

    class Meta(EditableModel.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant", "person", "role"], name="membership_once")]

    def __str__(self) -> str:
        return f"{self.person} as {self.role}"

    @classmethod
    def grant(cls, person: Person, key: str) -> Membership:
        """Give a person a role by its key; an ended membership comes back to life."""
        membership, made = cls.objects.get_or_create(person=person, role=Role.objects.get(key=key))
        if not made and not membership.is_active:
            membership.is_active = True
            membership.save(update_fields=["is_active"])
        return membership

    @classmethod
    def hold_all(cls) -> None:
        """Until the transaction ends, nobody else ends one here."""
        list(cls.objects.filter(is_active=True).order_by("pk").select_for_update(of=("self",), no_key=True))

    def be_head(self, head: bool = True) -> None:
        self.is_head = head
        self.save(update_fields=["is_head"])

    @transaction.atomic
    def end(self) -> None:
        """Of two administrators who end each other's membership at once, the second is the last, and stays."""
        Membership.hold_all()
        if self.is_last_administrator():
            raise Refused(LAST_ADMINISTRATOR)
        self.is_active = False
        self.save(update_fields=["is_active"])

    def is_last_administrator(self) -> bool:
        """Whether without it nobody could give rights here any more."""
        is_one = ADMINISTER in self.role.permissions
        return is_one and not anybody_administers(Membership.objects.exclude(pk=self.pk))


def anybody_administers(memberships: models.QuerySet[Membership]) -> bool:
    rows = memberships.filter(is_active=True, person__is_active=True).select_related("role__group")
    return any(ADMINISTER in role.permissions for role in {row.role for row in rows})


class Invitation(TenantModel):
    """A link by e-mail that gives a person a role. Only a digest of its secret is stored; it works once."""

    LIFE = timedelta(days=7)

    email = models.EmailField()
    name = models.CharField(max_length=120)
    role = TenantKey(Role, related_name="+")
    digest = models.CharField(max_length=64, editable=False)
    invited_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+", editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    accepted_at = models.DateTimeField(null=True, editable=False)
    withdrawn_at = models.DateTimeField(null=True, editable=False)

    class Meta(TenantModel.Meta):
        ordering = ["-created_at"]
        constraints = [models.UniqueConstraint(fields=["tenant", "digest"], name="invitation_secret_once")]

    def __str__(self) -> str:
        return f"{self.name} as {self.role}"

    @property
    def is_open(self) -> bool:
        return self.accepted_at is None and self.withdrawn_at is None and timezone.now() < self.created_at + self.LIFE

    @staticmethod
    def digest_of(secret: str) -> str:
        return salted_hmac("invitation", secret, algorithm="sha256").hexdigest()

    @classmethod
    def issue(cls, *, email: str, name: str, role: Role, by: Person | None) -> tuple[Invitation, str]:
        """The invitation, and the secret that goes into the link and is stored nowhere."""
        invitation = cls(email=email.lower(), name=name, role=role, invited_by=by)
        invitation.digest = cls.digest_of(invitation.secret)
        invitation.save(force_insert=True)
        return invitation, invitation.secret

    @property
    def secret(self) -> str:
        """Made from the row's key and the installation's own, so that the outbox can write the link when it sends it."""
        return salted_hmac("invitation link", str(self.pk), algorithm="sha256").hexdigest()

    @classmethod
    def by_secret(cls, secret: str) -> Invitation | None:
        """Held until the transaction ends: of two who open it at once, the second finds it used."""
        rows = cls.objects.select_related("role").select_for_update(of=("self",), no_key=True)
        return rows.filter(digest=cls.digest_of(secret)).first()

    def withdraw(self) -> None:
        if not self.is_open:
            raise Refused("This invitation is over already: it was accepted or withdrawn, or it is too old.")
        self.withdrawn_at = timezone.now()
        self.save(update_fields=["withdrawn_at"])

    @transaction.atomic
    def accept(self, person: Person) -> Membership:
        self.accepted_at = timezone.now()
        self.save(update_fields=["accepted_at"])
        return Membership.grant(person, self.role.key)


class SignIn(TenantModel):
    """A person entered this tenant with a session, and left it. Only a digest of the session's key is stored."""

    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    role = models.CharField(max_length=30)
    session = models.CharField(max_length=64, editable=False)
    at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        ordering = ["-at"]
        indexes = [models.Index(fields=["tenant", "session"], name="sign_in_session")]

    def __str__(self) -> str:
        return f"{self.person} at {self.at:%H:%M}"

    @staticmethod
    def digest_of(session_key: str) -> str:
        return salted_hmac("sign-in", session_key, algorithm="sha256").hexdigest()

    @classmethod
    def now_here(cls) -> models.QuerySet:
        """Who is signed in: not left, and not older than a session can be."""
        return cls.objects.filter(
            ended_at=None, at__gt=timezone.now() - timedelta(seconds=settings.SESSION_COOKIE_AGE)
        ).select_related("person")
