"""A crontab line as cron means it, for APScheduler, which means something else in places.

APScheduler counts weekdays from Monday and wants both the day of the month and the weekday to fit where both
are given; crontab(5) counts from Sunday and takes either. So cronsim, which follows Debian's cron, says when.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from apscheduler.triggers.base import BaseTrigger
from cronsim import CronSim
from tzlocal import get_localzone

from reconciler.settings.crontab import in_numbers

if TYPE_CHECKING:
    from datetime import tzinfo

_INSTANT = timedelta(microseconds=1)


class CronSchedule(BaseTrigger):  # type: ignore[misc]
    """Fires when a crontab line says so.

    Args:
        line: minute, hour, day of the month, month and weekday, in numbers.
        jitter: seconds, at most, by which each firing is delayed at random.
        timezone: whose clock the line is about.
    """

    def __init__(self, line: str, jitter: float, timezone: tzinfo) -> None:
        self.line, self.jitter, self.timezone = line, jitter, timezone

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime | None:
        """The first moment after the previous firing, or from now on; None when there is none."""
        after = now - _INSTANT  # also where the clock was set back since
        if previous_fire_time is not None and previous_fire_time <= now:
            after = previous_fire_time
        moment = next(CronSim(self.line, after.astimezone(self.timezone)), None)
        return self._apply_jitter(moment, self.jitter, now) if moment and self.jitter else moment


def crontab(line: str, *, jitter: float = 0.0, timezone: tzinfo | None = None) -> BaseTrigger:
    """The trigger that a crontab line describes.

    Args:
        line: minute, hour, day of the month, month and weekday; the settings have checked it.
        jitter: seconds, at most, by which each firing is delayed at random.
        timezone: whose clock the line is about; the machine's own where None.
    """
    return CronSchedule(in_numbers(line), jitter, timezone or get_localzone())
