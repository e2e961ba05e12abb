"""ICD-10-CM as the package `simple-icd-10-cm` carries it, made ready for the table that is looked up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import astuple, dataclass
from pathlib import Path

import simple_icd_10_cm
from django.db import connections, transaction

# What a general hospital records most: offered first, and all that a sample has. A code that a release drops is skipped.
COMMON = tuple(Path(__file__).with_name("icd10_common.txt").read_text().split())
LATER_ENCOUNTERS = ("D", "S")  # the seventh character of subsequent encounters and of sequelae
RARELY = ("V", "W", "X", "Y")  # external causes


@dataclass(frozen=True)
class Entry:
    code: str
    title: str
    billable: bool
    rank: int
    words: str


def entries(*, sample: bool = False) -> Iterator[Entry]:
    """All categories and what is below them; of a sample only the common ones, with the groups that they are in."""
    wanted = sample_codes() if sample else dict.fromkeys(simple_icd_10_cm.get_all_codes())
    for code in wanted:
        if simple_icd_10_cm.is_category_or_subcategory(code):
            yield entry(code)


def sample_codes() -> dict[str, None]:
    there = [code for code in COMMON if simple_icd_10_cm.is_valid_item(code)]
    return dict.fromkeys(found for code in there for found in (*simple_icd_10_cm.get_ancestors(code), code))


def entry(code: str) -> Entry:
    title = simple_icd_10_cm.get_description(code)
    synonyms = simple_icd_10_cm.get_inclusion_term(code) + simple_icd_10_cm.get_includes(code)
    return Entry(
        code, title[:250], simple_icd_10_cm.is_leaf(code), rank(code, title), " ".join([code, title, *synonyms])
    )


def rank(code: str, title: str) -> int:
    """Common before plain before long-winded, first encounters before later ones, diseases before causes from outside."""
    length = len(title) + 8 * len(code)
    if code in COMMON:
        return length - 1000
    later = len(code) == 8 and code[-1] in LATER_ENCOUNTERS
    return length + 300 * later + 600 * code.startswith(RARELY)


def load(found: Iterator[Entry], *, whole: bool) -> int:
    """Write the table as its owner, in one transaction. Whatever a `whole` classification no longer has goes away."""
    with transaction.atomic("owner"), connections["owner"].cursor() as cursor:
        cursor.execute(
            "CREATE TEMP TABLE arriving (code text, title text, billable bool, rank int, words text) ON COMMIT DROP"
        )
        with cursor.copy("COPY arriving FROM STDIN") as copy:
            for row in found:
                copy.write_row(astuple(row))
        cursor.execute(STORE)
        count = cursor.rowcount
        if whole:
            cursor.execute(
                "DELETE FROM clinical_icd10code old WHERE NOT EXISTS (SELECT FROM arriving WHERE arriving.code = old.code)"
            )
        cursor.execute("ANALYZE clinical_icd10code")
    return count


STORE = """
    INSERT INTO clinical_icd10code (code, title, billable, rank, search)
    SELECT code, title, billable, rank, to_tsvector('simple', words) || to_tsvector('english', words) FROM arriving
    ON CONFLICT (code) DO UPDATE SET title = excluded.title, billable = excluded.billable, rank = excluded.rank, search = excluded.search
"""
