"""The classification of diagnoses, ICD-10-CM: one table for all tenants, which the application can only read."""

from __future__ import annotations

import re
from collections.abc import Iterable

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchQuery, SearchVectorField
from django.db import models

SHAPE = re.compile(r"[a-z][0-9][0-9a-z](\.?[0-9a-z]{0,4})|[a-z][0-9]", re.IGNORECASE)
WORD = re.compile(r"[a-z0-9]+")


def dotted(code: str) -> str:
    """As people write it: claims carry it without its dot."""
    return f"{code[:3]}.{code[3:]}" if len(code) > 3 else code


class Icd10Codes(models.QuerySet):
    def look_up(self, text: str, limit: int = 12) -> list[Icd10Code]:
        """What begins with this code, or has all of these words: in its title before in a synonym, the common first."""
        if SHAPE.fullmatch(text.strip()):
            return list(self.by_code(text.strip())[:limit])
        words = WORD.findall(text.lower())
        found = self.by_words(text)[: 5 * limit]
        return sorted(found, key=lambda code: (-code.words_begun_by(words), code.rank))[:limit]

    def by_code(self, text: str) -> Icd10Codes:
        plain = text.upper().replace(".", "")
        return self.filter(code__startswith=dotted(plain)).defer("search").order_by("code")

    def titles(self, codes: Iterable[str]) -> list[tuple[str, str]]:
        """Each of these codes, in their order, with its name; none for what is no code. One question for all."""
        wanted = list(codes)
        known = dict(self.filter(code__in=wanted).values_list("code", "title")) if wanted else {}
        return [(code, known.get(code, "")) for code in wanted]

    def by_words(self, text: str) -> Icd10Codes:
        """A word matches as a beginning, while it is typed, or by its stem, once it is whole."""
        words = [word for word in WORD.findall(text.lower()) if len(word) > 1 or word.isdigit()]
        if not words:
            return self.none()
        found = self.filter(billable=True).defer("search")
        for word in words:
            begins = SearchQuery(f"{word}:*", search_type="raw", config="simple")
            found = found.filter(search=begins | SearchQuery(word, config="english"))
        return found.order_by("rank", "code")


class Icd10Code(models.Model):
    code = models.CharField(max_length=10, primary_key=True)
    title = models.CharField(max_length=250)
    billable = models.BooleanField(help_text="Precise enough to be recorded.")
    rank = models.SmallIntegerField(help_text="The lower, the earlier it is offered.")
    search = SearchVectorField()

    objects = Icd10Codes.as_manager()

    class Meta:
        verbose_name = "ICD-10-CM code"
        ordering = ["code"]
        indexes = [GinIndex(fields=["search"], name="icd10_search")]

    def __str__(self) -> str:
        return f"{self.code} {self.title}"

    def words_begun_by(self, beginnings: list[str]) -> int:
        """How many of these begin a word of the title."""
        title = WORD.findall(self.title.lower())
        return sum(any(word.startswith(beginning) for word in title) for beginning in beginnings)
