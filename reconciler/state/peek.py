"""One look at a state, in a few milliseconds: without SQLAlchemy, without a lock, changing nothing."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from reconciler.state.version import SCHEMA_VERSION

if TYPE_CHECKING:
    from collections.abc import Sequence

_SQLITE = "sqlite:///"
_POSTGRES = ("postgresql://", "postgresql+psycopg://")
_PATIENCE = 2  # seconds; a server that takes longer is asked in earnest

_QUERY = """
SELECT (SELECT value FROM meta WHERE key = 'schema_version'), (SELECT value FROM meta WHERE key = 'lineage'),
    (SELECT max(seq) FROM journal), (SELECT value FROM mark WHERE target = '' AND name = {mark}), {now}
"""


@dataclass(frozen=True, slots=True)
class Peek:
    """What was seen.

    Attributes:
        lineage: the id that the state was given when it was made.
        position: the number of the newest event in the journal; 0 for an empty one.
        note: the value of the mark asked for, None where it was never made.
        at: the moment by the state's clock: on a server that of the server, which replicas go by.
    """

    lineage: str
    position: int
    note: str | None
    at: datetime


def peek(url: str, mark: str) -> Peek | None:
    """Looks at a state, and at the mark of that name which belongs to no target.

    None for a state that does not exist, cannot be read or is of another version: opening it in earnest tells
    why, or brings it up to date.
    """
    row = _of_server(url, mark) if url.startswith(_POSTGRES) else _of_file(url, mark)
    if row is None or row[0] != str(SCHEMA_VERSION):
        return None
    _, lineage, position, note, at = row
    return Peek(lineage, position or 0, note, at or datetime.now(UTC))


def _of_file(url: str, mark: str) -> Sequence[Any] | None:
    if not url.startswith(_SQLITE) or "?" in url:
        return None
    path = quote(str(Path(url.removeprefix(_SQLITE)).absolute()))
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            row: Sequence[Any] = connection.execute(_QUERY.format(mark="?", now="NULL"), (mark,)).fetchone()
            return row
    except sqlite3.Error:
        return None


def _of_server(url: str, mark: str) -> Sequence[Any] | None:
    try:
        from psycopg import Error, conninfo  # noqa: PLC0415 - only for such a state; it may not be installed

        from reconciler.state.silence import CONNECTING, PatientConnection  # noqa: PLC0415
    except ImportError:
        return None
    try:
        given = conninfo.conninfo_to_dict("postgresql://" + url.partition("://")[2])
        facts: dict[str, Any] = {**CONNECTING, "connect_timeout": _PATIENCE, **given}
        # one statement sees one moment; nothing is prepared, for the session may be a pooler's
        with PatientConnection.connect(**facts, autocommit=True, prepare_threshold=None) as connection:
            connection.silence = _PATIENCE
            query = _QUERY.format(mark="%s", now="clock_timestamp()")
            return connection.execute(query.encode(), (mark,)).fetchone()
    except (Error, UnicodeError):
        return None
