"""Finds, in source code, every write that sends no signal: nothing written so would reach a screen.

What cannot be told from the source (whose rows?) counts as a find too, and is explained in a list or written otherwise.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from django.apps import apps
from django.db.models import Model

BULK = {"bulk_create", "abulk_create", "bulk_update", "abulk_update"}
BELOW_SAVE = {"save_base", "_update", "_insert", "_do_update", "_do_insert"}
UPDATES = {"update", "aupdate"}
BY_NAME = {"getattr", "methodcaller", "attrgetter"}
SQL = re.compile(
    r"\b(?:UPDATE(?:\s+ONLY)?|INSERT\s+INTO|MERGE\s+INTO|COPY)\s+[\"']?(?:public\.)?([a-z_{}%]+)", re.IGNORECASE
)
SHOWN_LATER = "{}"  # a part of a text that the source does not show


@dataclass(frozen=True)
class Write:
    line: int
    inside: str  # the function or class that writes
    model: type[Model] | None

    def __str__(self) -> str:
        return f"{self.line} in {self.inside or 'the module'} writes {self.model.__name__ if self.model else 'rows of who knows what'}"


def silent_writes(tree: ast.Module) -> Iterator[Write]:
    yield from Finder(tree).writes()


def is_silent_write(node: ast.Call) -> bool:
    """`bulk_create` and its like, and `update` of a queryset, which takes nothing but keywords (a dict's seldom does)."""
    if not isinstance(node.func, ast.Attribute) or named(root_of(node.func)) == "vars":
        return False
    return node.func.attr in BULK | BELOW_SAVE or (node.func.attr in UPDATES and bool(node.keywords) and not node.args)


class Finder:
    """Reads one module. Names are followed to what they were last given, by import or by assignment."""

    def __init__(self, tree: ast.Module) -> None:
        self.tree = tree
        self.owners = [
            node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        ]
        self.called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
        self.imported = {
            alias.asname or alias.name: alias.name
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        }
        self.given: dict[str, list[ast.AST]] = defaultdict(list)
        for target, value in (pair for node in ast.walk(tree) for pair in bindings(node)):
            self.given[named(target)].append(value)

    def writes(self) -> Iterator[Write]:
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call) and is_silent_write(node):
                yield self.write(node, self.model_of(node.func))
            elif isinstance(node, ast.Call) and names_a_write(node):
                yield self.write(node, self.model_of(node.args[0]))
            elif isinstance(node, ast.Attribute) and self.is_handed_on(node):
                yield self.write(node, self.model_of(node))
            elif isinstance(node, ast.Constant | ast.JoinedStr):
                yield from (self.write(node, table) for table in written_by_sql(node))

    def write(self, node: ast.AST, model: type[Model] | None) -> Write:
        inside = [owner for owner in self.owners if owner.lineno <= node.lineno <= (owner.end_lineno or 0)]
        return Write(node.lineno, ".".join(owner.name for owner in inside), model)

    def is_handed_on(self, node: ast.Attribute) -> bool:
        """`write = rows.bulk_create`, to be called later. `found.update` of a set is handed on only by its own name."""
        return id(node) not in self.called and (
            node.attr in BULK | BELOW_SAVE or (node.attr in UPDATES and self.model_of(node) is not None)
        )

    def model_of(self, node: ast.AST, depth: int = 0) -> type[Model] | None:
        """By the model's name, as `cls` or `type(self)` inside it, through a variable, or by the one relation of this name."""
        names = [step.attr for step in steps_to(node) if isinstance(step, ast.Attribute)]
        root = root_of(node)
        for name in (self.imported.get(named(root), named(root)), *reversed(names)):
            if model := model_named(name):
                return model
        if named(root) in ("cls", "self", "type") and (model := self.model_around(node)) and not related(names):
            return model
        if (value := self.last_given(named(root), node)) is not None and depth < 5:
            return related(names) or self.model_of(value, depth + 1)
        return related(names)

    def model_around(self, node: ast.AST) -> type[Model] | None:
        around = [
            owner
            for owner in self.owners
            if isinstance(owner, ast.ClassDef) and owner.lineno <= node.lineno <= (owner.end_lineno or 0)
        ]
        return next((model for owner in reversed(around) if (model := model_named(owner.name))), None)

    def last_given(self, name: str, node: ast.AST) -> ast.AST | None:
        if not name:
            return None
        before = [value for value in self.given[name] if value.lineno <= node.lineno and value is not node]
        return max(before, key=lambda value: value.lineno, default=None)


def bindings(node: ast.AST) -> Iterator[tuple[ast.AST, ast.AST]]:
    if isinstance(node, ast.Assign):
        yield from ((target, node.value) for target in node.targets)
    elif isinstance(node, ast.AnnAssign | ast.NamedExpr) and node.value is not None:
        yield node.target, node.value
    elif isinstance(node, ast.For | ast.AsyncFor | ast.comprehension):
        yield node.target, node.iter
    elif isinstance(node, ast.withitem) and node.optional_vars is not None:
        yield node.optional_vars, node.context_expr


def steps_to(node: ast.AST) -> Iterator[ast.AST]:
    """From `Visit.objects.filter(…).update` to its root, `Visit`."""
    while isinstance(node, ast.Attribute | ast.Call | ast.Subscript | ast.Await):
        yield node
        node = node.func if isinstance(node, ast.Call) else node.value
    yield node


def root_of(node: ast.AST) -> ast.AST:
    return list(steps_to(node))[-1]


def named(node: ast.AST) -> str:
    return node.id if isinstance(node, ast.Name) else ""


@cache
def model_named(name: str) -> type[Model] | None:
    return next((model for model in apps.get_models() if model.__name__ == name), None) if name else None


def related(names: list[str]) -> type[Model] | None:
    found = {model for name in names for model in models_related_as(name)}
    return found.pop() if len(found) == 1 else None


@cache
def models_related_as(name: str) -> set[type[Model]]:
    fields = [field for model in apps.get_models() for field in model._meta.local_fields if field.is_relation]
    return {field.model for field in fields if field.remote_field.related_name == name}


def names_a_write(node: ast.Call) -> bool:
    """`getattr(rows, "update")`, `methodcaller("bulk_create", …)`."""
    name = node.func.attr if isinstance(node.func, ast.Attribute) else named(node.func)
    words = {argument.value for argument in node.args if isinstance(argument, ast.Constant)}
    return name in BY_NAME and bool(words & (BULK | BELOW_SAVE | UPDATES))


def written_by_sql(node: ast.Constant | ast.JoinedStr) -> Iterator[type[Model] | None]:
    """The models whose tables a statement of SQL in this text writes; None for a table that the text does not name."""
    tables = {model._meta.db_table: model for model in apps.get_models()}
    for table in SQL.findall(text_of(node)):
        if table.lower() in tables:
            yield tables[table.lower()]
        elif set(table) & set("{%"):
            yield None


def text_of(node: ast.Constant | ast.JoinedStr) -> str:
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    return "".join(text_of(part) if isinstance(part, ast.Constant) else SHOWN_LATER for part in node.values)
