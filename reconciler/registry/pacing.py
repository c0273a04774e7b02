"""How fast one target is asked: a token bucket for all its calls, which answers can close or make slower.

The vendor publishes no rate. A write takes a whole token; a read takes a small part of one, and more of it
after each answer that says that requests come too often.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class TokenBucket:
    """Gives out starting times: `rate` writes a second in the long run, `burst` at once after a quiet time.

    Reads start at `read_rate` a second. An answer that asks to slow down halves that, down to the rate
    of writes; without another such answer it grows back, in a minute from nothing to all. `clock` gives
    seconds that only ever grow.
    """

    def __init__(self, rate: float, burst: int, read_rate: float, clock: Callable[[], float]) -> None:
        """A full bucket."""
        self._rate = rate
        self._saved = (burst - 1) / rate
        self._clock = clock
        self._due = clock() - self._saved
        self._closed_until = self._cut_at = clock()
        self._most = self._cut_to = max(rate, read_rate)

    @property
    def read_rate(self) -> float:
        """Reads a second, at present."""
        grown = (self._clock() - self._cut_at) * self._most / _GROWS_BACK
        return min(self._most, self._cut_to + grown)

    def reserve(self, *, write: bool) -> float:
        """Takes the next start of a write or a read; seconds until it."""
        now = self._clock()
        start = max(self._due, now - self._saved)
        self._due = start + 1.0 / (self._rate if write else self.read_rate)
        return max(start, self._closed_until, now) - now

    def close_for(self, seconds: float) -> None:
        """Nothing starts for this long, as a server asked."""
        self._closed_until = max(self._closed_until, self._clock() + seconds)

    def closed_for(self) -> float:
        """Seconds for which nothing starts; 0 when open."""
        return max(self._closed_until - self._clock(), 0.0)

    def slow_down(self, started: float) -> None:
        """Halves the rate of reads, once for all calls that were under way together.

        `started` is when the call started, on this clock, whose answer asks to slow down. What a quiet time
        has saved is given up.
        """
        if started < self._cut_at:
            return
        self._cut_to = max(self._rate, self.read_rate / 2)
        self._cut_at = self._clock()
        self._due = max(self._due, self._cut_at)


_GROWS_BACK = 60.0  # seconds


def pause(attempt: int, *, first: float, longest: float, asked: float | None, chance: float) -> float:
    """Seconds to wait after the given attempt (1 is the first), with full jitter.

    The ceiling is `first`, doubles with each attempt and grows to `longest`; what the server `asked` for is
    waited in any case.
    """
    spread = chance * min(longest, first * 2.0 ** (attempt - 1))
    return spread if asked is None else asked + min(spread, first)
