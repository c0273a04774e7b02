"""Progress on a terminal: it moves, it fits, and nothing of it stays."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import termios
from typing import TYPE_CHECKING

import pytest

from tests.forked import own_terminal

if TYPE_CHECKING:
    from tests.program import Fleet

SLOW = """
[targets.local]
kind = "embedded"
publish_seconds = 2
[follow]
first = "200ms"
"""
ERASED = "\r\x1b[2K"
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def _shown(fleet: Fleet, columns: int = 80, *, interrupt_after: str = "nothing like it") -> str:
    """What a terminal of that width gets from `apply`; Ctrl-C is typed once it has got that text."""
    parent, child = pty.openpty()
    fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    seen, typed = "", False
    streams = {"stdin": child, "stdout": child, "stderr": child}
    with fleet.spawn("apply", **streams, start_new_session=True, preexec_fn=own_terminal):
        os.close(child)
        while True:
            try:
                seen += os.read(parent, 65536).decode()
            except OSError:  # the program has ended
                break
            if not typed and interrupt_after in seen:
                os.write(parent, b"\x03")
                typed = True
    os.close(parent)
    return seen


@pytest.fixture
def fleet(fleet: Fleet) -> Fleet:
    """Imports that take two seconds to be published."""
    fleet.configure(SLOW)
    fleet.environment = {"TERM": "xterm"}
    return fleet


@pytest.mark.parametrize("columns", [80, 40])
def test_progress_moves_while_it_waits_and_shows_a_whole_clock(fleet: Fleet, columns: int) -> None:
    """The words are cut, and the clock is not; there is no count before there is something to count."""
    lines = [COLOUR.sub("", line).partition("\r")[0] for line in _shown(fleet, columns).split(ERASED)]
    drawn = [line for line in lines if re.search(r"\d:\d\d:\d\d ", line)]
    assert max(map(len, drawn)) < columns - 1
    waiting = [line for line in drawn if "registered as" in line or "0/2" in line]
    assert len({line[0] for line in waiting}) > 3
    assert len({re.findall(r"\d:\d\d:\d\d", line)[0] for line in waiting}) > 1
    assert "0/0" not in "".join(lines)


def test_nothing_of_it_is_left_after_the_end_and_after_ctrl_c(fleet: Fleet) -> None:
    """The line is erased before the report; a terminal's echo of Ctrl-C stays within the line."""
    for name, registered in (("never", "nothing like it"), ("then", "m-then@1.0.0: registered")):
        fleet.declare(f"m-{name}@1.0.0")
        shown = _shown(fleet, interrupt_after=registered)
        before, _, report = shown.rpartition("\x1b[2K")
        assert "imported" in report
        assert not re.search(r"\d:\d\d:\d\d ", COLOUR.sub("", report))
        drawn = COLOUR.sub("", before).split(ERASED)
        assert max(len(line.partition("\r")[0].partition("^C")[0]) for line in drawn[1:]) <= 77


def test_a_terminal_that_cannot_move_its_cursor_gets_lines(fleet: Fleet) -> None:
    """`TERM=dumb`: no escape sequence at all."""
    fleet.environment = {"TERM": "dumb"}
    shown = _shown(fleet)
    assert "\x1b" not in shown
    assert "a@1.0.0: importing\r\n" in shown


def test_no_color_leaves_the_movement_and_takes_the_colour(fleet: Fleet) -> None:
    """Cursor movements are no colour."""
    fleet.environment |= {"NO_COLOR": "1"}
    shown = _shown(fleet)
    assert ERASED in shown
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]m", shown)
