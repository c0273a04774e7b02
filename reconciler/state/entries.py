"""The ledger's rows: of a target or of some models, as they were, new ones in their place, or made anew."""

from __future__ import annotations

from contextlib import closing
from functools import lru_cache
from typing import TYPE_CHECKING

from sqlalchemy import and_, bindparam, delete, or_

from reconciler.contract.model_key import ModelKey
from reconciler.engine.values.memory import apply_event
from reconciler.state import archive, tables
from reconciler.state.raw_rows import (
    KEY,
    Query,
    Row,
    asking,
    batches,
    by_column,
    given,
    insert_rows,
    is_file,
    raw_query,
    select_rows,
    stream_rows,
    update_rows,
)
from reconciler.state.rows import ENTRY_COLUMNS, Key, entry_of, entry_row, event_of, plain, stored

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from sqlalchemy.engine import Connection

    from reconciler.engine.values import LedgerEntry

_KEYS_BY_NAME = 5000
_KEYS_A_QUERY = 64  # of a file
_COLUMNS = tables.ledger.c

ROWS = raw_query(tables.ledger, ENTRY_COLUMNS)
"""Every row."""
_WITH_KEYS = ROWS.where(*(_COLUMNS[name] == given(tables.ledger).c[name] for name in KEY))
"""Those whose keys a server is given."""


def rows_of_target(connection: Connection, target: str) -> Iterator[Row]:
    """All rows of one target."""
    return stream_rows(connection, ROWS.where(_COLUMNS.target == target))


def rows_not_at_rest(connection: Connection, target: str) -> Iterator[Row]:
    """The rows of one target that wait for something."""
    return select_rows(connection, ROWS.where(_COLUMNS.target == target, ~_COLUMNS.at_rest))


def rows_of(connection: Connection, keys: Collection[Key]) -> Iterator[Row]:
    """The rows with these keys, as far as there are any: asked some at a time, or all at once."""
    if len(keys) > _KEYS_BY_NAME:
        for target in {target for target, _ in keys}:
            for row in rows_of_target(connection, target):
                _, name, version = plain(row[:3])
                if (target, ModelKey(name, version)) in keys:
                    yield row
        return
    every = [(target, *pair) for target, pair in keys]
    if not is_file(connection):
        for some in batches(map(stored, every)):
            yield from select_rows(connection, _WITH_KEYS, by_column(KEY, some))
        return
    for start in range(0, len(every), _KEYS_A_QUERY):
        some = every[start : start + _KEYS_A_QUERY]
        values = {
            f"{column}_{place}": value
            for place, key in enumerate(some)
            for column, value in zip(KEY, key, strict=True)
        }
        yield from select_rows(connection, _with_keys(len(some)), values)


@lru_cache
def _with_keys(number: int) -> Query:
    """The query for so many keys. SQLite looks each up in the index; given as a list, it reads every row."""
    return ROWS.where(
        or_(
            *(
                and_(*(_COLUMNS[column] == bindparam(f"{column}_{place}") for column in KEY))
                for place in range(number)
            )
        )
    )


def store(connection: Connection, existing: Collection[Key], rows: Mapping[Key, Row]) -> None:
    """Puts these rows in the place of those that exist, and adds the others."""
    changed = [row for key, row in rows.items() if key in existing]
    update_rows(connection, tables.ledger, ENTRY_COLUMNS, changed)
    new = [row for key, row in rows.items() if key not in existing]
    insert_rows(connection, tables.ledger, ENTRY_COLUMNS, new)


def folded(connection: Connection) -> dict[Key, Row]:
    """The rows that the ledger must have: the fold of every event of the journal.

    Raises:
        UnreadableState: a line of the journal does not hold an event.
    """
    entries: dict[Key, LedgerEntry] = {}
    with closing(archive.rows(asking(connection))) as rows:
        for row in rows:
            event = event_of(row)
            key = (event.target, event.pair)
            entries[key] = apply_event(entries.get(key), event)
    return {key: entry_row(entry) for key, entry in entries.items()}


def refold(connection: Connection) -> None:
    """Makes the ledger anew, inside the caller's transaction. Raises UnreadableState."""
    right = folded(connection)
    connection.execute(delete(tables.ledger))
    insert_rows(connection, tables.ledger, ENTRY_COLUMNS, list(right.values()))


# --- the entries as they were --------------------------------------------------------------------------
# The ledger's rows, but for those of pairs that something happened to later: only the events of these are
# folded. So a question about last night costs what happened since, and a reading of the ledger; at worst,
# where all models changed since, one pass over the journal.

_AT = archive.COLUMNS.index("at")
_PAIR = slice(archive.COLUMNS.index("model_name"), archive.COLUMNS.index("model_version") + 1)
_PAIRS = raw_query(tables.journal, ("model_name", "model_version")).distinct()


def entries_until(
    connection: Connection, target: str, position: int | None, at: str
) -> dict[ModelKey, LedgerEntry]:
    """The entries of one target as the journal told them then; `connection` sees one moment of the state.

    Args:
        connection: to read through.
        target: whose entries.
        position: number of the last event that is read; None for the newest.
        at: what was journalled with a later time is left out, wherever it stands; as `rows.stamp` writes it.

    Raises:
        UnreadableState: a row of the ledger, or of the journal, does not hold what it should.
    """

    def is_read(event: archive.Row) -> bool:
        return bool((position is None or event[0] <= position) and event[_AT] <= at)

    columns = tables.journal.c
    later = columns.at > at if position is None else or_(columns.at > at, columns.seq > position)
    with closing(archive.archived_rows(asking(connection), target)) as events:
        changed = {event[_PAIR] for event in events if not is_read(event)}
    changed.update(map(tuple, select_rows(connection, _PAIRS.where(columns.target == target, later))))
    by_pair: dict[ModelKey, LedgerEntry] = {}
    for row in rows_of_target(connection, target):
        if row[1:3] not in changed:
            entry = entry_of(row)
            by_pair[entry.pair] = entry
    if not changed:
        return by_pair
    folded: dict[tuple[str, ...], LedgerEntry] = {}
    with closing(archive.rows(asking(connection), target=target)) as events:
        for event in events:
            pair = event[_PAIR]
            if pair in changed and is_read(event):
                folded[pair] = apply_event(folded.get(pair), event_of(event))
    return by_pair | {entry.pair: entry for entry in folded.values()}
