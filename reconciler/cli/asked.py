"""What a question on the command line is about: one model, or a moment."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from pydantic import TypeAdapter, ValidationError

from reconciler.errors import ConfigurationError
from reconciler.printable import printable
from reconciler.settings.types import Duration
from reconciler.times import read_time


def model_asked(text: str) -> tuple[str, str | None]:
    """`NAME` or `NAME@VERSION` as both; no version is any.

    Raises:
        ConfigurationError: there is no name; or no version after `@`, as when a script's variable is not set,
            which does not mean every version.
    """
    name, at, version = text.partition("@")
    if not name.strip() or (at and not version.strip()):
        raise ConfigurationError(f"'{text}': expected NAME or NAME@VERSION, such as mnist@1.0.0")
    return name, version or None


_DASHED = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)  # without dashes it may as well be a commit


def moment(option: str, text: str, now: datetime) -> datetime:
    """`2026-11-28`, `2026-11-28T14:30`, with a zone or else in UTC; or `90m`, `7d`: so long before now.

    Raises:
        ConfigurationError: it is none of these.
    """
    at = written(text) or _ago(text, now)
    if at is None:
        raise ConfigurationError(
            f"{option} {printable(text)}: expected a date or time such as 2026-11-28 or "
            "2026-11-28T14:30:00Z, or how long ago, such as 90m or 7d"
        )
    return at


def written(text: str) -> datetime | None:
    """A date or a time in ISO 8601, in UTC also where it names no zone; None when it is something else.

    A zone that leads out of the years that there are makes it no time.
    """
    try:
        return read_time(text if _DASHED.match(text) else "", UTC).astimezone(UTC)
    except (OverflowError, ValueError):
        return None


def _ago(text: str, now: datetime) -> datetime | None:
    try:
        return now - TypeAdapter(Duration).validate_python(text)
    except (OverflowError, ValidationError):
        return None
