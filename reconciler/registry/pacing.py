"""How fast one target is asked: a token bucket for all its calls, which answers can close or make slower.

The vendor publishes no rate. A write takes a whole token; a read takes a small part of one, and more of it
after each answer that says that requests come too often.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class TokenBucket:
    """Gives out starting times, `rate` a second in the long run and `burst` at once after a quiet time.

    `clock` gives seconds that only ever grow.
    """

    def __init__(self, rate: float, burst: int, clock: Callable[[], float]) -> None:
        """A full bucket."""
        self._interval = 1.0 / rate
        self._saved = (burst - 1) * self._interval
        self._clock = clock
        self._due = clock() - self._saved
        self._closed_until = clock()

    def reserve(self, cost: float = 1.0) -> float:
        """Takes the next start, which takes so many tokens; seconds until it."""
        now = self._clock()
        start = max(self._due, now - self._saved)
        self._due = start + self._interval * cost
        return max(start, self._closed_until, now) - now

    def drain(self) -> None:
        """Gives up what a quiet time has saved."""
        self._due = max(self._due, self._clock())

    def close_for(self, seconds: float) -> None:
        """Nothing starts for this long, as a server asked."""
        self._closed_until = max(self._closed_until, self._clock() + seconds)

    def closed_for(self) -> float:
        """Seconds for which nothing starts; 0 when open."""
        return max(self._closed_until - self._clock(), 0.0)


class Pace(TokenBucket):
    """A bucket that also knows what a read takes of it.

    Reads start at `read_rate` a second. An answer that asks to slow down halves that, down to the rate
    of writes; without another such answer it grows back, in a minute from nothing to all.
    """

    def __init__(self, rate: float, burst: int, read_rate: float, clock: Callable[[], float]) -> None:
        """A full bucket; `rate` is that of writes."""
        super().__init__(rate, burst, clock)
        self._rate = rate
        self._most = max(rate, read_rate)
        self._cut_to = self._most
        self._cut_at = clock()

    @property
    def read_rate(self) -> float:
        """Reads a second, at present."""
        grown = (self._clock() - self._cut_at) * self._most / _GROWS_BACK
        return min(self._most, self._cut_to + grown)

    def reserve_for(self, *, write: bool) -> float:
        """Takes the next start of a write or a read; seconds until it."""
        return self.reserve(1.0 if write else self._rate / self.read_rate)

    def slow_down(self, started: float) -> None:
        """Halves the rate of reads, once for all calls that were under way together.

        `started` is when the call started, on this clock, whose answer asks to slow down.
        """
        if started < self._cut_at:
            return
        self._cut_to = max(self._rate, self.read_rate / 2)
        self._cut_at = self._clock()
        self.drain()


_GROWS_BACK = 60.0  # seconds


def pause(attempt: int, *, first: float, longest: float, asked: float | None, chance: float) -> float:
    """Seconds to wait after the given attempt (1 is the first), with full jitter.

    The ceiling is `first`, doubles with each attempt and grows to `longest`; what the server `asked` for is
    waited in any case.
    """
    spread = chance * min(longest, first * 2.0 ** (attempt - 1))
    return spread if asked is None else asked + min(spread, first)
