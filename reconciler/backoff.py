"""How long to wait before something that failed, or is not done yet, is tried again."""

from __future__ import annotations

from dataclasses import dataclass

FULL_JITTER, EQUAL_JITTER = 1.0, 0.5
"""The share of a wait that is left to chance: all of it, or half of it."""

_MOST_STEPS = 64  # a wait has reached its longest long before, and no power of a float overflows


@dataclass(frozen=True, slots=True)
class Backoff:
    """Waits that grow from attempt to attempt, all durations in seconds.

    Attributes:
        first: the wait after the first attempt.
        longest: no wait is longer.
        factor: by how much a wait is longer than the one before.
        jitter: the share of a wait that is left to chance, from 0 to 1.
    """

    first: float
    longest: float
    factor: float = 2.0
    jitter: float = 0.0

    def seconds(self, attempt: int, chance: float = 1.0) -> float:
        """The wait after an attempt, of which 1 is the first; `chance` is a number from 0 to 1."""
        wait = min(self.longest, self.first * self.factor ** min(max(attempt, 1) - 1, _MOST_STEPS))
        return wait * (1.0 - self.jitter + self.jitter * chance)
