"""A crontab line: what `schedule.cron` may hold, and the same as cronsim reads it rightly."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_FIELDS = {
    "minute": "0 to 59",
    "hour": "0 to 23",
    "day-of-month": "1 to 31, and no day that never comes",
    "month": "1 to 12, or jan to dec",
    "day-of-week": "0 to 7, or sun to sat",
}
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")


def crontab_line(line: str) -> str:
    """The line, once it is certain that it is one and that it fires.

    Raises:
        ValueError: it is not a crontab line, or describes a day that never comes.
    """
    from cronsim import CronSim, CronSimError  # noqa: PLC0415 - few configurations have one

    number = len(line.split())
    if number != len(_FIELDS):
        raise ValueError(f"{line!r} has {number} fields, expected five: {', '.join(_FIELDS)}")
    try:
        first = next(CronSim(in_numbers(line), datetime.now(UTC)), None)
    except CronSimError as error:
        raise ValueError(f"{line!r}: {_explained(str(error))}") from None
    if first is None:
        raise ValueError(f"{line!r} describes a day that never comes")
    return line


def in_numbers(line: str) -> str:
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
