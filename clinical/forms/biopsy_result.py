"""What came out of a biopsy, what the doctor makes of it, and how the patient is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, cast

from django import forms
from django.utils import timezone

from clinical.filetypes import ACCEPTED
from clinical.letters import filled, is_harmless, values_for
from clinical.models import Biopsy, BiopsyLetter, BiopsyReview, BiopsyTelling, Document, PathologyCode, PathologyReport
from clinical.models.biopsy_review import PLANNED
from clinical.models.pathology import LEVELS, FollowUp
from clinical.models.pathology_report import FINDINGS
from hospital.choices import offer
from hospital.forms import Moment
from hospital.models import Person
from hospital.workflow import Refused

Way = BiopsyTelling.Way
SPOKEN = [choice for choice in Way.choices if choice[0] != Way.POST]


class Verb(forms.Form):
    """A mixin: what the verb refuses stands at its field."""

    def done(self, verb: Callable[[], Any]) -> bool:
        try:
            verb()
        except Refused as refused:
            if not refused.field:
                raise
            self.add_error(refused.field if refused.field in self.fields else None, str(refused))
        return not self.errors


class CodeChoice(forms.ChoiceField):
    """The diagnoses that are offered, the gravest level first."""

    def fill(self, kept: str = "") -> None:
        rows = PathologyCode.objects.offered() | PathologyCode.objects.filter(code=kept)
        by_level: dict[str, list[tuple[str, str]]] = {}
        for row in rows.order_by("name"):
            by_level.setdefault(row.malignancy, []).append((row.code, f"{row.name} ({row.code})"))
        groups = [(label, by_level[level]) for level, label in reversed(LEVELS) if level in by_level]
        self.choices = [("", "Choose the diagnosis"), *groups]

    def found(self, code: str) -> PathologyCode | None:
        return PathologyCode.objects.filter(code=code).first() if code else None


class ReportForm(Verb, forms.ModelForm):
    """A report by hand: typed, or as the laboratory's file, or both. Of a correction it says why."""

    code = CodeChoice(
        required=False,
        label="Coded diagnosis",
        help_text="It decides how loudly the doctor is told. The doctor may add it.",
    )
    reason = forms.CharField(max_length=300, label="Why it is corrected")
    seen = forms.IntegerField(required=False, widget=forms.HiddenInput)

    field_order = ("reason", "text", "files", "code", *FINDINGS, "sender", "reported_at", "is_preliminary")

    class Meta:
        model = PathologyReport
        fields = ("text", *FINDINGS, "sender", "reported_at", "is_preliminary")
        widgets: ClassVar = {"text": forms.Textarea({"rows": 8}), "reported_at": Moment()}
        labels: ClassVar = {
            "text": "What the report says",
            "margin_mm": "Closest margin, mm",
            "breslow_mm": "Breslow thickness, mm",
            "reported_at": "Signed by the laboratory",
            "is_preliminary": "Preliminary: the final report follows",
        }

    def __init__(self, *args: Any, biopsy: Biopsy, may_upload: bool, **kwargs: Any) -> None:
        former = biopsy.report
        super().__init__(*args, **kwargs)
        self.biopsy, self.former = biopsy, former
        cast(CodeChoice, self.fields["code"]).fill(former.code if former else "")
        if may_upload:
            field = forms.FileField(required=False, label="The report as a file")
            field.widget.attrs["accept"] = ACCEPTED
            self.fields["files"] = field
        if former is None:
            del self.fields["reason"], self.fields["seen"]
            self.initial.update({"sender": biopsy.laboratory.name, "reported_at": timezone.now()})
        else:
            kept = {name: getattr(former, name) for name in self.Meta.fields}
            self.initial.update({**kept, "code": former.code, "seen": former.number, "is_preliminary": False})
        self.order_fields(self.field_order)

    def clean_reported_at(self) -> Any:
        at = self.cleaned_data["reported_at"]
        if at > timezone.now():
            raise forms.ValidationError("This moment has not come yet.")
        return at

    def clean(self) -> dict[str, Any]:
        """The constraint of the row is said where it can be mended."""
        cleaned = super().clean() or self.cleaned_data
        has_file = bool(cleaned.get("files")) or bool(self.former and self.former.document_id)
        if not cleaned.get("text", "").strip() and not has_file:
            self.add_error("text", "Write what the report says, or add its file.")
        return cleaned

    def enter(self, by: Person) -> bool:
        return self.done(lambda: self._enter(by))

    def _enter(self, by: Person) -> None:
        self.biopsy.lock()
        said = {name: self.cleaned_data[name] for name in self.Meta.fields}
        document = self._document(by)
        said |= {"code": cast(CodeChoice, self.fields["code"]).found(self.cleaned_data["code"]), "document": document}
        source = PathologyReport.Source.FILE if document and not said["text"] else PathologyReport.Source.HAND
        if self.former is None:
            PathologyReport.enter(self.biopsy, by=by, source=source, **said)
            return
        if self.biopsy.report and self.biopsy.report.number != self.cleaned_data["seen"]:
            raise Refused("Somebody corrected this report meanwhile. Open it again, and compare.")
        PathologyReport.correct(self.biopsy, self.cleaned_data["reason"], by=by, source=source, **said)

    def _document(self, by: Person) -> Document | None:
        file = self.cleaned_data.get("files")
        if file is None:
            return self.former.document if self.former else None
        return Document.upload(
            file,
            patient=self.biopsy.patient,
            visit=self.biopsy.visit,
            by=by,
            title=f"Pathology {self.biopsy.number}",
            category=Document.Category.LAB_REPORT,
        )


