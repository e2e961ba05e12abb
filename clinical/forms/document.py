"""Files from a browser, several at once."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings

from clinical import filetypes
from clinical.models import Document, Patient, Visit
from clinical.models.document import clean_name
from hospital.workflow import Refused

AT_ONCE = 20


class Files(forms.FileInput):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    """One or more files, each of a kind that is accepted. What is wrong with any of them is said at once."""

    widget = Files(attrs={"accept": filetypes.ACCEPTED})

    def clean(self, data: Any, initial: Any = None) -> list[Any]:
        given = list(data or []) or [None]
        if len(given) > AT_ONCE:
            raise forms.ValidationError(f"Send at most {AT_ONCE} files at once.")
        files, faults = [], []
        for file in given:
            try:
                files.append(checked(super().clean(file, initial)))
            except Refused as refused:
                faults.append(str(refused))
        if faults:
            raise forms.ValidationError(faults)
        return files


def checked(file: Any) -> Any:
    name = clean_name(file.name)
    if file.size > settings.UPLOAD_LIMIT:
        raise filetypes.refusal(name, f"is larger than {settings.UPLOAD_LIMIT // 1024**2} MB")
    filetypes.recognise(file, name)
    return file


class Upload(forms.Form):
    files: Any = FilesField(
        label="Files",
        max_length=500,
        allow_empty_file=True,
        error_messages={"required": "Choose at least one file."},
        help_text=f"{filetypes.READABLE}; up to {settings.UPLOAD_LIMIT // 1024**2} MB together.",
    )
    category = forms.ChoiceField(choices=Document.Category.choices, initial=Document.Category.OTHER)
    title = forms.CharField(max_length=200, required=False, help_text="Without one, each file is called by its name.")

    def save(self, patient: Patient, visit: Visit | None, *, by: Any) -> list[Document]:
        data = self.cleaned_data
        about: dict[str, Any] = {"patient": patient, "visit": visit, "category": data["category"], "by": by}
        titles = titled(data["title"], len(data["files"]))
        return [Document.upload(file, title=title, **about) for file, title in zip(data["files"], titles, strict=True)]


def titled(title: str, count: int) -> list[str]:
    """Several files under one title are numbered."""
    if not title or count == 1:
        return [title] * count
    return [f"{title} ({number})" for number in range(1, count + 1)]
