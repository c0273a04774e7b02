"""The numbers of one target's client, and its pace; the vendor publishes none, so all are settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.backoff import FULL_JITTER, Backoff
from reconciler.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """How much, how fast and how long.

    Attributes:
        page_size: items asked for in one page of a list.
        max_pages: pages of one list after which something is wrong.
        concurrency: requests in flight at once.
        rate: writes a second, in the long run.
        burst: writes that may go out at once after a quiet time; as many reads as take the same time.
        read_rate: reads a second, in the long run, as long as the server does not say that they are too many.
        read_attempts: how often a read, or a deletion, is sent at most.
        create_attempts: how often an import is sent at most, each time after a proof that it was not made.
        deadline: seconds for one call, all its attempts, pauses and bodies included.
        fresh: seconds that writing an import's intent may take; a call whose intent took longer is not sent.
        connect_timeout: seconds for a connection, TLS included.
        backoff: seconds, the ceiling of the first pause; it doubles with each attempt.
        longest_pause: seconds, the ceiling of any pause that the server does not ask for.
        brief: seconds; a call about one model makes no longer pause: it fails, and the caller can go on with
            other models meanwhile.
        body_bytes: how much of an answer is read before it is given up.
        error_bytes: how much of an error's body is read.
    """

    page_size: int = 1000
    max_pages: int = 2000
    concurrency: int = 32
    rate: float = 100.0
    burst: int = 100
    read_rate: float = 400.0
    read_attempts: int = 4
    create_attempts: int = 3
    deadline: float = 60.0
    fresh: float = 2.0
    connect_timeout: float = 10.0
    backoff: float = 0.5
    longest_pause: float = 10.0
    brief: float = 2.0
    body_bytes: int = 64 * _MIB
    error_bytes: int = 64 * 1024

    def __post_init__(self) -> None:
        """Refuses a number that is not positive. Raises ConfigurationError."""
        for name in self.__slots__:
            value = getattr(self, name)
            if not value > 0:
                raise ConfigurationError(f"registry limit {name} is {value!r}: it must be greater than 0")


class TokenBucket:
    """Gives out starting times: `rate` writes a second in the long run, `burst` at once after a quiet time.

    A write takes a whole token; a read takes a small part of one, and more of it after each answer that says
    that requests come too often. Answers can also close it.
    Reads start at `read_rate` a second. An answer that asks to slow down halves that, down to the rate
    of writes; without another such answer it grows back, in a minute from nothing to all. `clock` gives
    seconds that only ever grow.
    """

    def __init__(self, rate: float, burst: int, read_rate: float, clock: Callable[[], float]) -> None:
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
    spread = Backoff(first, longest, jitter=FULL_JITTER).seconds(attempt, chance)
    return spread if asked is None else asked + min(spread, first)
