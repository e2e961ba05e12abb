"""What is published: a row of a list, 1.5 kB, the same for every rival (socketio/server.js writes it likewise)."""

from __future__ import annotations

ROLE = "checker_doctor"  # of those who hear it
BYTES = 1500
CELL = '<td data-label="Reason">Cough, since yesterday evening</td>'


def fragment(number: int) -> str:
    """`bench-N` stands in it exactly once: the load client counts it in some of the sockets."""
    start = f'<tr id="visit-bench-{number}" data-v="1" data-lists="examination" data-sort="2-{number:08}">'
    room = BYTES - len(start) - len("</tr>")
    cells = CELL * (room // len(CELL))
    return f"{start}{cells}{' ' * (room - len(cells))}</tr>"
