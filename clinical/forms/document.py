"""Files from a browser, several at once."""

from __future__ import annotations

from typing import Any, ClassVar, cast

from django import forms
from django.conf import settings
from django.contrib.postgres.forms import SimpleArrayField

from clinical import filetypes
from clinical.filing import clean_name
from clinical.finding import NUMBER
from clinical.models import Document, Patient, Visit
from hospital.choices import offer
from hospital.merge import MergeForm
from hospital.models import Membership, Person
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


class ForWhom(forms.Form):
    """Whom documents are for: in the form that files them, and in the one that changes one."""

    def offer_people(self) -> None:
        here = Membership.objects.filter(is_active=True).values("person_id")
        offer(self, "for_person", Person.objects.filter(is_active=True, pk__in=here))
        field = cast(forms.ModelChoiceField, self.fields["for_person"])
        field.required, field.empty_label = False, "Nobody in particular"

    def clean_tags(self) -> list[str]:
        return [tag.strip() for tag in self.cleaned_data["tags"] or [] if tag.strip()]

    def one_person(self, cleaned: dict[str, Any]) -> dict[str, Any]:
        is_for_one = cleaned.get("for_whom") == Document.ForWhom.PERSON
        if is_for_one and not cleaned.get("for_person"):
            self.add_error("for_person", "Choose the person whom it is for.")
        return cleaned if is_for_one else {**cleaned, "for_person": None}


class Upload(ForWhom):
    limit = settings.UPLOAD_LIMIT
    files: Any = FilesField(
        label="Files",
        max_length=500,
        allow_empty_file=True,
        error_messages={"required": "Choose at least one file."},
        help_text=f"{filetypes.READABLE}; up to {settings.UPLOAD_LIMIT // 1024**2} MB.",
    )
    category = forms.ChoiceField(choices=Document.Category.choices, initial=Document.Category.OTHER)
    title = forms.CharField(max_length=200, required=False, help_text="Without one, each file is called by its name.")
    tags = SimpleArrayField(forms.CharField(max_length=30), required=False, help_text="Short words, with commas.")
    for_whom = forms.ChoiceField(
        label="For whom", choices=Document.ForWhom.choices, initial=Document.ForWhom.EVERYBODY, required=False
    )
    for_person: forms.ModelChoiceField[Person] = forms.ModelChoiceField(queryset=None, label="Person")

    def __init__(self, *args: Any, former: Document | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.former, self.known = former, list[str]()
        self.offer_people()
        if former is not None:
            self.initial.update({name: getattr(former, name) for name in ("category", "title", "tags", "for_whom")})
            self.initial["for_person"] = former.for_person_id

    def clean(self) -> dict[str, Any]:
        cleaned = self.one_person(super().clean() or {})
        cleaned["for_whom"] = cleaned.get("for_whom") or Document.ForWhom.EVERYBODY
        if self.former is not None and len(cleaned.get("files", [])) > 1:
            self.add_error("files", "A new version is one file.")
        return cleaned

    def save(self, patient: Patient, visit: Visit | None, *, by: Any) -> list[Document]:
        """What is on file already, byte for byte, is not filed again: a retry after a lost answer ends here."""
        data = self.cleaned_data
        about = {name: data[name] for name in ("category", "tags", "for_whom", "for_person")}
        filed = []
        for file, title in zip(data["files"], titled(data["title"], len(data["files"])), strict=True):
            if Document.is_on_file(patient, file):
                self.known.append(clean_name(file.name))
            else:
                where: dict[str, Any] = {"patient": patient, "visit": visit, "by": by, "former": self.former}
                filed.append(Document.upload(file, title=title, **where, **about))
        return filed


class EditDocument(MergeForm, ForWhom, forms.ModelForm):
    instance: Document

    class Meta:
        model = Document
        fields = ("title", "category", "tags", "for_whom", "for_person")
        labels: ClassVar = {"for_whom": "For whom"}
        help_texts: ClassVar = {"tags": "Short words, with commas."}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.offer_people()

    def clean(self) -> dict[str, Any]:
        return self.one_person(super().clean() or {})


class Reassign(forms.Form):
    number = forms.CharField(label="Number of the right patient", max_length=20, help_text="Such as P-000123.")
    reason = forms.CharField(max_length=200)

    def clean_number(self) -> str:
        text = self.cleaned_data["number"]
        match = NUMBER.match(text.strip())
        self.patient = Patient.objects.filter(mrn=int(match[1])).first() if match else None
        if self.patient is None:
            raise forms.ValidationError("No patient has this number.")
        return text


def titled(title: str, count: int) -> list[str]:
    """Several files under one title are numbered."""
    if not title or count == 1:
        return [title] * count
    return [f"{title} ({number})" for number in range(1, count + 1)]
