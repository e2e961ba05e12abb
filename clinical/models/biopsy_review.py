"""What the doctor makes of a report: the coded diagnosis, what is done next, and for a malignancy the plan. Never changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models, transaction
from django.utils import timezone

from clinical.models.biopsy import REVIEW, Biopsy, Malignancy
from clinical.models.lab_result import by_person
from clinical.models.pathology import GRAVITY, FollowUp, PathologyCode, PathologyCodeVersion
from clinical.models.pathology_report import PathologyReport
from clinical.models.rebiopsy import RebiopsyTask
from hospital.seals import raw
from hospital.tenancy import TenantKey, TenantModel
from hospital.workflow import Refused, allow, needs

if TYPE_CHECKING:
    from hospital.models import Person

# What a malignancy needs, and how it is asked for.
PLANNED = {
    "plan": "Write the plan of treatment: the diagnosis is malignant.",
    "referral": "Write to whom the patient is referred, or why to nobody: the diagnosis is malignant.",
    "staging": "Write the stage, or what is done to find it: the diagnosis is malignant.",
}


class BiopsyReview(TenantModel):
    biopsy = TenantKey(Biopsy, related_name="reviews")
    report = TenantKey(PathologyReport, related_name="reviews")
    coded = TenantKey(PathologyCodeVersion, related_name="reviews")
    code = models.CharField(max_length=20)
    diagnosis = models.CharField(max_length=160)
    malignancy = models.CharField(max_length=13, choices=Malignancy.choices)
    follow_up = models.CharField(max_length=8, choices=FollowUp.choices)
    note = models.TextField(blank=True, default="")
    plan = models.TextField(blank=True, default="")
    referral = models.TextField(blank=True, default="")
    staging = models.CharField(max_length=200, blank=True, default="")
    by = by_person()
    at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(TenantModel.Meta):
        ordering = ["biopsy", "-at"]
        verbose_name = "review of a biopsy"
        verbose_name_plural = "reviews of biopsies"
        constraints = [
            models.CheckConstraint(
                name="biopsy_review_is_coded", condition=~models.Q(code="") & ~models.Q(follow_up="")
            ),
            models.CheckConstraint(
                name="malignancy_is_planned",
                condition=~models.Q(malignancy="malignant")
                | ~(models.Q(plan="") | models.Q(referral="") | models.Q(staging="")),
            ),
        ]

    def __str__(self) -> str:
        return self.diagnosis

    @property
    @raw()
    def is_malignant(self) -> bool:
        return self.malignancy == Malignancy.MALIGNANT

    @classmethod
    @transaction.atomic
    @raw()
    def sign(
        cls,
        biopsy: Biopsy,
        code: PathologyCode | None,
        follow_up: str,
        *,
        by: Person | None,
        seen: int | None = None,
        **fields: str,
    ) -> BiopsyReview:
        """The doctor has read the report (its version `seen`), and says what it is and what follows."""
        allow(REVIEW, by)
        biopsy.lock()
        biopsy.refuse_unless(Biopsy.Status.RESULTED, "Only a result that waits for it is reviewed.")
        report = final_report_of(biopsy)
        if seen is not None and seen != report.number:
            raise Refused("The report was corrected while you read it. Open it again.")
        if code is None:
            raise Refused("Choose the diagnosis. Without one the result is not reviewed.", status=422, field="code")
        if follow_up not in FollowUp.values:
            raise Refused("Choose what follows.", status=422, field="follow_up")
        review = cls(biopsy=biopsy, report=report, follow_up=follow_up, by=by, **fields)
        meaning = code.meaning
        review.coded, review.code = meaning, meaning.code
        review.diagnosis, review.malignancy = meaning.name, meaning.malignancy
        review._refuse_milder_than(last_coded(report))
        review._refuse_own_downgrade()
        review._needs_its_words()
        review.save(force_insert=True)
        biopsy.is_news = review._is_news()
        biopsy.go(Biopsy.Status.REVIEWED, by=by, malignancy=review.malignancy)
        biopsy.is_news = False
        if by is not None and by.pk == biopsy.ordered_by_id:
            biopsy.answer_alert(f"Reviewed: {review.get_follow_up_display()}", by=by)
        if follow_up == FollowUp.AGAIN:
            RebiopsyTask.open_for(biopsy, "The review asks for another biopsy.")
        return review

    @raw()
    def _refuse_milder_than(self, report: PathologyReport) -> None:
        """What the laboratory called malignant is not made harmless here."""
        if GRAVITY[self.malignancy] > GRAVITY[report.malignancy] and report.malignancy:
            level = report.get_malignancy_display().lower()
            raise Refused(
                f"The laboratory calls it {level}. Choose a diagnosis of that level, or ask it for a corrected report.",
                status=422,
                field="code",
            )

    @raw()
    def _refuse_own_downgrade(self) -> None:
        """One person does not make a malignancy harmless and sign that it is: a colleague reviews it."""
        reports = list(self.biopsy.reports.order_by("number"))
        malignant = [one.number for one in reports if one.is_malignant]
        since = reports[malignant[-1] :] if malignant else []
        if not self.is_malignant and any(one.entered_by_id == self.by_id for one in since):
            raise Refused("You corrected what was malignant before. A colleague reviews it.")

    @raw()
    def _is_news(self) -> bool:
        """Malignant, which no report said: who ordered it is told as of a report, unless that is who reviews."""
        return self.is_malignant and not self.report.is_malignant and self.by_id != self.biopsy.ordered_by_id

    def _needs_its_words(self) -> None:
        if self.follow_up == FollowUp.OTHER:
            needs(self.note, "Say what follows.", field="note")
        if self.is_malignant:
            for name, sentence in PLANNED.items():
                setattr(self, name, needs(getattr(self, name), sentence, field=name))


@raw()
def last_coded(report: PathologyReport) -> PathologyReport:
    """This one; where it has no diagnosis, the gravest of those whose place it took."""
    former = [one for one in report.biopsy.reports.all() if one.malignancy]
    return report if report.malignancy else min(former, key=lambda one: GRAVITY[one.malignancy], default=report)


def final_report_of(biopsy: Biopsy) -> PathologyReport:
    report = biopsy.report
    if report is None:
        raise Refused(f"{biopsy.number} has no report yet.")
    if report.is_preliminary:
        raise Refused(f"{report.sender} has sent a preliminary report. Review the final one when it is here.")
    if report.document is not None and not report.document.is_filed:
        raise Refused("The file of the report is not filed yet. Review it when it is.")
    return report
