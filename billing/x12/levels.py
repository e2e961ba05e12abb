"""The tree that HL segments make: each names the one above it."""

from __future__ import annotations

from collections.abc import Iterator

from billing.x12.fields import Fields
from billing.x12.loops import Node

ORDER = {"20": 1, "21": 2, "19": 3, "22": 4, "PT": 5, "23": 5}


class Levels:
    """The levels of a transaction, and what stands above each."""

    def __init__(self, root: Node, fields: Fields) -> None:
        self.nodes = root.loops("level")
        self.above = dict(parents(self.nodes, fields))

    def line(self, node: Node) -> Iterator[Node]:
        """The level and those above it, the nearest first."""
        here: Node | None = node
        while here is not None:
            yield here
            here = self.above[id(here)]

    def nearest(self, node: Node, *codes: str) -> Node | None:
        return next((one for one in self.line(node) if one.head.at(3) in codes), None)


def parents(nodes: list[Node], fields: Fields) -> Iterator[tuple[int, Node | None]]:
    """A level that names none, or one that has not come before it, belongs to the last one that can stand above it."""
    known: dict[str, Node] = {}
    for index, node in enumerate(nodes):
        head = node.head
        above = known.get(head.at(2)) if head.at(2) else None
        if head.at(2) and above is None:
            fields.complaints.warn("It names a level above it that has not come.", head.name, head.position, 2)
        if above is None:
            above = next((one for one in reversed(nodes[:index]) if rank(one) < rank(node)), None)
        if head.at(1) in known:
            fields.complaints.warn("There is another level of this number.", head.name, head.position, 1)
        known[head.at(1)] = node
        yield id(node), above


def rank(node: Node) -> int:
    return ORDER.get(node.head.at(3), 9)
