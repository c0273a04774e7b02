"""How fast one target is asked: a token bucket that a server can also close for a while."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class TokenBucket:
    """Gives out starting times, `rate` a second in the long run and `burst` at once."""

    def __init__(self, rate: float, burst: int, clock: Callable[[], float]) -> None:
        """A full bucket.

        Args:
            rate: starts a second.
            burst: starts that a quiet time saves up.
            clock: seconds that only ever grow.
        """
        self._interval = 1.0 / rate
        self._saved = (burst - 1) * self._interval
        self._clock = clock
        self._due = clock() - self._saved
        self._closed_until = clock()

    def reserve(self) -> float:
        """Takes the next start; seconds until it."""
        now = self._clock()
        start = max(self._due, now - self._saved)
        self._due = start + self._interval
        return max(start, self._closed_until, now) - now

    def close_for(self, seconds: float) -> None:
        """Nothing starts for this long, as a server asked."""
        self._closed_until = max(self._closed_until, self._clock() + seconds)

    def closed_for(self) -> float:
        """Seconds for which nothing starts; 0 when open."""
        return max(self._closed_until - self._clock(), 0.0)


def pause(attempt: int, *, first: float, longest: float, asked: float | None, chance: float) -> float:
    """Seconds to wait after the given attempt, with full jitter.

    Args:
        attempt: 1 for the first attempt.
        first: ceiling of the pause after the first attempt; doubles with each.
        longest: ceiling of the pause.
        asked: seconds that the server asked to wait: never less than these.
        chance: a random number of [0, 1).
    """
    spread = chance * min(longest, first * 2.0 ** (attempt - 1))
    return spread if asked is None else asked + min(spread, first)
