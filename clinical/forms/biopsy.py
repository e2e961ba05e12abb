"""What is asked about a biopsy: the order, the patient, the time-out, and each step."""

from __future__ import annotations

from typing import Any, ClassVar, cast

from django import forms

from clinical.body_sites import SITES
from clinical.forms.body_map import OnBodyMap
from clinical.forms.pictures import WithPictures
from clinical.forms.specimen import ScanField
from clinical.models import Biopsy, Encounter, Icd10Code, PathologyLab, Visit
from clinical.models.biopsy_part import MOST
from clinical.models.biopsy_taking import TIME_OUT
from hospital.choices import offer
from hospital.seals import truth
from hospital.signing import Signing

PLACE: dict[str, Any] = {"max_length": 120, "label": "Where"}


class OrderBiopsy(OnBodyMap, WithPictures, forms.ModelForm):
    specimens = forms.CharField(
        required=False,
        max_length=2000,
        widget=forms.Textarea({"rows": 2}),
        help_text="What goes into each container, one a line. One container, if nothing stands here.",
    )
    laboratory: forms.ModelChoiceField[PathologyLab] = forms.ModelChoiceField(
        queryset=None, empty_label="Choose a laboratory", label="Pathology laboratory"
    )
    field_order = ("kind", "site", "laterality", "specimens", "question", "clinical_code", "clinical_diagnosis")

    class Meta:
        model = Biopsy
        fields = ("kind", "site", "laterality", "question", "clinical_code", "clinical_diagnosis")
        widgets: ClassVar = {
            "kind": forms.RadioSelect,
            "question": forms.Textarea({"rows": 3}),
            "clinical_code": forms.TextInput({"placeholder": "C43.5"}),
        }
        labels: ClassVar = {"clinical_code": "ICD-10-CM code"}
        help_texts: ClassVar = {"laterality": "Right or left, where there are two."}

    def __init__(
        self, *args: Any, visit: Visit, may_upload: bool, encounter: Encounter | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.visit, self.encounter = visit, encounter
        self.offer_sites()
        cast(forms.ChoiceField, self.fields["kind"]).choices = Biopsy.Kind.choices
        offer(self, "laboratory", PathologyLab.objects.offered())
        self.offer_pictures(visit.patient, may_upload=may_upload)
        labs = PathologyLab.objects.offered()[:2]
        if len(labs) == 1:
            self.initial.setdefault("laboratory", labs[0].pk)

    def clean_specimens(self) -> list[str]:
        lines = [line.strip() for line in self.cleaned_data["specimens"].splitlines() if line.strip()]
        if len(lines) > MOST:
            raise forms.ValidationError(f"One biopsy has {MOST} specimens at most. Order another one.")
        if any(len(line) > 120 for line in lines):
            raise forms.ValidationError("What goes into one container is said in 120 characters.")
        return lines

    def clean(self) -> dict[str, Any]:
        """A code brings its words along."""
        cleaned = super().clean()
        text = cleaned.get("clinical_code", "").strip().upper()
        code = Icd10Code.objects.by_code(text).filter(code__iexact=text).first() if text else None
        if text and code is None:
            self.add_error("clinical_code", "ICD-10-CM has no such code. Leave it empty, or say it in words.")
        if code:
            cleaned["clinical_code"] = code.code
            cleaned["clinical_diagnosis"] = cleaned.get("clinical_diagnosis") or code.title
        return cleaned

    def order(self, by: Any) -> Biopsy:
        fields = {name: value for name, value in self.cleaned_data.items() if name != "new_photos"}
        fields["photos"] = self.chosen_pictures(self.visit, f"Photo: {self.place_in_words}", by=by)
        return Biopsy.order(self.visit, by=by, encounter=self.encounter, **fields)

    @property
    def place_in_words(self) -> str:
        return SITES[self.cleaned_data["site"]].in_words(self.cleaned_data["laterality"])


class AddPhotos(WithPictures):
    def __init__(self, *args: Any, biopsy: Biopsy, may_upload: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.biopsy = biopsy
        known = biopsy.photos.values("document_id")
        self.offer_pictures(biopsy.patient, may_upload=may_upload, without=known)
        if len(self.fields) == 1:
            next(iter(self.fields.values())).required = True

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not (self.errors or cleaned.get("photos") or cleaned.get("new_photos")):
            raise forms.ValidationError("Choose a photo, or take one.")
        return cleaned

    def add(self, by: Any) -> None:
        biopsy = self.biopsy
        for photo in self.chosen_pictures(biopsy.visit, f"Photo of {biopsy.number}: {biopsy.where}", by=by):
            biopsy.add_photo(photo, by=by)


class Identify(forms.Form):
    """What the patient says, or the wristband; never what stands on the screen."""

    number = ScanField("Wristband or patient number", "P-000123")

    def __init__(self, *args: Any, biopsy: Biopsy, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if truth(biopsy.patient, "knows_birth_date"):
            self.fields["second"] = forms.DateField(
                label="Date of birth", widget=forms.DateInput({"type": "date", "autocomplete": "off"})
            )
        else:
            self.fields["second"] = forms.CharField(
                label="Full name", max_length=200, help_text="The date of birth of this patient is not known."
            )


class TakeTimeOut(forms.Form):
    items = forms.MultipleChoiceField(
        choices=list(TIME_OUT.items()),
        widget=forms.CheckboxSelectMultiple,
        label="Said aloud and confirmed",
        error_messages={"required": "Confirm each point, or nothing is taken."},
    )
    together_with = forms.CharField(max_length=120, help_text="Who took the time-out with you.")

    def clean_items(self) -> list[str]:
        if len(self.cleaned_data["items"]) < len(TIME_OUT):
            raise forms.ValidationError("Confirm each point, or nothing is taken.")
        return self.cleaned_data["items"]


class AtPlace(forms.Form):
    place = forms.CharField(**PLACE)

    def __init__(self, *args: Any, label: str = "Where", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["place"].label = label


class Failed(forms.Form):
    status = forms.ChoiceField(choices=[], widget=forms.RadioSelect, label="What it is")
    reason = forms.CharField(max_length=300, label="What happened", widget=forms.Textarea({"rows": 2}))

    def __init__(self, *args: Any, biopsy: Biopsy, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        possible = [to for to in biopsy.moves() if to in Biopsy.FAILED]
        choices = [(to, Biopsy.Status(to).label) for to in possible]
        cast(forms.ChoiceField, self.fields["status"]).choices = choices


class MakePart(forms.Form):
    what = forms.CharField(max_length=120, required=False, label="What it is")
    stain = forms.CharField(max_length=40, required=False)

    def __init__(self, *args: Any, kind: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if kind != "slide":
            del self.fields["stain"]


class ScanPart(forms.Form):
    scan = ScanField("Label", "B-000123-K")


class BeginManifest(forms.Form):
    laboratory: forms.ModelChoiceField[PathologyLab] = forms.ModelChoiceField(
        queryset=None, empty_label="Choose a laboratory"
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(self, "laboratory", PathologyLab.objects.offered())


class SendManifest(Signing):
    count = forms.IntegerField(min_value=1, max_value=9999, label="Containers that you counted")
    courier = forms.CharField(max_length=112, label="Given to", help_text="The courier, by name.")
    field_order = ("count", "courier", "proof")


class ReceiveManifest(Signing):
    arrived = forms.MultipleChoiceField(required=False, widget=forms.CheckboxSelectMultiple, label="These are there")
    count = forms.IntegerField(min_value=0, max_value=9999, label="Containers that were counted")
    taken_by = forms.CharField(max_length=120, label="Taken at the laboratory by")
    field_order = ("arrived", "count", "taken_by", "proof")

    def __init__(self, *args: Any, items: list[Any], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(str(item.pk), f"{item.part.number} · {item.part.biopsy.number} {item.part.name}") for item in items]
        cast(forms.MultipleChoiceField, self.fields["arrived"]).choices = choices
