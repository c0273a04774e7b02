"""Checks that a database is a state of this program, of this version, and for these targets."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from sqlalchemy import insert, select, text

from reconciler.errors import EarlierStateError, StateError
from reconciler.printable import printable
from reconciler.state import PROGRAM, SCHEMA_VERSION
from reconciler.state.errors import MOVE_AWAY
from reconciler.state.rows import stamp
from reconciler.state.tables import meta, metadata, target

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from reconciler.state.address import Address

_COLUMNS = {
    "sqlite": """
        SELECT t.name, c.name FROM sqlite_master t JOIN pragma_table_info(t.name) c WHERE t.type = 'table'
    """,
    "postgresql": """
        SELECT t.relname, c.attname
        FROM pg_class t JOIN pg_namespace s ON s.oid = t.relnamespace
        JOIN pg_attribute c ON c.attrelid = t.oid
        WHERE s.nspname = current_schema() AND t.relkind IN ('r', 'p') AND c.attnum > 0 AND NOT c.attisdropped
    """,
}
"""Every column of every table of the schema in use; not of others that happen to be on the search path."""


def is_blank(connection: Connection) -> bool:
    """Whether the database has none of the tables."""
    return metadata.tables.keys().isdisjoint(_columns(connection))


def establish(connection: Connection, now: datetime) -> None:
    """Makes the tables of a new state and writes what it is.

    Whether they exist is not asked here: PostgreSQL would answer for every schema of the search path.
    """
    metadata.create_all(connection, checkfirst=False)
    facts = {
        "program": PROGRAM,
        "schema_version": str(SCHEMA_VERSION),
        "lineage": uuid.uuid4().hex,
        "created_at": stamp(now),
    }
    connection.execute(insert(meta), [{"key": key, "value": value} for key, value in facts.items()])


def facts_of(connection: Connection) -> dict[str, str]:
    """What `establish` wrote; empty for a database that is not a state."""
    if not {"key", "value"} <= _columns(connection).get("meta", set()):
        return {}
    return {str(key): str(value) for key, value in connection.execute(select(meta.c.key, meta.c.value))}


def verify(connection: Connection, where: Address, *, migrates: bool = False) -> None:
    """Refuses whatever this program did not write or cannot read.

    Args:
        connection: in a transaction.
        where: the database's name for people.
        migrates: brings a state of an earlier version up to date, inside the transaction, which has to be
            that of the state's only writer; otherwise such a state is refused.

    Raises:
        StateError: another program's database, an emptied or damaged one, or one of another version.
    """
    facts = facts_of(connection)
    if facts.get("program") != PROGRAM:
        raise StateError(
            f"state {where} is empty or belongs to another program; nothing was changed. Name another "
            "place in state.url, or move this one away."
        )
    version = facts.get("schema_version", "")
    if not version.isdecimal() or int(version) > SCHEMA_VERSION:
        raise StateError(
            f"state {where} was written by a newer version of this program (schema {printable(version)}, "
            f"known here: {SCHEMA_VERSION}); nothing was changed. Upgrade, or change state.url."
        )
    if int(version) < SCHEMA_VERSION:
        if not migrates:
            raise EarlierStateError(
                f"state {where} was written by an earlier version of this program (schema {version}, needed "
                f"here: {SCHEMA_VERSION}); nothing was changed. Run `reconciler state migrate`, which only "
                "brings it up to date; `reconciler apply` and `reconciler run` do so before anything else."
            )
        from reconciler.state.migrations import migrate  # noqa: PLC0415 - brings Alembic

        migrate(connection, int(version))
    _ensure_complete(connection, where)


def _ensure_complete(connection: Connection, where: Address) -> None:
    columns = _columns(connection)
    lacking = [f"its table {name!r}" for name in sorted(metadata.tables.keys() - columns.keys())] or [
        f"the column {name}.{column}"
        for name, table in metadata.tables.items()
        for column in sorted(set(table.columns.keys()) - columns[name])
    ]
    if lacking:
        raise StateError(
            f"state {where} lacks {', '.join(lacking)}: it was damaged or edited; nothing was changed. "
            f"{MOVE_AWAY}"
        )


def unknown_targets(connection: Connection, identities: Mapping[str, str], where: Address) -> dict[str, str]:
    """The targets of `identities` that this state has not met yet.

    Raises:
        StateError: a target means another registry here than when it was recorded.
    """
    recorded = dict(connection.execute(select(target.c.name, target.c.identity)).all())
    for name, identity in identities.items():
        if recorded.get(name, identity) != identity:
            raise StateError(
                f"state {where} remembers target {printable(name)!r} as {printable(recorded[name])}, but it "
                f"is {printable(identity)} now; nothing was changed. Is this the state of another "
                "environment? Give the target another name, or this environment a state.url of its own."
            )
    return {name: identity for name, identity in identities.items() if name not in recorded}


def record(connection: Connection, new_targets: Mapping[str, str]) -> None:
    """Stores which registry each of these targets is."""
    if new_targets:
        connection.execute(
            insert(target), [{"name": name, "identity": what} for name, what in new_targets.items()]
        )


def _columns(connection: Connection) -> dict[str, set[str]]:
    """The tables there are, each with the names of its columns."""
    columns: dict[str, set[str]] = {}
    for name, column in connection.execute(text(_COLUMNS[connection.dialect.name])):
        columns.setdefault(name, set()).add(column)
    return columns
