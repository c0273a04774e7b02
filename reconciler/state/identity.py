"""Whose database it is: this program's, of a version it can read, for the targets it was begun with."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from sqlalchemy import insert, inspect, select

from reconciler.errors import StateError
from reconciler.state.address import printable
from reconciler.state.complaint import MOVE_AWAY
from reconciler.state.rows import stamp
from reconciler.state.tables import SCHEMA_VERSION, meta, metadata, target

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from reconciler.state.address import Address

_PROGRAM = "model-reconciler"


def is_blank(connection: Connection) -> bool:
    """Whether the database has none of the tables."""
    return not set(metadata.tables) & _tables(connection)


def establish(connection: Connection, now: datetime) -> None:
    """Makes the tables of a new state and writes what it is.

    Whether they exist is not asked here: PostgreSQL would answer for every schema of the search path.
    """
    metadata.create_all(connection, checkfirst=False)
    facts = {
        "program": _PROGRAM,
        "schema_version": str(SCHEMA_VERSION),
        "lineage": uuid.uuid4().hex,
        "created_at": stamp(now),
    }
    connection.execute(insert(meta), [{"key": key, "value": value} for key, value in facts.items()])


def facts_of(connection: Connection) -> dict[str, str]:
    """What `establish` wrote; empty for a database that is not a state."""
    if "meta" not in _tables(connection):
        return {}
    inspector = inspect(connection)
    columns = inspector.get_columns("meta", schema=inspector.default_schema_name)
    if not {"key", "value"} <= {column["name"] for column in columns}:
        return {}
    return {str(key): str(value) for key, value in connection.execute(select(meta.c.key, meta.c.value))}


def verify(connection: Connection, where: Address) -> None:
    """Refuses whatever this program did not write or cannot read.

    Raises:
        StateError: another program's database, an emptied one, or one of a newer version.
    """
    facts = facts_of(connection)
    if facts.get("program") != _PROGRAM:
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
    missing = sorted(set(metadata.tables) - _tables(connection))
    if missing:
        raise StateError(
            f"state {where} lacks its table {missing[0]!r}: it was damaged or edited; nothing was changed. "
            f"{MOVE_AWAY}"
        )


def strangers(connection: Connection, lineage: Mapping[str, str], where: Address) -> dict[str, str]:
    """The targets of `lineage` that this state has not met yet.

    Raises:
        StateError: a target means another registry here than when it was recorded.
    """
    known = dict(connection.execute(select(target.c.name, target.c.identity)).all())
    for name, identity in lineage.items():
        if known.get(name, identity) != identity:
            raise StateError(
                f"state {where} remembers target {printable(name)!r} as {printable(known[name])}, but it is "
                f"{printable(identity)} now; nothing was changed. Is this the state of another environment? "
                "Give the target another name, or this environment a state.url of its own."
            )
    return {name: identity for name, identity in lineage.items() if name not in known}


def record(connection: Connection, newcomers: Mapping[str, str]) -> None:
    """Remembers which registry each of these targets means."""
    connection.execute(insert(target), [{"name": name, "identity": what} for name, what in newcomers.items()])


def _tables(connection: Connection) -> set[str]:
    """The tables of the schema in use; not those of others that happen to be on the search path."""
    inspector = inspect(connection)
    return set(inspector.get_table_names(schema=inspector.default_schema_name))
