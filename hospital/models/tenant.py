import zoneinfo
from functools import cache

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models, transaction

from hospital.identifiers import uuid7

RESERVED_SLUGS = ("accounts", "static", "healthz", "favicon.ico", "robots.txt")
slug_shape = RegexValidator(r"\A[a-z0-9][a-z0-9-]{1,48}\Z", "Use 2 to 49 small letters, digits and hyphens.")


def check_slug(value: str) -> None:
    if value in RESERVED_SLUGS:
        raise ValidationError(f"“{value}” is an address of the system itself.")


@cache
def known_time_zones() -> frozenset[str]:
    """Read once: it is a walk through the files of the database."""
    return frozenset(zoneinfo.available_timezones())


def check_time_zone(value: str) -> None:
    if value not in known_time_zones():
        raise ValidationError(f"“{value}” is not a time zone of the IANA database.")


class Tenant(models.Model):
    """An organisation. Everything under `/<slug>/` is its own, and nobody else's."""

    class Gate(models.TextChoices):
        """What a visit must be paid before."""

        NOTHING = "nothing", "Nothing"
        CONSULTATION = "consultation", "Examination and consultation"
        LABORATORY = "laboratory", "Laboratory"
        PHARMACY = "pharmacy", "Pharmacy"

    class SecondPerson(models.TextChoices):
        """Which results are released by somebody else than who entered them."""

        OFF = "off", "None"
        CRITICAL = "critical", "Critical ones"
        ALL = "all", "All"

    class Accent(models.TextChoices):
        BLUE = "blue"
        TEAL = "teal"
        GREEN = "green"
        ORANGE = "orange"
        PURPLE = "purple"
        PINK = "pink"
        CYAN = "cyan"
        INDIGO = "indigo"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=120)
    slug = models.CharField(max_length=49, unique=True, validators=[slug_shape, check_slug])
    is_active = models.BooleanField(
        default=True, help_text="A suspended organisation cannot be entered; nothing of it is lost."
    )
    accent = models.CharField(max_length=10, choices=Accent.choices, default=Accent.BLUE)
    time_zone = models.CharField(max_length=40, default="UTC", validators=[check_time_zone])
    currency = models.CharField(
        max_length=3, default="USD", validators=[RegexValidator(r"\A[A-Z]{3}\Z", "Use the three letters of ISO 4217.")]
    )
    phone_region = models.CharField(
        max_length=2, default="US", help_text="Where telephone numbers without a country code are."
    )
    require_payment_before = models.CharField(max_length=12, choices=Gate.choices, default=Gate.CONSULTATION)
    second_person = models.CharField(
        "results that a second person releases", max_length=8, choices=SecondPerson.choices, default=SecondPerson.OFF
    )
    waiting_amber_minutes = models.PositiveSmallIntegerField(default=15, validators=[MinValueValidator(1)])
    waiting_red_minutes = models.PositiveSmallIntegerField(
        default=30, validators=[MinValueValidator(2), MaxValueValidator(1440)]
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def zone(self) -> zoneinfo.ZoneInfo:
        return zoneinfo.ZoneInfo(self.time_zone)

    @classmethod
    @transaction.atomic
    def open(cls, name: str, slug: str, **settings: object) -> "Tenant":
        """Create an organisation with the default roles."""
        from hospital.models.people import Role
        from hospital.tenancy import acting_for

        tenant = cls(name=name, slug=slug, **settings)
        tenant.full_clean()
        with acting_for(tenant):
            tenant.save(force_insert=True)
            Role.make_defaults()
        return tenant
