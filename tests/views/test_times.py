"""People are shown a moment in one form, and what is read back is the same moment."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import reconciler
from reconciler.times import read_time, shown_time


def test_a_moment_is_shown_in_utc_to_the_second_whatever_its_zone() -> None:
    at = datetime(2026, 11, 30, 22, 2, 56, 789_000, timezone(timedelta(hours=2)))
    assert shown_time(at) == shown_time(at.astimezone(UTC)) == "2026-11-30T20:02:56Z"


@given(st.datetimes(timezones=st.just(UTC)))
def test_what_is_shown_can_be_read_back(at: datetime) -> None:
    assert read_time(shown_time(at)) == at.replace(microsecond=0)


def test_a_text_without_a_zone_is_read_only_where_one_is_given() -> None:
    assert read_time("2026-11-30", UTC) == datetime(2026, 11, 30, tzinfo=UTC)
    with pytest.raises(ValueError, match="without a zone"):
        read_time("2026-11-30T20:02:56")


def test_no_other_module_has_a_way_of_its_own() -> None:
    package = Path(reconciler.__file__).parent
    texts = {str(file.relative_to(package)): file.read_text("utf-8") for file in package.rglob("*.py")}
    assert {name for name, text in texts.items() if "fromisoformat(" in text} == {"times.py"}
    # the vendor's own form, in what the embedded registry answers
    assert {name for name, text in texts.items() if "%Y-%m-%d" in text} == {"embedded/access.py"}
