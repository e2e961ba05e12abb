"""Into which room."""

from __future__ import annotations

from typing import Any, cast

from django import forms

from hospital.choices import offer
from scheduling.models import Appointment, Room


class ToRoom(forms.Form):
    """The rooms of the house that are free now; the one that was booked is chosen already."""

    room: forms.ModelChoiceField[Room] = forms.ModelChoiceField(
        queryset=None, empty_label=None, widget=forms.RadioSelect
    )

    def __init__(self, data: Any = None, *, appointment: Appointment) -> None:
        super().__init__(data)
        self.appointment = appointment
        free = Room.objects.filter(location=appointment.location, is_active=True, status=Room.Status.FREE)
        offer(self, "room", free)
        field = cast(forms.ModelChoiceField, self.fields["room"])
        rooms = list(free)
        booked = next((room for room in rooms if room.pk == appointment.room_id), None)
        field.initial = (booked or next(iter(rooms), None)) and (booked or rooms[0]).pk
        field.error_messages["invalid_choice"] = "This room is not free any more. Choose another one."
        if appointment.kind == Appointment.Kind.VIRTUAL:
            field.required, field.empty_label = False, "No room: by telephone or video"
            field.initial = ""
        elif not rooms:
            field.help_text = f"No room of {appointment.location} is free now. Free one on the page of the rooms."
