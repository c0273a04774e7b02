"""What is long ago, moved from the journal into chunks of the archive."""

from __future__ import annotations

import json
import zlib
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, delete, exists, func, insert, select

from reconciler.state import tables
from reconciler.state.archive import CHUNK, COLUMNS, keys_of, sketch
from reconciler.state.bulk import execute_many, raw, select_rows
from reconciler.state.rows import stamp

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from reconciler.state.archive import Row

_KEY = ("target", "model_name", "model_version")
_AT_REST = exists().where(
    tables.ledger.c.at_rest, *(tables.ledger.c[name] == tables.journal.c[name] for name in _KEY)
)
_ROWS = raw(tables.journal, COLUMNS)
_MOVABLE = (
    _ROWS.where(
        tables.journal.c.at < bindparam("before"), tables.journal.c.seq < bindparam("newest"), _AT_REST
    )
    .order_by(tables.journal.c.seq)
    .limit(CHUNK)
)
_MOVED = delete(tables.journal).where(tables.journal.c.seq == bindparam("number"))


def compact(connection: Connection, before: datetime, *, whole: bool = False) -> int:
    """Moves events of pairs at rest into the archive, inside the caller's transaction; how many.

    The newest event stays where it is: it tells how far the journal goes.

    Args:
        connection: to write through.
        before: only what happened earlier than this is moved.
        whole: make no chunk that is not full; what is left waits for the next time.
    """
    newest = connection.scalar(select(func.max(tables.journal.c.seq))) or 0
    oldest, moved = {"before": stamp(before), "newest": newest}, 0
    while chunk := list(select_rows(connection, _MOVABLE, oldest)):
        if whole and len(chunk) < CHUNK:
            break
        _put(connection, chunk)
        moved += len(chunk)
    return moved


def _put(connection: Connection, chunk: list[Row]) -> None:
    """Moves these rows out of the journal into one chunk."""
    lines = [json.dumps(line, separators=(",", ":")) for line in (COLUMNS, *chunk)]
    facts = {
        "first": chunk[0][0],
        "last": chunk[-1][0],
        "targets": json.dumps(sorted({row[1] for row in chunk})),
        "body": zlib.compress("\n".join(lines).encode("ascii"), 9),
        "sketch": sketch({key for row in chunk for key in keys_of(dict(zip(COLUMNS, row, strict=True)))}),
    }
    connection.execute(insert(tables.archive).values(facts))
    execute_many(connection, _MOVED, [row[:1] for row in chunk])
