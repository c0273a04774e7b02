"""Time, chance and names as arguments, so that every rule can be tested without waiting or guessing.

And what is due, by a clock that may have been wrong when it was decided.
"""

from __future__ import annotations

import asyncio
import random
import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from reconciler.backoff import FULL_JITTER, Backoff

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


def utc_now() -> datetime:
    """The wall clock."""
    return datetime.now(UTC)


def uptime() -> float:
    """Seconds on a clock that nobody sets, and that goes on while the machine is suspended."""
    return time.clock_gettime(_BOOT_TIME)


_IMPORT_BACKOFF = Backoff(10.0, 900.0, jitter=FULL_JITTER)
_BOOT_TIME = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)  # the first is Linux's


@dataclass(frozen=True, slots=True)
class Clock:
    """What the engine may not take from the world by itself.

    Attributes:
        now: the wall clock, timezone-aware UTC.
        sleep: waits that many seconds, or less when the process is asked to stop.
        chance: a number in [0, 1).
        new_id: a fresh identifier for a cycle or an operation.
        stopping: whether the process was asked to stop: nothing new is started then.
    """

    now: Callable[[], datetime] = utc_now
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    chance: Callable[[], float] = random.random
    new_id: Callable[[], str] = lambda: uuid.uuid4().hex
    stopping: Callable[[], bool] = bool

    def later(self, seconds: float) -> datetime:
        """The moment that many seconds from now."""
        return self.now() + timedelta(seconds=seconds)

    def next_attempt(self, attempts: int) -> datetime:
        """When an import is due again after so many attempts that were not made.

        At a random moment of a window (full jitter), which doubles with each attempt.
        """
        return self.later(_IMPORT_BACKOFF.seconds(attempts, self.chance()))


@dataclass(frozen=True, slots=True)
class Timing:
    """How patient one target's cycle is; all durations in seconds.

    Attributes:
        in_flight: import calls and reads under way at once.
        fresh: how long after its intent an import call may be sent, at most.
        call_timeout: how long an import call that was sent may take to be carried out, at most.
        lease: how long the lease under which it was sent may go on after its intent, at most; 0 without.
        settle: how long a new model may take to become visible in the registry's list.
        follow_first, follow_max, follow_deadline: polling of an import until it is final. The vendor's image
            builds may take 30 minutes.
    """

    in_flight: int = 8
    fresh: float = 0.0
    call_timeout: float = 30.0
    lease: float = 0.0
    settle: float = 5.0
    follow_first: float = 5.0
    follow_max: float = 15.0
    follow_deadline: float = 35 * 60.0

    @property
    def follow(self) -> Backoff:
        """The waits between two looks at an import, until it is final."""
        return Backoff(self.follow_first, self.follow_max, factor=1.5)

    @property
    def uncertain(self) -> float:
        """Seconds from an intent until what is not listed was certainly not made."""
        return max(self.fresh, self.lease) + self.call_timeout + self.settle


CLOCK_TOLERANCE = timedelta(minutes=1)
"""How far two readings of a clock may lie apart without one of them being wrong."""


def due_at(moment: datetime, known_since: datetime, now: datetime) -> datetime:
    """A remembered moment, as far as it can be believed.

    A moment is written down together with the time at which it was decided. Where that time is still to come,
    the clock was ahead: how long was meant to be waited is over or not, nobody knows, and it is not waited
    longer. So no wait is ever longer than the one that was decided.
    """
    return moment if known_since <= now + CLOCK_TOLERANCE else min(moment, now)
