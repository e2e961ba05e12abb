"""Statements that were changed since: a later migration writes a function, trigger or view of a former one anew."""

from __future__ import annotations


def edited(statement: str, *changes: tuple[str, str]) -> str:
    """With each change made. One that finds nothing to change is an error: a guard would silently stay as it was."""
    for former, now in changes:
        if former not in statement:
            raise ValueError(f"There is nothing like this to change in the statement: {former}")
        statement = statement.replace(former, now)
    return statement
