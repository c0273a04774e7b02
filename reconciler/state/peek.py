"""One look at a state, in a few milliseconds: without SQLAlchemy, without a lock, changing nothing."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from reconciler.state import SCHEMA_VERSION

if TYPE_CHECKING:
    from collections.abc import Sequence

_SQLITE = "sqlite:///"
_POSTGRES = ("postgresql://", "postgresql+psycopg://")
_TIMEOUT = 2  # seconds; a server that takes longer is asked in earnest
_MOST_CANDIDATES = 2000  # a shell shows no more of use

_VERSION = "SELECT value FROM meta WHERE key = 'schema_version'"
_QUERY = """
SELECT (SELECT value FROM meta WHERE key = 'schema_version'), (SELECT value FROM meta WHERE key = 'lineage'),
    (SELECT max(seq) FROM journal), (SELECT value FROM mark WHERE target = '' AND name = {mark}), {now}
"""


class Peek(NamedTuple):
    """What was seen.

    Attributes:
        state_id: the id that the state was given when it was made.
        position: the number of the newest event in the journal; 0 for an empty one.
        note: the value of the mark asked for, None where it was never made.
        at: the moment by the state's clock: on a server that of the server, which replicas go by.
    """

    state_id: str
    position: int
    note: str | None
    at: datetime


def peek(url: str, mark: str) -> Peek | None:
    """Looks at a state, and at the mark of that name which belongs to no target.

    None for a state that does not exist, cannot be read or is of another version: opening it in earnest tells
    why, or brings it up to date.
    """
    if url.startswith(_POSTGRES):
        row = _of_server(url, mark)
    else:
        answers = _of_file(url, (_QUERY.format(mark="?", now="NULL"), (mark,)))
        row = None if answers is None else answers[0][0]
    if row is None or row[0] != str(SCHEMA_VERSION):
        return None
    _, state_id, position, note, at = row
    return Peek(state_id, position or 0, note, at or datetime.now(UTC))


def _of_file(url: str, *queries: tuple[str, tuple[Any, ...]], timeout: float = 5.0) -> list[list[Any]] | None:
    """The rows of each query; None where the state is in no SQLite file, or cannot be read.

    Another program that holds the file is waited for so many seconds.
    """
    if not url.startswith(_SQLITE) or "?" in url:
        return None
    file = f"{Path(url.removeprefix(_SQLITE)).absolute().as_uri()}?mode=ro"
    try:
        with closing(sqlite3.connect(file, uri=True, timeout=timeout)) as connection:
            return [connection.execute(query, values).fetchall() for query, values in queries]
    except (sqlite3.Error, ValueError):
        return None


def _of_server(url: str, mark: str) -> Sequence[Any] | None:
    try:
        from psycopg import Error, conninfo  # noqa: PLC0415 - only for such a state; it may not be installed

        from reconciler.state.timeouts import CONNECTING, TimeoutConnection  # noqa: PLC0415
    except ImportError:
        return None
    try:
        given = conninfo.conninfo_to_dict("postgresql://" + url.partition("://")[2])
        facts: dict[str, Any] = {**CONNECTING, "connect_timeout": _TIMEOUT, **given}
        # one statement sees one moment; nothing is prepared, for the session may be a pooler's
        with TimeoutConnection.connect(**facts, autocommit=True, prepare_threshold=None) as connection:
            connection.idle_timeout = _TIMEOUT
            query = _QUERY.format(mark="%s", now="clock_timestamp()")
            return connection.execute(query.encode(), (mark,)).fetchone()
    except (Error, UnicodeError):
        return None


# --- names, for shell completion -----------------------------------------------------------------------


def model_candidates(url: str, prefix: str) -> list[str]:
    """What `NAME` or `NAME@VERSION` may go on with: names, or the versions of the one name that is left."""
    name, separator, version = prefix.partition("@")
    if separator:
        return _versions(url, name, version)
    names = _column(url, "SELECT DISTINCT model_name FROM verdicts WHERE model_name >= ? LIMIT ?", name)
    matching = sorted(one for one in names if one.startswith(name))
    return _versions(url, matching[0], "") if len(matching) == 1 else matching


def target_candidates(url: str, prefix: str) -> list[str]:
    """The targets that the state knows."""
    names = _column(url, "SELECT name FROM target WHERE name >= ? LIMIT ?", prefix)
    return sorted(one for one in names if one.startswith(prefix))


def _versions(url: str, name: str, prefix: str) -> list[str]:
    query = "SELECT DISTINCT model_version FROM verdicts WHERE model_name = ? LIMIT ?"
    return sorted(f"{name}@{one}" for one in _column(url, query, name) if one.startswith(prefix))


def _column(url: str, query: str, value: str) -> Sequence[str]:
    """The texts that a query gives; none where the state is in no SQLite file or is of another version."""
    version, rows = _of_file(url, (_VERSION, ()), (query, (value, _MOST_CANDIDATES)), timeout=0) or ((), ())
    return [text for (text,) in rows if isinstance(text, str)] if version == [(str(SCHEMA_VERSION),)] else ()
