"""Many rows at a time, as tuples, past the machinery that gives every value its type.

A server is sent the columns of many rows as arrays: one statement to understand and to plan, and one way to
it and back. A file is cheaper to ask row by row.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from sqlalchemy import Table
    from sqlalchemy.engine import Connection, Dialect

_KEY = ("target", "model_name", "model_version")
_ROWS_AT_ONCE = 5000  # that a server is sent: what it works on has to end before it is given up


def insert_rows(
    connection: Connection, table: Table, columns: Sequence[str], rows: list[tuple[Any, ...]]
) -> None:
    """Inserts rows whose values are as the database holds them."""
    if not rows:
        return
    into = f"INSERT INTO {table.name} ({names(columns)})"
    if is_file(connection):
        execute_many(connection, f"{into} VALUES ({', '.join('?' * len(columns))})", rows)
        return
    given = f'{_arrays(connection, table, columns)} WITH ORDINALITY AS given ({names(columns)}, "place")'
    statement = f'{into} SELECT {names(columns)} FROM {given} ORDER BY "place"'  # noqa: S608 - our own names
    for some in _batches(rows):
        connection.exec_driver_sql(marked(connection, statement), _by_column(some))


def update_rows(
    connection: Connection, table: Table, columns: Sequence[str], rows: list[tuple[Any, ...]]
) -> None:
    """Puts these rows in the place of those with the same target, name and version, the first columns."""
    if not rows:
        return
    key, others = columns[: len(_KEY)], columns[len(_KEY) :]
    if is_file(connection):
        marks = ", ".join(f'"{name}" = ?' for name in others)
        same = " AND ".join(f'"{name}" = ?' for name in key)
        statement = f"UPDATE {table.name} SET {marks} WHERE {same}"  # noqa: S608 - our own names
        execute_many(connection, statement, [(*row[len(key) :], *row[: len(key)]) for row in rows])
        return
    changes = ", ".join(f'"{name}" = given."{name}"' for name in others)
    same = " AND ".join(f'{table.name}."{name}" = given."{name}"' for name in key)
    given = f"{_arrays(connection, table, columns)} AS given ({names(columns)})"
    statement = f"UPDATE {table.name} SET {changes} FROM {given} WHERE {same}"  # noqa: S608 - our own names
    for some in _batches(rows):
        connection.exec_driver_sql(marked(connection, statement), _by_column(some))


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


def select_by_key(  # noqa: PLR0913 - the parts of a query
    connection: Connection,
    table: Table,
    columns: Sequence[str],
    keys: Collection[tuple[str, ...]],
    *,
    more: str = "",
    values: tuple[Any, ...] = (),
    at_once: int = 1,
) -> Iterator[tuple[Any, ...]]:
    """Rows with one of these targets, names and versions, all as the database holds them.

    Args:
        connection: to read by.
        table: with the columns `target`, `model_name` and `model_version`.
        columns: of the rows.
        keys: of which rows.
        more: a condition besides, which says `?` for each of the values.
        values: of that.
        at_once: how many keys a query to a file names; many to a server.
    """
    besides = f" AND {more}" if more else ""
    if is_file(connection):
        for some in _batches(keys, at_once):
            same = " OR ".join(["(target = ? AND model_name = ? AND model_version = ?)"] * len(some))
            named = (*chain.from_iterable(some), *values)
            yield from select_rows(connection, table, columns, f"WHERE ({same}){besides}", named)
        return
    wanted = f"{_arrays(connection, table, _KEY)} AS wanted (t, n, v)"
    same = f"target = t AND model_name = n AND model_version = v{besides}"
    for some in _batches(keys):
        yield from select_rows(
            connection, table, columns, f"JOIN {wanted} ON {same}", (*_by_column(some), *values)
        )


def marked(connection: Connection, statement: str) -> str:
    """The statement, which says `?` for each value, as the database's driver wants its values marked."""
    return statement if connection.dialect.paramstyle == "qmark" else statement.replace("?", "%s")


def is_file(connection: Connection) -> bool:
    """Whether a statement is no way to a server and back."""
    return connection.dialect.name == "sqlite"


def _arrays(connection: Connection, table: Table, columns: Sequence[str]) -> str:
    """What a server makes rows of the arrays with."""
    return _arrays_of(connection.dialect, table, tuple(columns))


@lru_cache
def _arrays_of(dialect: Dialect, table: Table, columns: tuple[str, ...]) -> str:
    types = (table.columns[name].type.compile(dialect) for name in columns)
    return f"unnest({', '.join(f'CAST(? AS {kind}[])' for kind in types)})"


def _batches(rows: Iterable[tuple[Any, ...]], size: int = _ROWS_AT_ONCE) -> Iterator[list[tuple[Any, ...]]]:
    rest = iter(rows)
    while some := list(islice(rest, size)):
        yield some


def _by_column(rows: Iterable[tuple[Any, ...]]) -> tuple[list[Any], ...]:
    return tuple(map(list, zip(*rows, strict=True)))


def names(columns: Sequence[str]) -> str:
    """Column names for a statement; some are words of SQL."""
    return ", ".join(f'"{name}"' for name in columns)
