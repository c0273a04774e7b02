"""Looking after a state: is it sound, what is in it, and its ledger made anew from its journal."""

from __future__ import annotations

from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import Table, inspect

from reconciler.contract.model_key import ModelKey
from reconciler.errors import EarlierStateError, StateError
from reconciler.printable import printable
from reconciler.state import SCHEMA_VERSION, archive, journal
from reconciler.state.address import SqliteFile, parse
from reconciler.state.entries import ROWS, folded, refold
from reconciler.state.ledger import open_database
from reconciler.state.raw_rows import Row, asking, select_rows
from reconciler.state.rows import ENTRY_COLUMNS, EVENT_COLUMNS, Key, event_of, plain
from reconciler.state.tables import metadata

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from sqlalchemy.engine import Connection
    from sqlalchemy.engine.reflection import Inspector

    from reconciler.state.database import Database


def check(url: str) -> tuple[str, ...]:
    """Every problem found in a state, one line each; none when it is sound or does not exist.

    The database's own integrity check, the tables, columns and indexes, every line of the journal, and the
    ledger against the journal's fold.
    Changes nothing, and works beside a live writer.

    Raises:
        StateError: `url` cannot name a state.
    """
    address = parse(url)
    try:
        with closing(open_database(address, writer=False)) as database, database.reading() as connection:
            damage = _damage(connection) if isinstance(address, SqliteFile) else []
            if damage:
                return tuple(damage)
            return (*differences(connection), *_disagreements(folded(connection), _stored(connection)))
    except StateError as error:
        return (str(error),)


def require_state(url: str, what: str) -> None:
    """Refuses to go on where there is no state, or none yet; `what` is to be done with it, for the message.

    Raises:
        StateError: there is none, or it cannot be read.
    """
    address = parse(url)
    try:
        with closing(open_database(address, writer=False)) as database:
            if database.exists:
                return
    except EarlierStateError:
        return  # whoever writes brings it up to date, whoever reads says so
    raise StateError(
        f"state {address} does not exist: there is nothing to {what}. The first `reconciler apply` makes it; "
        "where there should be one, correct state.url."
    )


def export(url: str) -> Iterator[dict[str, Any]]:
    """The journal, oldest event first, as objects for JSON lines: every column by name, unknown values None.

    Raises:
        StateError: at the first step, when there is no state, or it cannot be read.
    """
    require_state(url, "export")
    with (
        closing(open_database(parse(url), writer=False)) as database,
        database.reading() as connection,
        closing(archive.rows(asking(connection))) as rows,
    ):
        for row in rows:
            event_of(row)
            yield dict(zip(("seq", *EVENT_COLUMNS), plain(row), strict=True))


def compact(url: str, before: datetime) -> int:
    """Archives every event before this moment of every pair at rest, and gives the room back to the disk.

    Returns:
        How many events were archived by this call.

    Raises:
        StateLockedError: another process writes this state.
        StateError: there is no such state, or it cannot be written.
    """
    with _opened(url, "compact") as database:
        moved = database.write_alone(lambda connection: journal.compact(connection, before))
        database.shrink()
        return moved


def migrate(url: str) -> int:
    """Brings a state of an earlier version up to date, as every writer does before it writes.

    Returns:
        The version that the state has now.

    Raises:
        StateLockedError: another process writes this state.
        StateError: there is no such state, it is of a newer version, or it cannot be written.
    """
    with _opened(url, "migrate"):
        return SCHEMA_VERSION


def rebuild(url: str) -> int:
    """Makes the ledger anew from the journal, in one transaction, as the state's only writer.

    Returns:
        How many entries were wrong, missing or too many; with none, nothing is written.

    Raises:
        StateLockedError: another process writes this state.
        StateError: there is no such state, or its journal cannot be read.
    """
    with _opened(url, "rebuild") as database:
        with database.reading() as connection:
            wrong = _disagreements(folded(connection), _stored(connection))
        if wrong:
            database.write_alone(refold)
        return len(wrong)


