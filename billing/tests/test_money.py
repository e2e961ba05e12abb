import ast
import re
from decimal import Decimal
from pathlib import Path

import pytest

from billing.money import exact, read, spoken

HERE = Path(__file__).parents[1]
DEMO = HERE / "demo"  # invents vital signs and paces of work; its money goes through the same verbs
SOURCES = sorted(path for path in HERE.rglob("*.py") if DEMO not in path.parents)
BINARY = {"float", "FloatField", "fsum"}


def names_in(tree: ast.AST) -> list[tuple[int, str]]:
    return [
        (node.lineno, getattr(node, "id", "") or getattr(node, "attr", ""))
        for node in ast.walk(tree)
        if isinstance(node, ast.Name | ast.Attribute)
    ]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(HERE)))
def test_no_binary_fraction_is_anywhere_near_money(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    literals = [
        (node.lineno, node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, float)
    ]
    used = [found for found in names_in(tree) if found[1] in BINARY and "tests" not in path.parts]
    assert literals + used == []


def test_an_amount_has_two_places():
    assert str(exact("5")) == "5.00"
    assert exact(Decimal("12.50")) == Decimal("12.50")


def test_a_third_place_is_a_mistake_and_is_not_rounded_away():
    with pytest.raises(ValueError, match="more than two places"):
        exact(Decimal("0.005"))


def test_a_binary_fraction_is_not_money():
    with pytest.raises(TypeError, match="not a kind of money"):
        exact(1 / 4)


def test_every_sum_on_a_page_says_its_currency():
    pages = (HERE.parent / "templates").rglob("*.html")
    assert [path.name for path in pages if re.search(r"\|money(?!:)", path.read_text())] == []


def test_an_amount_is_spoken_in_the_currency_of_the_hospital(alpha):
    with alpha.acting():
        assert spoken(Decimal("1234.5")) == "$1,234.50"
        alpha.tenant.currency = "JPY"
        assert spoken(Decimal("1234")) == "¥1,234"
        alpha.tenant.currency = "CHF"
        assert spoken(Decimal("7")) == "CHF 7.00"


@pytest.mark.parametrize(
    ("typed", "amount"),
    [
        ("1234.50", "1234.50"),
        ("1234,5", "1234.5"),
        ("1,234.50", "1234.50"),
        ("1.234,50", "1234.50"),
        ("1 234,50", "1234.50"),
        ("1 234 567", "1234567"),
        ("-5", "-5"),
    ],
)
def test_an_amount_is_read_as_people_type_it(typed, amount):
    assert read(typed) == Decimal(amount)


@pytest.mark.parametrize("typed", ["1,234.5,6", "1,234", "1.234.567", "12,5,0", "1e3", "NaN", "12.", ",50", "ten"])
def test_what_could_mean_two_things_is_not_guessed(typed):
    assert read(typed) is None
