"""A worker that lives, and does nothing any more, is ended and started again."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from hospital.supervisor.children import Crew, Pulse

PROGRAM = """
    import pathlib, sys, time

    starts, pulse, touches = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), int(sys.argv[3])
    with starts.open("a") as book:
        book.write("started\\n")
    for _ in range(touches):
        pulse.touch()
        time.sleep(0.1)
    time.sleep(600)
"""


@pytest.fixture
def folder(tmp_path) -> Path:
    (tmp_path / "program.py").write_text(textwrap.dedent(PROGRAM))
    return tmp_path


def starts_of(folder: Path) -> int:
    book = folder / "starts"
    return len(book.read_text().splitlines()) if book.exists() else 0


def crew_of(folder: Path, touches: int, patience: float):
    arguments = ["program", str(folder / "starts"), str(folder / "pulse"), str(touches)]
    return Crew(folder, folder).working({"worker": arguments}, {"worker": Pulse(folder / "pulse", patience)})


def test_a_program_without_a_pulse_is_started_again(folder, capsys):
    with crew_of(folder, touches=3, patience=2) as crew:
        assert crew.watch(until=lambda: starts_of(folder) == 2, seconds=60)
    assert "has done nothing for 2 seconds" in capsys.readouterr().out


def test_a_program_with_a_pulse_is_left_alone(folder):
    with crew_of(folder, touches=1000, patience=5) as crew:
        assert not crew.watch(until=lambda: starts_of(folder) > 1, seconds=8)