@contextmanager
def _opened(url: str, what: str) -> Iterator[Database]:
    """An existing state, to write to it; StateError where there is none."""
    require_state(url, what)
    with closing(open_database(parse(url), writer=True)) as database:
        database.write_alone(lambda _: None)
        yield database


def _stored(connection: Connection) -> dict[Key, Row]:
    rows: dict[Key, Row] = {}
    for row in select_rows(connection, ROWS):
        target, name, version = plain(row[:3])
        rows[target, ModelKey(name, version)] = (*row[:-1], bool(row[-1]))
    return rows


def _damage(connection: Connection) -> list[str]:
    lines = [str(line) for line in connection.exec_driver_sql("PRAGMA integrity_check").scalars()]
    return [] if lines == ["ok"] else [f"the database file is damaged: {printable(line)}" for line in lines]


def _disagreements(right: dict[Key, Row], stored: dict[Key, Row]) -> list[str]:
    """What differs between the ledger and the journal's fold, one line for each pair."""
    problems = []
    for key in sorted(right.keys() | stored.keys()):
        target, pair = key
        name = printable(f"{pair} of target {target}")
        if key not in stored:
            problems.append(f"{name} is in the journal, but not in the ledger")
        elif key not in right:
            problems.append(f"{name} is in the ledger, but not in the journal")
        elif columns := [
            column
            for column, one, other in zip(ENTRY_COLUMNS, right[key], stored[key], strict=True)
            if one != other
        ]:
            problems.append(f"{name}: the ledger's {', '.join(columns)} is not what the journal says")
    return problems


# --- whether a database has the tables, columns and indexes that this program makes --------------------


def differences(connection: Connection) -> list[str]:
    """What is missing, too many or of another type, one line each, in the order of the tables.

    Tables of other names are not looked at.
    """
    inspector = inspect(connection)
    problems: list[str] = []
    for table in metadata.sorted_tables:
        if inspector.has_table(table.name, schema=inspector.default_schema_name):
            problems += _of_columns(connection, inspector, table)
            problems += _of_indexes(inspector, table)
        else:
            problems.append(f"the table {table.name} is missing")
    return problems


def _of_columns(connection: Connection, inspector: Inspector, table: Table) -> Iterator[str]:
    def declared(type_: Any) -> str:  # noqa: ANN401 - any of the library's types
        return str(type_.compile(dialect=connection.dialect))

    stored = inspector.get_columns(table.name, schema=inspector.default_schema_name)
    yield from _compared(
        f"the column {table.name}.",
        {column.name: _words(declared(column.type), bool(column.nullable)) for column in table.columns},
        {column["name"]: _words(declared(column["type"]), column["nullable"]) for column in stored},
    )


def _of_indexes(inspector: Inspector, table: Table) -> Iterator[str]:
    schema = inspector.default_schema_name
    expected = {
        str(index.name): ", ".join(column.name for column in index.columns) for index in table.indexes
    }
    stored = {
        str(index["name"]): ", ".join(map(str, index["column_names"]))
        for index in inspector.get_indexes(table.name, schema=schema)
    }
    yield from _compared("the index ", expected, stored)
    expected = {table.name: ", ".join(column.name for column in table.primary_key.columns)}
    key = inspector.get_pk_constraint(table.name, schema=schema)
    stored = {table.name: ", ".join(key["constrained_columns"])}
    yield from _compared("the primary key of ", expected, stored)


def _compared(what: str, expected: Mapping[str, str], stored: Mapping[str, str]) -> Iterator[str]:
    for name in [*expected, *(name for name in stored if name not in expected)]:
        if name not in stored:
            yield f"{what}{name} is missing"
        elif name not in expected:
            yield f"{what}{printable(name)} is not this program's"
        elif stored[name] != expected[name]:
            yield f"{what}{name} is {printable(stored[name])}, and should be {expected[name]}"


def _words(type_: str, nullable: bool) -> str:
    return type_ if nullable else f"{type_} NOT NULL"
