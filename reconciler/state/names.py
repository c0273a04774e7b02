"""Names for shell completion: read from a SQLite state in milliseconds, without a lock, changing nothing."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.state.version import SCHEMA_VERSION

if TYPE_CHECKING:
    from collections.abc import Sequence

_SQLITE = "sqlite:///"
_MOST = 2000  # candidates; a shell shows no more of use


def model_candidates(url: str, prefix: str) -> list[str]:
    """What `NAME` or `NAME@VERSION` may go on with: names, or the versions of the one name that is left."""
    name, separator, version = prefix.partition("@")
    if separator:
        return _versions(url, name, version)
    names = _column(url, "SELECT DISTINCT model_name FROM standing WHERE model_name >= ? LIMIT ?", name)
    matching = sorted(one for one in names if one.startswith(name))
    return _versions(url, matching[0], "") if len(matching) == 1 else matching


def target_candidates(url: str, prefix: str) -> list[str]:
    """The targets that the state knows."""
    names = _column(url, "SELECT name FROM target WHERE name >= ? LIMIT ?", prefix)
    return sorted(one for one in names if one.startswith(prefix))


def _versions(url: str, name: str, prefix: str) -> list[str]:
    query = "SELECT DISTINCT model_version FROM standing WHERE model_name = ? LIMIT ?"
    return sorted(f"{name}@{one}" for one in _column(url, query, name) if one.startswith(prefix))


def _column(url: str, query: str, value: str) -> Sequence[str]:
    """The texts that a query gives; none where the state is in no SQLite file or is of another version."""
    if not url.startswith(_SQLITE) or "?" in url:
        return ()
    file = Path(url.removeprefix(_SQLITE)).absolute().as_uri()
    try:
        with closing(sqlite3.connect(f"{file}?mode=ro", uri=True, timeout=0)) as connection:
            version = connection.execute("SELECT value FROM meta WHERE key = 'schema_version'").fetchone()
            if version != (str(SCHEMA_VERSION),):
                return ()
            rows = connection.execute(query, (value, _MOST)).fetchall()
    except (sqlite3.Error, ValueError):
        return ()
    return [text for (text,) in rows if isinstance(text, str)]
