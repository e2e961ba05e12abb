"""State machines are data on the model, and `move_to` is the one function that walks them.

A model declares its machine as `MOVES = {from: {to: permission}}`. The permission `SYSTEM` marks a step that no
person takes by hand. Buttons, docs/workflows.md and the tests read the same table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django.core.exceptions import PermissionDenied
from django.db import models, transaction
from django.dispatch import Signal

from hospital.context import current
from hospital.roles import PERMISSIONS
from hospital.tenancy import EditableModel

if TYPE_CHECKING:
    from hospital.models import Person

SYSTEM = "system"
START = ""

# Sent inside the transaction of the move with `instance`, `before`, `after`, `by`, `reason`.
# A receiver that raises undoes the whole move.
moved = Signal()

Moves = dict[str, dict[str, str]]


def status_of(model: type[models.Model]) -> models.CharField:
    """The column that says where a row of this machine is."""
    return cast(models.CharField, model._meta.get_field("status"))


class IllegalMove(Exception):
    """A step that the machine does not have. Answered with 409 and the legal ones."""

    def __init__(self, instance: Workflow, to: str) -> None:
        self.instance, self.to = instance, to
        labels = dict(status_of(type(instance)).flatchoices)
        ways = instance.MOVES.get(instance.status, {})
        by_hand = [status for status, permission in ways.items() if permission != SYSTEM]
        legal = [str(labels[status]).lower() for status in by_hand or ways]
        choices = f"From here it can become: {', '.join(legal)}." if legal else "This is its end."
        super().__init__(
            f"This {instance._meta.verbose_name} is {str(labels[instance.status]).lower()} and cannot become {str(labels.get(to, to)).lower()}. {choices}"
        )


class Refused(Exception):
    """What was asked is not possible now, in words that tell what to do. Answered with 409 (or `status`)."""

    def __init__(self, sentence: str, *, status: int = 409, field: str = "") -> None:
        super().__init__(sentence)
        self.status, self.field = status, field


def allow(permission: str, by: Person | None) -> None:
    """For a verb that is no step of a machine: whoever acts holds the permission. `by=None` is the system itself."""
    if by is not None and not current().may(permission):
        raise PermissionDenied(f"Your role may not {PERMISSIONS[permission]}.")


def needs(reason: str, sentence: str, field: str = "reason") -> str:
    """The reason without spaces around it; none is refused with this sentence."""
    if not reason.strip():
        raise Refused(sentence, status=422, field=field)
    return reason.strip()


class Workflow(EditableModel):
    """A row with a status. Nobody but `move_to` assigns it."""

    MOVES: Moves = {}

    class Meta(EditableModel.Meta):
        abstract = True

    def moves(self) -> list[str]:
        """The statuses that the acting person may take this row to by hand."""
        acting = current()
        return [
            to
            for to, permission in self.MOVES.get(self.status, {}).items()
            if permission != SYSTEM and acting.may(permission)
        ]

    @transaction.atomic
    def move_to(self, status: str, *, by: Person | None, reason: str = "", **fields: Any) -> None:
        """Lock the row, take the step, set the fields, tell `moved`. `by=None` is the system itself."""
        self.lock()
        before = self.status
        permission = self.MOVES.get(before, {}).get(status)
        if permission is None or (permission == SYSTEM and by is not None):
            raise IllegalMove(self, status)
        if by is not None and not current().may(permission):
            raise PermissionDenied(f"Your role may not make this {self._meta.verbose_name} {status}.")
        self.status = status
        for name, value in fields.items():
            setattr(self, name, value)
        changed = ["status", *fields]
        self.save(update_fields=changed)
        moved.send(type(self), instance=self, before=before, after=status, by=by, reason=reason)

    def start(self, *, by: Person | None, reason: str = "") -> None:
        """Save a new row in its first status, and tell `moved`."""
        with transaction.atomic():
            self.save(force_insert=True)
            moved.send(type(self), instance=self, before=START, after=self.status, by=by, reason=reason)
