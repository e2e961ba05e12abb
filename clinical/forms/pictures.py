"""Pictures in a form: those that are on file already, and new ones, taken or chosen right there."""

from __future__ import annotations

from typing import Any

from django import forms

from clinical import filetypes
from clinical.forms.body_map import pictures_of
from clinical.forms.document import Files, FilesField
from clinical.models import Document, Patient, Visit
from hospital.choices import offer
from hospital.models import Person

PICTURES = ", ".join(kind.mime for kind in filetypes.TYPES if kind.mime.startswith("image/"))


class PicturesField(FilesField):
    """None, one or more. A telephone offers its camera."""

    widget = Files(attrs={"accept": PICTURES})

    def clean(self, data: Any, initial: Any = None) -> list[Any]:
        files = super().clean(data, initial) if data else []
        others = [file.name for file in files if not is_picture(file)]
        if others:
            raise forms.ValidationError(f"{', '.join(others)}: choose a picture.")
        return files


def is_picture(file: Any) -> bool:
    return filetypes.recognise(file, file.name).mime.startswith("image/")


class WithPictures(forms.Form):
    """A mixin: `photos` are those on file, `new_photos` are filed with the visit's documents."""

    photos: forms.ModelMultipleChoiceField[Document] = forms.ModelMultipleChoiceField(
        queryset=None, required=False, widget=forms.CheckboxSelectMultiple, label="Photos on file"
    )
    new_photos = PicturesField(
        required=False,
        label="New photos",
        help_text="Taken with this device, or chosen from it. They are filed with the visit's documents.",
    )

    def offer_pictures(self, patient: Patient, *, may_upload: bool, without: Any = ()) -> None:
        on_file = pictures_of(patient.pk).exclude(pk__in=without)
        offer(self, "photos", on_file)
        if not on_file.exists():
            del self.fields["photos"]
        if not may_upload:
            del self.fields["new_photos"]

    def chosen_pictures(self, visit: Visit, title: str, *, by: Person) -> list[Document]:
        """Those on file, and the new ones, which are filed now."""
        about: dict[str, Any] = {"visit": visit, "by": by, "title": title, "category": Document.Category.PHOTO}
        new = [
            Document.upload(file, patient=visit.patient, **about) for file in self.cleaned_data.get("new_photos", [])
        ]
        return [*self.cleaned_data.get("photos", []), *new]
