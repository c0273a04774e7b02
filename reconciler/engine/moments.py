"""What is due, by a clock that may have been wrong when it was decided. Pure."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

CLOCK_TOLERANCE = timedelta(minutes=1)
"""How far two readings of a clock may lie apart without one of them being wrong."""


def due_at(moment: datetime, told_at: datetime, now: datetime) -> datetime:
    """A remembered moment, as far as it can be believed.

    A moment is written down together with the time at which it was decided. Where that time is still to come,
    the clock was ahead: how long was meant to be waited is over or not, nobody knows, and it is not waited
    longer. So no wait is ever longer than the one that was decided.
    """
    return moment if told_at <= now + CLOCK_TOLERANCE else min(moment, now)
