"""Segments to a tree of loops, by a small grammar, and a record of which segments somebody has read.

A segment belongs to the innermost open loop that knows it, so that loops may be left out, or come in another order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from billing.x12.complaints import Complaints
from billing.x12.segments import Marks, Segment

OUTERMOST = Segment(("",), 0, Marks())  # nothing opens the outermost loop


@dataclass(frozen=True)
class Loop:
    """`opens` is a segment's name, or name and code: "NM1*QC", "HL***22". `own` are the names of those that belong to it."""

    name: str
    opens: str
    own: str = ""
    below: tuple[Loop, ...] = ()

    def begins_with(self, segment: Segment) -> bool:
        name, *wanted = self.opens.split("*")
        if segment.name != name:
            return False
        return all(not codes or segment.at(number) in codes.split(",") for number, codes in enumerate(wanted, 1))

    def opened_by(self, segment: Segment) -> Loop | None:
        return next((loop for loop in self.below if loop.begins_with(segment)), None)

    def owns(self, segment: Segment) -> bool:
        return segment.name in self.own.split()


@dataclass(eq=False)
class Node:
    """An occurrence of a loop. Whoever gets a segment from it has read it."""

    loop: Loop
    opening: Segment
    own: list[Segment] = field(default_factory=list)
    below: list[Node] = field(default_factory=list)
    read: set[int] = field(default_factory=set)

    @property
    def head(self) -> Segment:
        self.read.add(self.opening.position)
        return self.opening

    def one(self, name: str, *codes: str) -> Segment | None:
        """The first that is not read yet. Others stay, and are told of in the end."""
        return next(self._unread(name, codes), None)

    def all(self, name: str, *codes: str) -> list[Segment]:
        return list(self._unread(name, codes))

    def loop_of(self, name: str, *codes: str) -> Node | None:
        return next(self._unread_loops(name, codes), None)

    def loops(self, name: str, *codes: str) -> list[Node]:
        return list(self._unread_loops(name, codes))

    def unread(self) -> Iterator[Segment]:
        if self.opening.position not in self.read:
            yield self.opening
        yield from (segment for segment in self.own if segment.position not in self.read)
        for node in self.below:
            yield from node.unread()

    def _unread(self, name: str, codes: tuple[str, ...]) -> Iterator[Segment]:
        for segment in self.own:
            fits = segment.name == name and (not codes or segment.at(1) in codes)
            if fits and segment.position not in self.read:
                self.read.add(segment.position)
                yield segment

    def _unread_loops(self, name: str, codes: tuple[str, ...]) -> Iterator[Node]:
        for node in self.below:
            fits = node.loop.name == name and (not codes or node.opening.at(1) in codes)
            if fits and node.opening.position not in node.read:
                node.read.add(node.opening.position)
                yield node


def grown(loop: Loop, segments: Iterable[Segment], complaints: Complaints) -> Node:
    root = Node(loop, OUTERMOST, read={OUTERMOST.position})
    path = [root]
    for segment in segments:
        place(path, segment, complaints)
    return root


def place(path: list[Node], segment: Segment, complaints: Complaints) -> None:
    for depth in range(len(path) - 1, -1, -1):
        node = path[depth]
        child = node.loop.opened_by(segment)
        if child or node.loop.owns(segment):
            del path[depth + 1 :]
        if child:
            path.append(Node(child, segment))
            node.below.append(path[-1])
            return
        if node.loop.owns(segment):
            node.own.append(segment)
            return
    words = "Left out: it has no place here." if segment.is_named else "Left out: it is no segment."
    complaints.error(words, segment.spoken, segment.position)


def tell_of_the_rest(root: Node, complaints: Complaints) -> None:
    """Nothing is dropped in silence: what belongs here, and has no field in our structure, is named."""
    for segment in root.unread():
        complaints.note("Not used here.", segment.spoken, segment.position)
