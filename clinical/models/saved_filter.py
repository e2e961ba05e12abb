"""What a person narrows a list to again and again, kept under a name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models, transaction
from django.http import QueryDict

from hospital.tenancy import EditableModel
from hospital.workflow import Refused, needs

if TYPE_CHECKING:
    from hospital.models import Person

MOST = 20


class SavedFilter(EditableModel):
    """The address of a list as one person keeps it: without its page, and without a name that was looked for."""

    person = models.ForeignKey("hospital.Person", on_delete=models.PROTECT, related_name="+")
    list = models.CharField(max_length=30)
    name = models.CharField(max_length=40)
    query = models.CharField(max_length=500, blank=True, default="")

    class Meta(EditableModel.Meta):
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["tenant", "person", "list", "name"], name="saved_filter_once")]

    def __str__(self) -> str:
        return self.name

    @classmethod
    @transaction.atomic
    def keep(cls, list: str, name: str, asked: QueryDict, *, by: Person) -> SavedFilter:
        """Under a name that there is already it takes the place of the former."""
        title = needs(name, "Give the filter a name.", field="name")[:40]
        query = asked.copy()
        for one in ("page", "q"):
            query.pop(one, None)
        text = query.urlencode()
        if len(text) > 500:
            raise Refused("This is too much for one filter. Choose less.", status=422, field="name")
        mine = cls.objects.filter(person=by, list=list)
        if mine.exclude(name=title).count() >= MOST:
            raise Refused(f"You keep {MOST} filters already. Delete one first.", status=422, field="name")
        return cls.objects.update_or_create(person=by, list=list, name=title, defaults={"query": text})[0]
