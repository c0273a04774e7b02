"""Counts what SQLite hands out of the program's files, and the steps it takes for that, in this process.

Heard from outside: Python tells of each connection that is made, and each connection of each row and of the
steps of its statements.
"""

from __future__ import annotations

import sqlite3
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_FILES = frozenset({"state.db", "index.db"})
_STEPS = 100


@dataclass(slots=True)
class Reads:
    """What was read so far.

    Attributes:
        rows: rows that were handed out.
        steps: steps of statements, in hundreds: what a statement goes through and does not hand out is in it.
    """

    rows: int = 0
    steps: int = 0

    def since(self, before: Reads) -> Reads:
        """What was read after a moment."""
        return Reads(self.rows - before.rows, self.steps - before.steps)


_reads = Reads()
_opening = threading.local()
_opened: list[sqlite3.Connection] = []
_hearing: list[bool] = []


def reads() -> Reads:
    """What was read of all states and indexes so far that were opened between two calls."""
    if not _hearing:
        _hearing.append(True)
        sys.addaudithook(_hear)  # stays as long as the process
    while _opened:
        connection = _opened.pop()
        with suppress(sqlite3.ProgrammingError):  # it is closed already
            connection.row_factory = _row
            connection.set_progress_handler(_step, _STEPS)
    return Reads(_reads.rows, _reads.steps)


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    """Takes each connection as it is made; it can be asked for nothing before that is done."""
    if event == "sqlite3.connect":
        _opening.file = Path(str(arguments[0]).partition("?")[0]).name
    elif event == "sqlite3.connect/handle" and _opening.file in _FILES:
        _opened.append(arguments[0])


def _row(_: sqlite3.Cursor, row: tuple[Any, ...]) -> tuple[Any, ...]:
    _reads.rows += 1
    return row


def _step() -> int:
    _reads.steps += 1
    return 0
