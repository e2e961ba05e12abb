"""What insurers need to know beside the price list: codes of procedures, and the numbers of the organisation and of its doctors."""

from __future__ import annotations

from typing import ClassVar, Self

from django.contrib.postgres.fields import ArrayField
from django.core.validators import RegexValidator
from django.db import models

from billing.models.price import Kind
from billing.npi import check_npi
from hospital.tenancy import EditableModel, TenantManager

CPT = r"\A[0-9A-Z][0-9]{3}[0-9A-Z]\Z"
CODE = RegexValidator(CPT, "A code of CPT or HCPCS has five digits or capitals.")
MODIFIER = RegexValidator(r"\A[0-9A-Z]{2}\Z", "A modifier has two digits or capitals.")
TAXONOMY = RegexValidator(r"\A[0-9A-Z]{10}\Z", "A taxonomy code has ten digits or capitals, such as 207N00000X.")
DIGITS = RegexValidator(r"\A\d{9}\Z", "A tax number has nine digits.")
ZIP = RegexValidator(r"\A\d{5}(\d{4})?\Z", "Five digits, or nine.")
STATE = RegexValidator(r"\A[A-Z]{2}\Z", "Two capitals, such as FL.")
MOST_MODIFIERS = 4


class ProcedureCodes(models.QuerySet["ProcedureCode"]):
    def by_charge(self) -> dict[tuple[str, str], ProcedureCode]:
        return {(row.kind, row.code): row for row in self}


class ProcedureCode(EditableModel):
    """What a charge is called on a claim. One that is not claimed, such as a courtesy, stays the patient's alone."""

    kind = models.CharField(max_length=12, choices=Kind.choices)
    code = models.CharField(max_length=60, help_text="As in the price list; “consultation” for the consultation.")
    procedure = models.CharField("CPT or HCPCS", max_length=5, blank=True, validators=[CODE])
    modifiers = ArrayField(
        models.CharField(max_length=2, validators=[MODIFIER]), size=MOST_MODIFIERS, default=list, blank=True
    )
    is_claimed = models.BooleanField("claimed from insurers", default=True)

    objects: ClassVar = TenantManager.from_queryset(ProcedureCodes)()

    class Meta(EditableModel.Meta):
        ordering = ["kind", "code"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "kind", "code"], name="procedure_code_once"),
            models.CheckConstraint(
                condition=models.Q(is_claimed=False) | ~models.Q(procedure=""),
                name="claimed_procedure_has_a_code",
                violation_error_message="What is claimed needs a code.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.code}: {self.procedure or 'not claimed'}"


class BillingIdentity(EditableModel):
    """Who asks for the money: one for each organisation."""

    name = models.CharField("legal name", max_length=60)
    npi = models.CharField("NPI", max_length=10, validators=[check_npi])
    tax_number = models.CharField("tax number (EIN)", max_length=9, validators=[DIGITS])
    taxonomy = models.CharField("taxonomy code", max_length=10, blank=True, validators=[TAXONOMY])
    line = models.CharField("street and house", max_length=55)
    second_line = models.CharField("second line", max_length=55, blank=True)
    city = models.CharField(max_length=30)
    state = models.CharField(max_length=2, validators=[STATE])
    zip = models.CharField("ZIP code", max_length=9, validators=[ZIP])
    contact = models.CharField("contact for questions", max_length=60)
    telephone = models.CharField(max_length=15, validators=[RegexValidator(r"\A\d{10}\Z", "Ten digits.")])
    sender_number = models.CharField(
        "number as a sender",
        max_length=15,
        help_text="What the clearing house or the payer calls this organisation (ISA06, NM109).",
        validators=[RegexValidator(r"\A[0-9A-Z]{2,15}\Z", "Two to fifteen digits or capitals.")],
    )
    is_test = models.BooleanField("files are marked as tests", default=True)

    class Meta(EditableModel.Meta):
        verbose_name = "billing details"
        verbose_name_plural = "billing details"
        constraints = [models.UniqueConstraint(fields=["tenant"], name="billing_identity_once")]

    def __str__(self) -> str:
        return self.name

    @classmethod
    def ours(cls) -> Self | None:
        return cls.objects.first()


class ProviderNumber(EditableModel):
    """By what number insurers know a doctor, whatever roles the doctor has here."""

    person = models.ForeignKey("hospital.Person", on_delete=models.PROTECT, related_name="+")
    npi = models.CharField("NPI", max_length=10, validators=[check_npi])
    taxonomy = models.CharField("taxonomy code", max_length=10, blank=True, validators=[TAXONOMY])

    class Meta(EditableModel.Meta):
        ordering = ["person__name"]
        verbose_name = "number of a doctor"
        verbose_name_plural = "numbers of doctors"
        constraints = [models.UniqueConstraint(fields=["tenant", "person"], name="provider_number_once")]

    def __str__(self) -> str:
        return f"{self.person}: {self.npi}"
