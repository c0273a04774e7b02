"""Many rows at a time, as tuples of values as the database holds them: no type converts each of them."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import column, insert, select, type_coerce
from sqlalchemy import table as lightweight_table
from sqlalchemy.types import NULLTYPE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sqlalchemy import Table
    from sqlalchemy.engine import Connection
    from sqlalchemy.sql.expression import Delete, Insert, Select, Update

    Query = Select[*tuple[Any, ...]]
    Row = tuple[Any, ...]


@lru_cache
def raw(table: Table, columns: tuple[str, ...]) -> Query:
    """A query for these columns of every row; what it is compared with is converted as ever."""
    return select(*(type_coerce(table.c[name], NULLTYPE) for name in columns))


def select_rows(
    connection: Connection, query: Query, values: Mapping[str, Any] | None = None
) -> Iterator[Row]:
    """The rows of a query that was made by `raw`; all of them are read at once."""
    return map(tuple, connection.execute(query, values).fetchall())


def insert_rows(connection: Connection, table: Table, columns: Sequence[str], rows: list[Row]) -> None:
    """Inserts rows whose values are as the database holds them, in the order of these columns."""
    ours = lightweight_table(table.name, *(column(table.c[name].name) for name in columns))
    execute_many(connection, insert(ours), rows)


def execute_many(connection: Connection, statement: Insert | Update | Delete, rows: list[Row]) -> None:
    """Carries out a statement for each of the rows, which hold its values in the order of its text.

    The tuples go to the driver as they are: a dictionary for each row would take twice as long.
    """
    if rows:
        connection.exec_driver_sql(str(statement.compile(dialect=connection.dialect)), rows)
