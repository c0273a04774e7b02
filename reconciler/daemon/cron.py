"""A crontab line as cron means it, for APScheduler, which means something else in places.

APScheduler counts weekdays from Monday and wants both the day of the month and the weekday to fit where both
are given; crontab(5) counts from Sunday and takes either. So cronsim, which follows Debian's cron, says when.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from apscheduler.triggers.base import BaseTrigger
from cronsim import CronSim, CronSimError
from tzlocal import get_localzone

from reconciler.errors import ConfigurationError

if TYPE_CHECKING:
    from datetime import tzinfo

_FIELDS = {
    "minute": "0 to 59",
    "hour": "0 to 23",
    "day-of-month": "1 to 31, and no day that never comes",
    "month": "1 to 12, or jan to dec",
    "day-of-week": "0 to 7, or sun to sat",
}
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_INSTANT = timedelta(microseconds=1)


class CronSchedule(BaseTrigger):  # type: ignore[misc]
    """Fires when a crontab line says so.

    Args:
        line: minute, hour, day of the month, month and weekday; checked by `crontab`.
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
        line: minute, hour, day of the month, month and weekday.
        jitter: seconds, at most, by which each firing is delayed at random.
        timezone: whose clock the line is about; the machine's own where None.

    Raises:
        ConfigurationError: the line is not a crontab line, or describes a day that never comes.
    """
    number = len(line.split())
    if number != len(_FIELDS):
        raise ConfigurationError(
            f"schedule.cron: {line!r} has {number} fields, expected five: {', '.join(_FIELDS)}"
        )
    plain = _plain(line)
    try:
        first = next(CronSim(plain, datetime.now(UTC)), None)
    except CronSimError as error:
        raise ConfigurationError(f"schedule.cron: {line!r}: {_explained(str(error))}") from None
    if first is None:
        raise ConfigurationError(f"schedule.cron: {line!r} describes a day that never comes")
    return CronSchedule(plain, jitter, timezone or get_localzone())


def _plain(line: str) -> str:
    """The same in numbers: cronsim reads some names, and a range of one with a step, otherwise than cron."""
    *before, month, weekday = line.lower().split()
    weekday = re.sub(r"(?<!\bsun)(?<!\b0)-sun\b", "-7", weekday)  # a range that ends with Sunday
    for number, name in enumerate(_MONTHS, 1):
        month = re.sub(rf"\b{name}\b", str(number), month)
    for number, name in enumerate(_DAYS):
        weekday = re.sub(rf"\b{name}\b", str(number), weekday)
    return re.sub(r"(?<![\w-])(\d+)-\1/[1-9]\d*(?!\w)", r"\1", " ".join((*before, month, weekday)))


def _explained(complaint: str) -> str:
    """Cronsim's word, such as `Bad minute`, with what the field may hold."""
    field = complaint.removeprefix("Bad ")
    return f"bad {field}: expected {_FIELDS[field]}" if field in _FIELDS else complaint
