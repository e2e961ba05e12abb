"""The rules of the house, read from the source: what may import what, and what nobody may write."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from hospital.tests.silent_writes import is_silent_write

ROOT = Path(__file__).parents[2]
FLOORS = (
    "hospital",
    "realtime",
    "clinical",
    "scheduling",
    "billing",
)  # an app may import itself and what stands before it
COMPOSE = {f"hospital/{name}.py" for name in ("settings", "urls", "public_urls", "asgi", "celery")}

ACROSS_TENANTS: dict[str, str] = {}  # file: why it must see more than one tenant

STATUS_WITHOUT_A_MOVE = {
    "hospital/workflow.py": "move_to itself",
    "hospital/idempotency.py": "the HTTP status of the answer that is kept",
}


def sources() -> list[Path]:
    """Every module of ours that runs in the product."""
    return [
        path
        for app in FLOORS
        for path in sorted((ROOT / app).rglob("*.py"))
        if not {"tests", "migrations"} & set(path.relative_to(ROOT).parts)
    ]


def templates() -> list[Path]:
    return sorted([*(ROOT / "templates").rglob("*.html"), *(ROOT / "templates").rglob("*.txt")])


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def nodes(*kinds: type[ast.AST]) -> Iterator[tuple[str, ast.AST]]:
    for path in sources():
        for node in ast.walk(tree_of(path)):
            if isinstance(node, kinds):
                yield name_of(path), node


def imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.ImportFrom):
        return [node.module or ""]
    return [alias.name for alias in node.names]


def test_imports_point_down_only():
    upwards = [
        f"{file}:{node.lineno} imports {module}"
        for file, node in nodes(ast.Import, ast.ImportFrom)
        for module in imported(node)
        if file not in COMPOSE and module.split(".")[0] in FLOORS[FLOORS.index(file.split("/")[0]) + 1 :]
    ]
    assert upwards == []


def test_imports_are_absolute():
    assert [f"{file}:{node.lineno}" for file, node in nodes(ast.ImportFrom) if node.level] == []


def assigned(node: ast.AST) -> Iterator[ast.AST]:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    for target in targets:
        yield from target.elts if isinstance(target, ast.Tuple | ast.List) else [target]


def is_setattr_of_status(node: ast.Call) -> bool:
    named = [argument.value for argument in node.args[1:2] if isinstance(argument, ast.Constant)]
    return isinstance(node.func, ast.Name) and node.func.id == "setattr" and named == ["status"]


def test_only_move_to_changes_a_status():
    assignments = [
        f"{file}:{node.lineno}"
        for file, node in nodes(ast.Assign, ast.AnnAssign, ast.AugAssign)
        if file not in STATUS_WITHOUT_A_MOVE
        and any(isinstance(target, ast.Attribute) and target.attr == "status" for target in assigned(node))
    ]
    calls = [
        f"{file}:{node.lineno}"
        for file, node in nodes(ast.Call)
        if file not in STATUS_WITHOUT_A_MOVE
        and (
            is_setattr_of_status(node)
            or (is_silent_write(node) and any(keyword.arg == "status" for keyword in node.keywords))
        )
    ]
    assert assignments + calls == []


def called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def test_the_fence_is_lifted_only_where_it_must_be():
    uses = {file for file, node in nodes(ast.Call) if called(node) == "across_tenants"}
    assert uses == set(ACROSS_TENANTS)


@pytest.mark.parametrize("banned", ["mark_safe", "csrf_exempt", "SafeText", "html_safe"])
def test_nobody_switches_escaping_or_forgery_protection_off(banned):
    used = [
        f"{file}:{node.lineno}"
        for file, node in nodes(ast.Call, ast.Name, ast.Attribute, ast.alias)
        if banned in (getattr(node, "id", ""), getattr(node, "attr", ""), getattr(node, "name", ""))
    ]
    assert used == []


def test_a_safe_string_is_only_a_type_and_never_made_by_hand():
    assert [f"{file}:{node.lineno}" for file, node in nodes(ast.Call) if called(node) == "SafeString"] == []


TEMPLATE_RULES = {
    "switches escaping off": r"\|\s*safe(seq)?\b|\{%\s*autoescape\s+off",
    "has an inline style": r"<style\b|\sstyle\s*=",
    "has an inline script": r"<script\b(?![^>]*\ssrc=)",
    "has an inline handler": r"\shx-on|<[a-z][^<>{}]*\son[a-z]+\s*=\s*[\"']|javascript:",
    "needs eval": r"hx-vals=[\"']js:|hx-trigger=[\"'][^\"']*\[",
}


@pytest.mark.parametrize("fault", TEMPLATE_RULES)
def test_no_template(fault):
    pattern = re.compile(TEMPLATE_RULES[fault], re.IGNORECASE)
    assert [
        f"{name_of(path)}: {found.group()}" for path in templates() if (found := pattern.search(comments_away(path)))
    ] == []


def comments_away(path: Path) -> str:
    text = re.sub(r"\{#.*?#\}", "", path.read_text(encoding="utf-8"))
    return re.sub(r"\{%\s*comment\b.*?endcomment\s*%\}", "", text, flags=re.DOTALL)


WITHOUT_A_TENANT = {
    "templates/_person_menu.html": "logs out, outside of every tenant",
    "templates/503.html": "sends the same form again, and with it the same keys",
}
ENTRANCE = ("templates/account/", "templates/mfa/")  # before a tenant is entered: there is no row that could keep a key
POST_FORM = re.compile(r"<form\b[^>]*\bmethod\s*=\s*[\"']post[\"'].*?</form>", re.IGNORECASE | re.DOTALL)


def test_every_form_that_changes_something_carries_its_keys():
    """Against forgery, and so that a form that is sent twice has one effect."""
    bare = {
        name_of(path)
        for path in templates()
        for form in POST_FORM.findall(comments_away(path))
        if "_keys.html" not in form
    }
    assert {name for name in bare if name not in WITHOUT_A_TENANT and not name.startswith(ENTRANCE)} == set()