class ReviewForm(Verb):
    """What it is and what follows; of a malignancy also the plan."""

    code = CodeChoice(label="Diagnosis", error_messages={"required": "Choose the diagnosis."})
    follow_up = forms.ChoiceField(
        choices=FollowUp.choices,
        widget=forms.RadioSelect,
        label="What follows",
        error_messages={"required": "Choose what follows."},
    )
    note = forms.CharField(required=False, max_length=2000, widget=forms.Textarea({"rows": 2}))
    plan = forms.CharField(
        required=False, max_length=4000, label="Plan of treatment", widget=forms.Textarea({"rows": 2})
    )
    referral = forms.CharField(
        required=False, max_length=1000, widget=forms.Textarea({"rows": 2}), help_text="To whom, or why to nobody."
    )
    staging = forms.CharField(required=False, max_length=200, help_text="The stage, or what is done to find it.")
    seen = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, biopsy: Biopsy, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.biopsy, report = biopsy, biopsy.report
        cast(CodeChoice, self.fields["code"]).fill(report.code if report else "")
        if report is not None:
            usual = report.coded.follow_up if report.coded else ""
            self.initial.update(
                {"code": report.code, "follow_up": usual, "staging": report.stage, "seen": report.number}
            )
            for name, sentence in PLANNED.items() if report.is_malignant else ():
                self.fields[name].required, self.fields[name].error_messages["required"] = True, sentence

    def sign(self, by: Person) -> bool:
        said = self.cleaned_data
        code = cast(CodeChoice, self.fields["code"]).found(said["code"])
        words = {name: said[name] for name in ("note", "plan", "referral", "staging")}
        return self.done(
            lambda: BiopsyReview.sign(self.biopsy, code, said["follow_up"], by=by, seen=said["seen"], **words)
        )


class Reach(Verb):
    """How and when somebody spoke to the patient, or tried to."""

    way = forms.ChoiceField(choices=SPOKEN, widget=forms.RadioSelect, label="How")
    at = forms.DateTimeField(label="When", widget=Moment())

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial.setdefault("at", timezone.now())

    def clean_at(self) -> Any:
        """The minute in which the form was opened is now."""
        at, now = self.cleaned_data["at"], timezone.now()
        return now if abs((now - at).total_seconds()) < 60 else at


class TellForm(Reach):
    whom = forms.CharField(
        max_length=120, label="Who was told", initial="The patient", help_text="Or who stands for the patient."
    )
    words = forms.CharField(max_length=2000, label="What was said", widget=forms.Textarea({"rows": 3}))
    field_order = ("way", "whom", "words", "at")

    def record(self, biopsy: Biopsy, by: Person) -> bool:
        return self.done(lambda: BiopsyTelling.tell(biopsy, by=by, **self.cleaned_data))


class AttemptForm(Reach):
    words = forms.CharField(
        max_length=2000, required=False, label="What happened", widget=forms.TextInput({"placeholder": "No answer"})
    )
    field_order = ("way", "words", "at")

    def record(self, biopsy: Biopsy, by: Person) -> bool:
        return self.done(lambda: BiopsyTelling.attempt(biopsy, by=by, **self.cleaned_data))


class ChooseLetter(forms.Form):
    letter: forms.ModelChoiceField[BiopsyLetter] = forms.ModelChoiceField(
        queryset=None, required=False, empty_label="Choose a letter", label="Begin with"
    )

    def __init__(self, *args: Any, biopsy: Biopsy, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.biopsy = biopsy
        rows = BiopsyLetter.objects.filter(is_active=True)
        if not is_harmless(biopsy.reviews.first()):
            rows = rows.exclude(body__contains="{harmless}")
        offer(self, "letter", rows)

    def text(self) -> dict[str, str]:
        """As it will go out: the writer reads it, and may change it."""
        letter = self.cleaned_data.get("letter") if self.is_valid() else None
        if letter is None:
            return {}
        values = values_for(self.biopsy)
        return {"subject": filled(letter.subject, values), "body": filled(letter.body, values)}


class LetterText(Verb):
    subject = forms.CharField(max_length=200)
    body = forms.CharField(max_length=6000, label="Text", widget=forms.Textarea({"rows": 16}))

    def record(self, biopsy: Biopsy, by: Person) -> BiopsyTelling | None:
        made: list[BiopsyTelling] = []
        said = self.cleaned_data
        self.done(lambda: made.append(BiopsyTelling.write(biopsy, said["subject"], said["body"], by=by)))
        return made[0] if made else None
