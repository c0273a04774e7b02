"""What one attack cost: the shape of a row, and the limits that it has to keep."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_MEMORY = 200 * 1024 * 1024
"""Bytes that a process may grow by under one attack."""

MOST_SECONDS = 5.0
"""The longest that `/healthz` may take to answer meanwhile; a probe usually waits as long."""


@dataclass(frozen=True)
class Measured:
    """One row.

    Attributes:
        attack: what was done.
        victim: to whom.
        sent: bytes that the attacker handed to the network, or to git.
        memory: bytes that the victim grew by at its peak.
        seconds: the longest that `/healthz`, or for a command the command itself, took to answer.
        answered: whether it answered every time.
        most_memory, most_seconds: what it may take.
    """

    attack: str
    victim: str
    sent: int
    memory: int
    seconds: float
    answered: bool = True
    most_memory: int = MOST_MEMORY
    most_seconds: float = MOST_SECONDS

    @property
    def holds(self) -> bool:
        """Whether the limits were kept."""
        return self.answered and self.memory <= self.most_memory and self.seconds <= self.most_seconds


def table(rows: Sequence[Measured]) -> str:
    """The rows in Markdown."""
    names = "| attack | on | sent | memory grown | bytes a hostile byte | slowest answer |"
    return f"{names}\n|---|---|---:|---:|---:|---:|\n" + "".join(f"{_row(row)}\n" for row in rows)


def _row(row: Measured) -> str:
    share = f"{row.memory / row.sent:.2f}" if row.sent else "–"
    answered = f"{row.seconds:.2f} s" if row.answered else "none"
    facts = (row.attack, row.victim, _bytes(row.sent), _bytes(row.memory), share, answered)
    return f"| {' | '.join(facts)} |"


def _bytes(number: int) -> str:
    return f"{number / 1e6:.1f} MB" if number >= 100_000 else f"{number / 1e3:.1f} KB"
