"""Who insures patients, and the rules that each insurer has: until when to claim and to appeal, and what it wants to be asked before."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar, Self, cast

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models, transaction
from django.db.models import Q
from django.db.models.functions import Lower

from hospital.tenancy import EditableModel, TenantKey, TenantManager

DAYS: list[Any] = [MinValueValidator(1), MaxValueValidator(3650)]
# What a claim may carry: the letters of X12, without its usual separators.
SENDABLE = RegexValidator(r"\A[A-Za-z0-9 .,'&/()+-]*\Z", "Use letters without accents, digits and simple punctuation.")

SERVICE = RegexValidator(r"\A[A-Za-z0-9._-]+\*?\Z", "Use a code, or its beginning with a * after it.")


class Payers(models.QuerySet):
    def in_use(self) -> Self:
        return self.filter(is_active=True)

    def named(self, name: str) -> Payer | None:
        return cast("Payer | None", self.filter(name__iexact=name.strip()).first())


class Payer(EditableModel):
    """An insurer as claims name it. Policies point to it; the name on a card stays as it was written."""

    class Filing(models.TextChoices):
        """SBR09 of a claim."""

        COMMERCIAL = "CI", "Commercial insurance"
        BLUE = "BL", "Blue Cross or Blue Shield"
        MEDICARE_B = "MB", "Medicare part B"
        MEDICARE_A = "MA", "Medicare part A"
        MEDICAID = "MC", "Medicaid"
        PREFERRED = "12", "Preferred provider organisation"
        POINT_OF_SERVICE = "13", "Point of service"
        EXCLUSIVE = "14", "Exclusive provider organisation"
        MAINTENANCE = "HM", "Health maintenance organisation"
        TRICARE = "CH", "Tricare"
        VETERANS = "VA", "Veterans affairs"
        CAR = "AM", "Car insurance"
        WORK = "WC", "Workers' compensation"
        LIABILITY = "LM", "Liability"
        OTHER = "ZZ", "Another kind"

    name = models.CharField(max_length=120)
    identifier = models.CharField(
        "payer identifier",
        max_length=80,
        blank=True,
        default="",
        validators=[SENDABLE],
        help_text="As the insurer or the clearing house says. Without it no claim can be sent.",
    )
    filing = models.CharField("kind of insurance", max_length=2, choices=Filing.choices, default=Filing.COMMERCIAL)
    receiver_id = models.CharField(
        "receiver of files",
        max_length=15,
        blank=True,
        default="",
        validators=[SENDABLE],
        help_text="The clearing house's number. Empty: files go to the insurer itself.",
    )
    receiver_name = models.CharField(max_length=60, blank=True, default="", validators=[SENDABLE])
    address = models.CharField(max_length=55, blank=True, default="", help_text="Where claims and appeals go on paper.")
    city = models.CharField(max_length=30, blank=True, default="")
    state = models.CharField(max_length=2, blank=True, default="")
    postcode = models.CharField(max_length=15, blank=True, default="")
    phone = models.CharField("telephone", max_length=40, blank=True, default="")
    filing_days = models.PositiveSmallIntegerField(
        "claims are filed within days", default=90, validators=DAYS, help_text="Counted from the day of service."
    )
    is_active = models.BooleanField("in use", default=True)

    objects: ClassVar = TenantManager.from_queryset(Payers)()

    class Meta(EditableModel.Meta):
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                "tenant",
                Lower("name"),
                name="payer_name_once",
                violation_error_message="There is an insurer with this name already.",
            ),
            models.CheckConstraint(name="payer_filing_days", condition=Q(filing_days__range=(1, 3650))),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def address_in_words(self) -> str:
        town = " ".join(filter(None, (self.city, self.state, self.postcode)))
        return ", ".join(filter(None, (self.address, town)))

    @transaction.atomic
    def adopt(self) -> int:
        """The policies that carry this name and had no insurer of the list."""
        from clinical.models.policy import Policy

        waiting = Policy.objects.filter(payer=None, insurer__iexact=self.name)
        for policy in waiting:
            policy.payer = self
            policy.save(update_fields=["payer"])
        return len(waiting)

    def rules_for(
        self, code: str, *, units: Decimal = Decimal(1), amount: Decimal | None = None
    ) -> list[AuthorisationRule]:
        """Those by which this much of a service needs to be authorised."""
        rules = self.authorisation_rules.filter(is_active=True)
        return [rule for rule in rules if rule.asks_for(code, units=units, amount=amount)]

    def appeal_days(self, level: int) -> int | None:
        """How long one may appeal at this level; None: the insurer has no such level."""
        return self.appeal_levels.filter(level=level).values_list("days", flat=True).first()


class AppealLevel(EditableModel):
    payer = TenantKey("clinical.Payer", related_name="appeal_levels")
    level = models.PositiveSmallIntegerField(validators=[MinValueValidator(1), MaxValueValidator(9)])
    name = models.CharField(max_length=80, help_text="As the insurer calls it.")
    days = models.PositiveSmallIntegerField(
        "within days", default=180, validators=DAYS, help_text="Counted from the decision that is appealed."
    )

    class Meta(EditableModel.Meta):
        ordering = ["level"]
        verbose_name = "level of appeal"
        verbose_name_plural = "levels of appeal"
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "payer", "level"],
                name="appeal_level_once",
                violation_error_message="This insurer has this level already.",
            ),
            models.CheckConstraint(
                name="appeal_level_sane", condition=Q(level__range=(1, 9)) & Q(days__range=(1, 3650))
            ),
        ]

    def __str__(self) -> str:
        return f"{self.level}. {self.name}"


class AuthorisationRule(EditableModel):
    """A service that the insurer wants to be asked for before. Without limits: always."""

    payer = TenantKey("clinical.Payer", related_name="authorisation_rules")
    code = models.CharField(
        "service",
        max_length=20,
        validators=[SERVICE],
        help_text="The code of the procedure, or its beginning and a star: 9692*.",
    )
    from_units = models.DecimalField(
        "from units",
        max_digits=8,
        decimal_places=2,
        null=True,
        blank=True,
        validators=[MinValueValidator(Decimal("0.01"))],
        help_text="Only if as many or more are meant.",
    )
    from_amount = models.DecimalField(
        "from amount",
        max_digits=12,
        decimal_places=2,
        null=True,
        blank=True,
        validators=[MinValueValidator(Decimal("0.01"))],
        help_text="Only if it costs as much or more.",
    )
    note = models.CharField(max_length=200, blank=True, default="", help_text="What the insurer wants to see.")
    is_active = models.BooleanField("in use", default=True)

    class Meta(EditableModel.Meta):
        ordering = ["code"]
        verbose_name = "rule of authorisation"
        verbose_name_plural = "rules of authorisation"
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "payer", "code"],
                name="authorisation_rule_once",
                violation_error_message="This insurer has a rule for this service already.",
            ),
            models.CheckConstraint(
                name="authorisation_rule_above_zero",
                condition=(Q(from_units=None) | Q(from_units__gt=0)) & (Q(from_amount=None) | Q(from_amount__gt=0)),
            ),
        ]

    def __str__(self) -> str:
        return self.code

    def asks_for(self, code: str, *, units: Decimal, amount: Decimal | None) -> bool:
        """What it costs may not be known yet: then it may cost as much."""
        if not covers(self.code, code):
            return False
        limits = [(self.from_units, units), (self.from_amount, amount)]
        set_limits = [(limit, value) for limit, value in limits if limit is not None]
        return not set_limits or any(value is None or value >= limit for limit, value in set_limits)


def covers(pattern: str, code: str) -> bool:
    """Whether a code is meant by one, or by a beginning with a star."""
    pattern, code = pattern.upper(), code.upper()
    return code.startswith(pattern[:-1]) if pattern.endswith("*") else code == pattern
