from __future__ import annotations

from django import forms
from django.core.files.uploadedfile import UploadedFile

from hospital.workflow import Refused
from scheduling.imports import LARGEST, Table, read


class Upload(forms.Form):
    """A file with appointments. What it says is read here; whether it can be booked is judged line by line."""

    file = forms.FileField(
        label="CSV file", widget=forms.ClearableFileInput(attrs={"accept": ".csv,text/csv"}), allow_empty_file=True
    )
    outside = forms.BooleanField(
        label="Also outside the working hours",
        required=False,
        help_text="Otherwise a line outside the hours is an error.",
    )
    table: Table

    def clean_file(self) -> UploadedFile:
        file = self.cleaned_data["file"]
        try:
            self.table = read(file.read(LARGEST + 1))
        except Refused as refused:
            raise forms.ValidationError(str(refused)) from refused
        return file
