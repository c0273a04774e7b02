"""One look at a SQLite state, in a few milliseconds: without SQLAlchemy, without a lock, changing nothing."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from reconciler.state.version import SCHEMA_VERSION

_SQLITE = "sqlite:///"


@dataclass(frozen=True, slots=True)
class Peek:
    """What was seen.

    Attributes:
        lineage: the id that the state was given when it was made.
        position: the number of the newest event in the journal; 0 for an empty one.
        note: the value of the mark asked for, None where it was never made.
    """

    lineage: str
    position: int
    note: str | None


def peek(url: str, mark: str) -> Peek | None:
    """Looks at a state, and at the mark of that name which belongs to no target.

    None for a state that is not in a SQLite file, does not exist, cannot be read or is of another version:
    opening it in earnest tells why, or brings it up to date.
    """
    if not url.startswith(_SQLITE) or "?" in url:
        return None
    path = quote(str(Path(url.removeprefix(_SQLITE)).absolute()))
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            row = connection.execute(
                "SELECT (SELECT value FROM meta WHERE key = 'schema_version'),"
                " (SELECT value FROM meta WHERE key = 'lineage'),"
                " (SELECT max(seq) FROM journal),"
                " (SELECT value FROM mark WHERE target = '' AND name = ?)",
                (mark,),
            ).fetchone()
    except sqlite3.Error:
        return None
    version, lineage, position, note = row
    return Peek(lineage, position or 0, note) if version == str(SCHEMA_VERSION) else None
