"""Small facts that are remembered about a target, or about none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select

from reconciler.state import tables
from reconciler.state.access import StateAccess

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.engine import Connection

_COLUMNS = tables.mark.c


def read_marks(connection: Connection) -> dict[tuple[str, str], str]:
    """Every mark, by target and name."""
    query = select(_COLUMNS.target, _COLUMNS.name, _COLUMNS.value)
    return {(target, name): value for target, name, value in connection.execute(query)}


def write_marks(connection: Connection, marks: Mapping[tuple[str, str], str]) -> None:
    """Puts these marks in the place of those of the same names."""
    for (target, name), value in marks.items():
        connection.execute(delete(tables.mark).where(_COLUMNS.target == target, _COLUMNS.name == name))
        connection.execute(insert(tables.mark).values(target=target, name=name, value=value))


class SqlMarks(StateAccess):
    """`reconciler.engine.ports.Marks` on a SQL database."""

    def marks(self, target: str) -> Mapping[str, str]:
        """Small facts remembered about a target."""
        with self._database.reading() as connection:
            return {name: value for (of, name), value in read_marks(connection).items() if of == target}

    def mark(self, target: str, name: str, value: str) -> None:
        """Remembers one such fact; writes nothing when it is what is remembered already."""
        self._ensure_unrestricted()
        if self.marks(target).get(name) != value:
            self._database.write(lambda connection: write_marks(connection, {(target, name): value}))
