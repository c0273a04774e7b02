"""Looking after a state: is it sound, what is in it, and its ledger made anew from its journal."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, select

from reconciler.engine.fold import fold
from reconciler.errors import StateError
from reconciler.state import tables
from reconciler.state.address import SqliteFile, parse, printable
from reconciler.state.opening import open_database
from reconciler.state.rows import Key, entry_row, event_of, key_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Connection, MappingResult

    from reconciler.engine.values import Entry

_ROWS_AT_ONCE = 1000
_Rows = dict[Key, dict[str, Any]]


def check(url: str) -> tuple[str, ...]:
    """Every problem found in a state, one line each; none when it is sound or does not exist.

    The database's own integrity check, every line of the journal, and the ledger against the journal's fold.
    Changes nothing, and works beside a live writer.

    Raises:
        StateError: `url` cannot name a state.
    """
    address = parse(url)
    try:
        database = open_database(address, writer=False)
    except StateError as error:
        return (str(error),)
    try:
        with database.reading() as connection:
            damage = _damage(connection) if isinstance(address, SqliteFile) else []
            return tuple(damage or _disagreements(_folded(connection), _stored(connection)))
    except StateError as error:
        return (str(error),)
    finally:
        database.close()


def export(url: str) -> Iterator[dict[str, Any]]:
    """The journal, oldest event first, as objects for JSON lines: every column by name, unknown values None.

    Raises:
        StateError: at the first step, when the state cannot be read.
    """
    database = open_database(parse(url), writer=False)
    try:
        with database.reading() as connection, closing(_journal(connection)) as rows:
            for row in rows:
                event_of(row)
                yield dict(row)
    finally:
        database.close()


def rebuild(url: str) -> int:
    """Makes the ledger anew from the journal, in one transaction, as the state's only writer.

    Returns:
        How many entries were wrong, missing or too many; with none, nothing is written.

    Raises:
        StateLockedError: another process writes this state.
        StateError: there is no such state, or its journal cannot be read.
    """
    address = parse(url)
    if isinstance(address, SqliteFile) and not address.path.exists():
        raise StateError(f"state {address} does not exist: there is nothing to rebuild. Correct state.url.")
    database = open_database(address, writer=True)
    try:
        with database.reading() as connection:
            right = _folded(connection)
            wrong = _disagreements(right, _stored(connection))
        if wrong:
            with database.writing() as connection:
                connection.execute(delete(tables.ledger))
                if right:
                    connection.execute(insert(tables.ledger), list(right.values()))
        return len(wrong)
    finally:
        database.close()


def _journal(connection: Connection) -> MappingResult:
    """The journal in its order, some rows at a time; close it."""
    query = select(tables.journal).order_by(tables.journal.c.seq)
    return connection.execute(query.execution_options(yield_per=_ROWS_AT_ONCE)).mappings()


def _folded(connection: Connection) -> _Rows:
    entries: dict[Key, Entry] = {}
    with closing(_journal(connection)) as rows:
        for row in rows:
            event = event_of(row)
            key = (event.target, event.pair)
            entries[key] = fold(entries.get(key), event)
    return {key: entry_row(entry) for key, entry in entries.items()}


def _stored(connection: Connection) -> _Rows:
    return {key_of(row): dict(row) for row in connection.execute(select(tables.ledger)).mappings()}


def _damage(connection: Connection) -> list[str]:
    found = [str(line) for line in connection.exec_driver_sql("PRAGMA integrity_check").scalars()]
    return [] if found == ["ok"] else [f"the database file is damaged: {printable(line)}" for line in found]


def _disagreements(right: _Rows, stored: _Rows) -> list[str]:
    """What differs between the ledger and the journal's fold, one line for each pair."""
    problems = []
    for key in sorted(right.keys() | stored.keys()):
        target, pair = key
        name = printable(f"{pair} of target {target}")
        if key not in stored:
            problems.append(f"{name} is in the journal, but not in the ledger")
        elif key not in right:
            problems.append(f"{name} is in the ledger, but not in the journal")
        elif columns := [column for column in right[key] if right[key][column] != stored[key][column]]:
            problems.append(f"{name}: the ledger's {', '.join(columns)} is not what the journal says")
    return problems
