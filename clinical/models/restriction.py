"""A restricted chart: a colleague's, or of somebody whom the town knows. Only named people open it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self, cast
from uuid import UUID

from django.contrib.auth.models import Permission
from django.db import models, transaction
from django.urls import reverse
from django.utils import timezone
from guardian.models import UserObjectPermission

from hospital.context import current
from hospital.seals import raw
from hospital.tenancy import EditableModel, TenantKey, TenantManager
from hospital.workflow import Refused, allow, needs

if TYPE_CHECKING:
    from datetime import datetime

    from clinical.models import Patient
    from hospital.models import Person

RESTRICT = "clinical.restrict_chart"
OPEN = "open_restricted"


class Restrictable(models.Model):
    is_restricted = models.BooleanField("restricted", default=False, editable=False)
    restricted_reason = models.CharField(max_length=200, blank=True, default="", editable=False)
    restricted_at = models.DateTimeField(null=True, editable=False)
    restricted_by = models.ForeignKey(
        "hospital.Person", null=True, on_delete=models.PROTECT, related_name="+", editable=False
    )

    class Meta:
        abstract = True

    @property
    def restricted(self) -> bool:
        return self.is_restricted

    @transaction.atomic
    def restrict(self, reason: str, *, by: Person | None) -> None:
        """From now on it is masked everywhere, also for whoever restricts it: who may open it is granted by name."""
        allow(RESTRICT, by)
        reason = needs(reason, "Write why this chart is restricted.")
        self._restriction(is_restricted=True, restricted_reason=reason, restricted_at=timezone.now(), restricted_by=by)

    @transaction.atomic
    def unrestrict(self, reason: str, *, by: Person | None) -> None:
        allow(RESTRICT, by)
        reason = needs(reason, "Write why this chart is no longer restricted.")
        for grant in ChartGrant.objects.filter(patient=self.pk).standing():
            grant.end(reason, by=by)
        self._restriction(is_restricted=False, restricted_reason="", restricted_at=None, restricted_by=None)

    def _restriction(self, **fields: Any) -> None:
        patient = cast("Patient", self)
        patient.lock()
        if patient.is_restricted == fields["is_restricted"]:
            raise Refused(f"This chart is {'restricted already' if patient.is_restricted else 'not restricted'}.")
        for name, value in fields.items():
            setattr(patient, name, value)
        current().opened.closed = None
        patient.save(update_fields=list(fields))
        for visit in patient.visits.filter(ended_at=None):
            visit.touch()  # what stands on colleagues' screens is shown again, masked or not


class Grants(models.QuerySet):
    def standing(self) -> Self:
        return self.filter(ended_at=None)


class ChartGrant(EditableModel):
    """This person may open this restricted chart. Ended, never deleted; guardian's permission on the patient follows it."""

    in_the_clear: ClassVar = ("reason", "end_reason")

    patient = TenantKey("clinical.Patient", related_name="grants")
    person = models.ForeignKey("hospital.Person", on_delete=models.PROTECT, related_name="+")
    reason = models.CharField(max_length=200)
    granted_at = models.DateTimeField(auto_now_add=True)
    granted_by = models.ForeignKey("hospital.Person", null=True, on_delete=models.PROTECT, related_name="+")
    ended_at = models.DateTimeField(null=True, editable=False)
    ended_by = models.ForeignKey(
        "hospital.Person", null=True, on_delete=models.PROTECT, related_name="+", editable=False
    )
    end_reason = models.CharField(max_length=200, blank=True, default="", editable=False)

    objects: ClassVar = TenantManager.from_queryset(Grants)()

    class Meta(EditableModel.Meta):
        ordering = ["-granted_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "patient", "person"], condition=models.Q(ended_at=None), name="chart_grant_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.person} may open a restricted chart"

    def get_absolute_url(self) -> str:
        return reverse("clinical:chart_privacy", args=[self.patient_id])

    @classmethod
    @transaction.atomic
    def give(cls, patient: Patient, person: Person, reason: str, *, by: Person | None) -> ChartGrant:
        allow(RESTRICT, by)
        reason = needs(reason, "Write why this person needs the chart.")
        patient.lock()
        if not patient.is_restricted:
            raise Refused("This chart is not restricted: whoever may read charts opens it.")
        if cls.objects.standing().filter(patient=patient, person=person).exists():
            raise Refused(f"{person} may open this chart already.", status=422, field="person")
        grant = cls(patient=patient, person=person, reason=reason, granted_by=by)
        grant.save(force_insert=True)
        UserObjectPermission.objects.assign_perm(OPEN, person, patient)
        return grant

    @transaction.atomic
    def end(self, reason: str, *, by: Person | None) -> None:
        allow(RESTRICT, by)
        self.lock()
        if self.ended_at:
            raise Refused("This grant has ended already.")
        self.ended_at, self.ended_by = timezone.now(), by
        self.end_reason = needs(reason, "Write why it ends.")
        self.save(update_fields=["ended_at", "ended_by", "end_reason"])
        held = UserObjectPermission.objects.filter(object_pk=str(self.patient_id), user_id=self.person_id)
        held.filter(permission=Permission.objects.get(codename=OPEN, content_type__app_label="clinical")).delete()


def follow_grants(patient: Patient) -> None:
    """After a merge, or its undo, grants stand with another patient: guardian's permissions are as they say."""
    people = {grant.person for grant in ChartGrant.objects.standing().filter(patient=patient).select_related("person")}
    held = UserObjectPermission.objects.filter(object_pk=str(patient.pk), permission__codename=OPEN)
    held.exclude(user_id__in=[person.pk for person in people]).delete()
    for person in people:
        UserObjectPermission.objects.assign_perm(OPEN, person, patient)


def end_returned(source: Patient, survivor: Patient, since: datetime) -> None:
    """After an undone merge: who lost the grant for both records in the meantime does not get the one of the source back."""
    lost = ChartGrant.objects.filter(patient=survivor, ended_at__gte=since).values("person")
    holds = ChartGrant.objects.standing().filter(patient=survivor).values("person")
    for grant in ChartGrant.objects.standing().filter(patient=source, person__in=lost).exclude(person__in=holds):
        grant.ended_at, grant.end_reason = timezone.now(), "Ended while the records were merged"
        grant.save(update_fields=["ended_at", "end_reason"])


def openable(person: Person) -> set[UUID]:
    """The restricted patients of this tenant whose charts the person may open."""
    return set(ChartGrant.objects.standing().filter(person=person).values_list("patient_id", flat=True))


def reason_of(patient: Patient) -> str:
    with raw():
        return patient.restricted_reason
