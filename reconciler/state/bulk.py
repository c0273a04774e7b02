"""Many rows at a time, as tuples, past the machinery that gives every value its type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Table
    from sqlalchemy.engine import Connection


def insert_rows(
    connection: Connection, table: Table, columns: Sequence[str], rows: list[tuple[Any, ...]]
) -> None:
    """Inserts rows whose values are as the database holds them."""
    if not rows:
        return
    marks = ", ".join("?" * len(columns))
    statement = f"INSERT INTO {table.name} ({names(columns)}) VALUES ({marks})"  # noqa: S608 - our own names
    execute_many(connection, statement, rows)


def execute_many(connection: Connection, statement: str, rows: list[tuple[Any, ...]]) -> None:
    """Carries out a statement for each of the rows; it says `?` for each value."""
    connection.exec_driver_sql(marked(connection, statement), rows)


def select_rows(
    connection: Connection,
    table: Table,
    columns: Sequence[str],
    where: str = "",
    values: tuple[Any, ...] = (),
) -> Iterator[tuple[Any, ...]]:
    """Rows with their values as the database holds them; `where` says `?` for each of the values."""
    query = f"SELECT {names(columns)} FROM {table.name} {where}"  # noqa: S608 - names of this package
    return map(tuple, connection.exec_driver_sql(marked(connection, query), values).fetchall())


def marked(connection: Connection, statement: str) -> str:
    """The statement, which says `?` for each value, as the database's driver wants its values marked."""
    return statement if connection.dialect.paramstyle == "qmark" else statement.replace("?", "%s")


def names(columns: Sequence[str]) -> str:
    """Column names for a statement; some are words of SQL."""
    return ", ".join(f'"{name}"' for name in columns)
