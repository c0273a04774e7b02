"""A crontab line fires when CronSchedule(5) says so."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reconciler.daemon.triggers import CronSchedule
from reconciler.settings.types import crontab_line
from tests.effort import examples

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
A_LEAP_CYCLE = 366 * 9


@st.composite
def parts(draw: st.DrawFn, low: int, high: int, names: tuple[str, ...]) -> str:
    """One element of a field's list: a star, a number or a range, the last two perhaps by name."""
    first = draw(st.integers(low, high))
    last = draw(st.integers(first, high))

    def spelling(number: int) -> str:
        named = names[number - low] if number - low < len(names) else ""
        return draw(st.sampled_from([named, named.upper()])) if named and draw(st.booleans()) else str(number)

    form = draw(st.sampled_from(["*", "number", "number", "range"]))
    if form == "number":
        return spelling(first)
    span = "*" if form == "*" else f"{spelling(first)}-{spelling(last)}"
    return draw(st.sampled_from([span, f"{span}/{draw(st.integers(1, high))}"]))


def fields(low: int, high: int, names: tuple[str, ...] = ()) -> st.SearchStrategy[str]:
    """A field of a crontab line; often just a star, as people write them."""
    return st.just("*") | st.lists(parts(low, high, names), min_size=1, max_size=3).map(",".join)


LINES = st.tuples(
    fields(0, 59), fields(0, 23), fields(1, 31), fields(1, 12, MONTHS), fields(0, 7, (*DAYS, "sun"))
).map(" ".join)
MOMENTS = st.integers(0, 5 * 365 * 86_400).map(
    lambda s: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(seconds=s)
)


def numbers(field: str, low: int, high: int, names: tuple[str, ...] = ()) -> set[int]:
    """An independent reading: all numbers a field stands for."""
    values: set[int] = set()
    for part in field.lower().split(","):
        span, _, step = part.partition("/")
        ends = [names.index(end) + low if end in names else end for end in span.split("-")]
        first, last = (low, high) if span == "*" else (int(ends[0]), int(ends[-1]))
        last = 7 if names == DAYS and last == 0 and first > 0 else last
        values |= {number for number in range(first, last + 1) if (number - first) % int(step or 1) == 0}
    return values


def firings(line: str, after: datetime) -> list[datetime]:
    """An independent reading: the first day on which a line fires at or after a moment, minute by minute."""
    minute, hour, day, month, weekday = line.split()
    days, weekdays = numbers(day, 1, 31), {n % 7 for n in numbers(weekday, 0, 7, DAYS)}
    either = not day.startswith("*") and not weekday.startswith("*")

    def fits(when: date) -> bool:
        by_day, by_weekday = when.day in days, when.isoweekday() % 7 in weekdays
        right = by_day or by_weekday if either else by_day and by_weekday
        return right and when.month in numbers(month, 1, 12, MONTHS)

    for ahead in range(A_LEAP_CYCLE):
        when = after.date() + timedelta(days=ahead)
        moments = [
            datetime.combine(when, time(h, m), UTC)
            for h in sorted(numbers(hour, 0, 23))
            for m in sorted(numbers(minute, 0, 59))
            if fits(when)
        ]
        if later := [moment for moment in moments if moment >= after]:
            return later
    return []


@settings(max_examples=examples(60))
@given(LINES, MOMENTS)
@example("0 0 13 * 5", datetime(2026, 11, 1, tzinfo=UTC))
@example("30 4 1,15 * fri", datetime(2026, 11, 1, tzinfo=UTC))
@example("0 9 * * 0", datetime(2026, 11, 23, tzinfo=UTC))
@example("0 9 * * 1-7", datetime(2026, 11, 23, tzinfo=UTC))
@example("0 9 * * fri-sun", datetime(2026, 11, 23, tzinfo=UTC))
@example("0 9 */2 * mon", datetime(2026, 11, 23, tzinfo=UTC))
@example("0 0 * * 0-0/1", datetime(2026, 11, 1, tzinfo=UTC))
@example("3-3/2 0 * * mon-1/2", datetime(2026, 11, 1, tzinfo=UTC))
@example("0 0 * * sun-sun/2", datetime(2026, 11, 1, tzinfo=UTC))
def test_a_line_fires_when_an_independent_reading_says(line: str, now: datetime) -> None:
    """Sunday is 0 and 7; a day of the month and a weekday, both given, are either; names in any case."""
    expected = firings(line, now)
    if not expected:
        with pytest.raises(ValueError, match="describes a day that never comes"):
            crontab_line(line)
        return

    trigger: Any = CronSchedule(crontab_line(line), timezone=UTC)
    fired = [trigger.get_next_fire_time(None, now)]
    for _ in expected[1:4]:
        fired.append(trigger.get_next_fire_time(fired[-1], fired[-1]))

    assert fired == expected[:4]


@given(st.lists(st.text("0123456789*/-,?LW#@monsuajq ", min_size=1, max_size=6), min_size=1, max_size=6))
@example(["99999999999999999999", "*", "*", "*", "*"])
@example(["*/0", "*", "*", "*", "*"])
@example(["*", "*", "*", "*", "5-2"])
@example(["*", "*", "*", "*", "1/2"])
@example(["*", "*", "*", "*", "mon-"])
@example(["*", "*", "*", "*", "8"])
@example(["60", "*", "*", "*", "*"])
@example(["*", "*", "*", "*", "٣"])
def test_whatever_is_written_there_is_a_schedule_or_one_clear_error(fields: list[str]) -> None:
    """Never another error, and the message repeats the line."""
    line = " ".join(fields)
    try:
        CronSchedule(crontab_line(line))
    except ValueError as error:
        assert str(error).startswith(f"{line!r}")  # noqa: PT017 - most lines raise, some do not


@pytest.mark.parametrize("line", ["", "@daily", "* * * *", "* * * * * *"])
def test_a_line_without_five_fields_is_told_what_they_are(line: str) -> None:
    """With their number."""
    with pytest.raises(ValueError, match=rf"has {len(line.split())} fields, expected five: minute, hour"):
        crontab_line(line)


def test_jitter_delays_by_at_most_as_much_and_never_hurries() -> None:
    """Also where a day of the month and a weekday are both given."""
    now = datetime(2026, 11, 23, 12, 0, 1, tzinfo=UTC)
    for line in ("*/5 * * * *", "*/5 * 23 * 1"):
        trigger: Any = CronSchedule(line, jitter=3.0, timezone=UTC)
        late = [
            (trigger.get_next_fire_time(None, now) - now.replace(minute=5, second=0)).total_seconds()
            for _ in range(50)
        ]
        assert 0 <= min(late) <= max(late) <= 3
        assert len(set(late)) > 1


def test_a_line_is_about_the_clock_on_the_wall() -> None:
    """Three in the morning is another moment in summer than in winter."""
    berlin = ZoneInfo("Europe/Berlin")
    trigger = CronSchedule("0 3 * * *", timezone=berlin)
    summer, winter = (datetime(2026, month, 1, 12, tzinfo=berlin) for month in (7, 12))
    assert trigger.get_next_fire_time(None, summer) == datetime(2026, 7, 2, 1, tzinfo=UTC)
    assert trigger.get_next_fire_time(None, winter) == datetime(2026, 12, 2, 2, tzinfo=UTC)
