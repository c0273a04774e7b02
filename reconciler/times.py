"""A moment in the form that people are shown, and read back from the text of another."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import tzinfo


def shown_time(moment: datetime) -> str:
    """`2026-11-30T20:02:56Z`: in UTC, in whole seconds. JSON, logs and metrics have their own forms."""
    utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return f"{utc.isoformat(timespec='seconds')[:19]}Z"


def read_time(text: str, zone: tzinfo | None = None) -> datetime:
    """The moment that a text in ISO 8601 names, in the zone that it names; `zone` is that of a text without.

    Raises:
        TypeError: it is no text.
        ValueError: it is no moment, or names no zone where none is given.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is not None:
        return moment
    if zone is None:
        raise ValueError(f"a time without a zone: {text!r}")
    return moment.replace(tzinfo=zone)
