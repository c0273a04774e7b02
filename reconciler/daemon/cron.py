"""A crontab line as cron means it, on APScheduler, which means something else in places.

APScheduler counts weekdays from Monday, cron from Sunday; where both the day of the month and the weekday are
given, APScheduler wants both to fit, cron (crontab(5) of Debian and of cronie) either; and it has words and
limits of its own in its fields. So a line is read here, and APScheduler gets plain lists of numbers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from apscheduler.triggers.combining import OrTrigger
from apscheduler.triggers.cron import CronTrigger

from reconciler.errors import ConfigurationError

if TYPE_CHECKING:
    from datetime import tzinfo

    from apscheduler.triggers.base import BaseTrigger

_PART = re.compile(r"(?:\*|([0-9a-z]+)-([0-9a-z]+))(?:/([0-9]{1,3}))?|([0-9a-z]+)")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")


@dataclass(frozen=True, slots=True)
class _Field:
    """One of the five: what it may hold. The first name stands for `low`."""

    title: str
    low: int
    high: int
    names: tuple[str, ...] = ()

    def numbers(self, text: str) -> set[int]:
        """The numbers that a field's text stands for. Raises ValueError."""
        return {number for part in text.lower().split(",") for number in self._part(part)}

    def _part(self, part: str) -> range:
        found = _PART.fullmatch(part)
        if found is None:
            raise ValueError(f"{self.title} {part!r}: expected a number, or * or a range, and a step")
        first, last, step, single = found.groups()
        if single is not None:
            first = last = single
        start = self.low if first is None else self._number(first)
        end = self.high if last is None else self._number(last)
        if self.names is _WEEKDAYS and end == 0 < start:
            end = 7
        if start > end or step == "0":
            raise ValueError(f"{self.title} {part!r}: a range goes up, by steps of 1 or more")
        return range(start, end + 1, int(step or 1))

    def _number(self, text: str) -> int:
        if text in self.names:
            return self.low + self.names.index(text)
        if not text.isdigit() or not self.low <= int(text[:9]) <= self.high:
            names = f", or {self.names[0]} to {self.names[-1]}" if self.names else ""
            raise ValueError(f"{self.title} {text!r}: expected {self.low} to {self.high}{names}")
        return int(text)


_FIELDS = (
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of the month", 1, 31),
    _Field("month", 1, 12, _MONTHS),
    _Field("weekday", 0, 7, _WEEKDAYS),
)


def crontab(line: str, *, jitter: float = 0.0, timezone: tzinfo | None = None) -> BaseTrigger:
    """The trigger that a crontab line describes.

    Args:
        line: minute, hour, day of the month, month and weekday.
        jitter: seconds, at most, by which each firing is delayed at random.
        timezone: whose clock the line is about; the machine's own where None.

    Raises:
        ConfigurationError: the line is not a crontab line, or describes a day that never comes.
    """
    texts = line.split()
    if len(texts) != len(_FIELDS):
        titles = ", ".join(field.title for field in _FIELDS)
        raise ConfigurationError(f"schedule.cron: {line!r} has {len(texts)} fields, expected five: {titles}")
    try:
        numbers = [field.numbers(text) for field, text in zip(_FIELDS, texts, strict=True)]
    except ValueError as error:
        raise ConfigurationError(f"schedule.cron: {line!r}: {error}") from None
    either = not texts[2].startswith("*") and not texts[4].startswith("*")
    trigger = _trigger(numbers, either=either, jitter=jitter, timezone=timezone)
    if trigger.get_next_fire_time(None, datetime.now(timezone).astimezone(timezone)) is None:
        raise ConfigurationError(f"schedule.cron: {line!r} describes a day that never comes")
    return trigger


def _trigger(numbers: list[set[int]], *, either: bool, jitter: float, timezone: tzinfo | None) -> BaseTrigger:
    """The trigger that fires at these numbers; on days that fit the month's or the weekday, if `either`."""
    minute, hour, day, month = (_listed(chosen) for chosen in numbers[:4])
    weekday = ",".join(name for number, name in enumerate(_WEEKDAYS) if {number, number or 7} & numbers[4])
    common = {"minute": minute, "hour": hour, "month": month, "timezone": timezone}
    if not either:
        return CronTrigger(day=day, day_of_week=weekday, jitter=jitter or None, **common)
    return OrTrigger(
        [CronTrigger(day=day, **common), CronTrigger(day_of_week=weekday, **common)], jitter=jitter or None
    )


def _listed(numbers: set[int]) -> str:
    return ",".join(map(str, sorted(numbers)))
