"""Organisation, people, roles and permissions, and the audit log."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db import models
from django.http import HttpRequest

from hospital.admin_site import ReadOnlyAdmin, TenantAdmin, people_here
from hospital.context import current
from hospital.models import Absence, AuditEntry, Invitation, Letter, Membership, Person, Role, Session, SignIn, Tenant
from hospital.models.people import ADMINISTER, LAST_ADMINISTRATOR
from hospital.roles import PERMISSIONS
from hospital.sessions import end_all
from hospital.workflow import Refused


@admin.register(Tenant)
class TenantSettings(TenantAdmin):
    list_display = ["name", "slug", "currency", "time_zone", "require_payment_before"]
    readonly_fields = ["slug", "is_active", "created_at"]
    search_fields = ["name"]

    def get_queryset(self, request: HttpRequest) -> models.QuerySet:
        return super().get_queryset(request).filter(pk=current().tenant.pk)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


class RoleForm(forms.ModelForm):
    permissions = forms.MultipleChoiceField(
        choices=[(name, f"{name}: {title}") for name, title in PERMISSIONS.items()],
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )

    class Meta:
        model = Role
        fields = ["title", "position"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["permissions"].initial = sorted(self.instance.permissions)

    def clean_permissions(self) -> list[str]:
        names = self.cleaned_data["permissions"]
        acting_as = current().role
        if acting_as and self.instance.pk == acting_as.pk and ADMINISTER not in names:
            raise forms.ValidationError("You would lock yourself out: your own role needs to administer.")
        return names


@admin.register(Role)
class RoleAdmin(TenantAdmin):
    form = RoleForm
    list_display = ["title", "key", "people", "allowed"]
    search_fields = ["title", "key"]

    def get_queryset(self, request: HttpRequest) -> models.QuerySet:
        active = models.Q(memberships__is_active=True)
        return (
            super()
            .get_queryset(request)
            .select_related("group")
            .annotate(members=models.Count("memberships", filter=active))
        )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Role, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        obj.allow_exactly(set(form.cleaned_data["permissions"]))

    @admin.display(ordering="members")
    def people(self, role: Any) -> int:
        return role.members

    @admin.display(description="permissions")
    def allowed(self, role: Role) -> int:
        return len(role.permissions)


class MembershipForm(forms.ModelForm):
    def clean_is_active(self) -> bool:
        stays = self.cleaned_data["is_active"]
        if not stays and not self.instance._state.adding and self.instance.is_last_administrator():
            raise forms.ValidationError(LAST_ADMINISTRATOR)
        return stays


@admin.register(Membership)
class MembershipAdmin(TenantAdmin):
    """A further role for somebody who works here; new people are invited on the page People."""

    form = MembershipForm
    list_display = ["person", "role", "is_active", "is_head", "created_at"]
    list_filter = ["is_active", "is_head", "role"]
    search_fields = ["person__name", "person__email", "role__title"]

    def get_readonly_fields(self, request: HttpRequest, obj: Membership | None = None) -> list[str]:
        return ["person", "role"] if obj else []


@admin.register(Person)
class PersonAdmin(ReadOnlyAdmin):
    """Who works here. A person's name, e-mail and password are the person's own.

    Whoever works nowhere else can be deactivated; of all others, only the roles here can be ended.
    """

    list_display = ["name", "email", "is_active", "last_login"]
    search_fields = ["name", "email"]
    fields = ["name", "email", "is_active", "last_login", "date_joined"]
    actions = ["end_sessions", "deactivate", "activate"]

    @admin.action(description="Log out everywhere", permissions=["view"])
    def end_sessions(self, request: HttpRequest, people: models.QuerySet) -> None:
        working_here = Membership.objects.filter(is_active=True).values("person_id")
        ended = end_all(Session.objects.filter(person__in=people.filter(pk__in=working_here)))
        self.message_user(request, f"{ended} sessions ended.")

    @admin.action(description="Deactivate: no log-in any more", permissions=["view"])
    def deactivate(self, request: HttpRequest, people: models.QuerySet) -> None:
        self._let(request, people, False)

    @admin.action(description="Activate again", permissions=["view"])
    def activate(self, request: HttpRequest, people: models.QuerySet) -> None:
        self._let(request, people, True)

    def _let(self, request: HttpRequest, people: models.QuerySet, active: bool) -> None:
        for person in people:
            try:
                person.set_active(active)
                end_all(Session.objects.filter(person=person))
                self.message_user(request, f"{person} {'may log in again' if active else 'is deactivated'}.")
            except Refused as refused:
                self.message_user(request, str(refused), messages.ERROR)

    def get_queryset(self, request: HttpRequest) -> models.QuerySet:
        return people_here()


@admin.register(Invitation)
class InvitationAdmin(ReadOnlyAdmin):
    list_display = ["name", "email", "role", "created_at", "accepted_at", "withdrawn_at"]
    search_fields = ["name", "email"]
    exclude = ["digest"]


@admin.register(Absence)
class AbsenceAdmin(TenantAdmin):
    list_display = ["person", "begins_at", "ends_at", "covered_by", "ended_at"]
    search_fields = ["person__name", "covered_by__name"]


@admin.register(Letter)
class LetterAdmin(ReadOnlyAdmin):
    """The outbox. What has failed for good is tried again by hand."""

    list_display = ["to", "kind", "state", "attempts", "created_at", "settled_at", "error"]
    list_filter = ["state", "kind"]
    search_fields = ["to"]
    actions = ["try_again"]

    def get_search_results(
        self, request: HttpRequest, queryset: models.QuerySet, search_term: str
    ) -> tuple[models.QuerySet, bool]:
        """By an address nobody finds out who wrote to a restricted patient."""
        found, has_twins = super().get_search_results(request, queryset, search_term)
        closed = current().opened.closed
        return (found.exclude(patient_id__in=closed) if search_term and closed else found), has_twins

    @admin.action(description="Try again")
    def try_again(self, request: HttpRequest, letters: models.QuerySet) -> None:
        for letter in letters.filter(state=Letter.State.FAILED):
            letter.try_again()


@admin.register(SignIn)
class SignInAdmin(ReadOnlyAdmin):
    list_display = ["person", "role", "at", "ended_at"]
    search_fields = ["person__name", "person__email"]
    exclude = ["session"]


@admin.register(AuditEntry)
class AuditAdmin(ReadOnlyAdmin):
    list_display = ["at", "who", "role", "action", "table", "row_id", "patient_id"]
    list_filter = ["action", "role"]
    search_fields = ["=row_id", "=patient_id", "=person_id", "table"]
    ordering = ["-id"]

    def get_queryset(self, request: HttpRequest) -> models.QuerySet:
        name = Person.objects.filter(pk=models.OuterRef("person_id")).values("name")
        return super().get_queryset(request).annotate(person_name=models.Subquery(name))

    @admin.display(description="person", ordering="person_name")
    def who(self, line: Any) -> str:
        return line.person_name or "the system"
