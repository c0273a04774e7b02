"""Many rows at a time, as tuples of values as the database holds them: no type converts each of them.

A server is sent the columns of many rows as arrays: one statement to parse and to plan, and one round trip.
A file is cheaper to query row by row.
"""

from __future__ import annotations

from contextlib import closing
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import (
    ARRAY,
    Select,
    Table,
    Text,
    bindparam,
    cast,
    column,
    func,
    insert,
    select,
    text,
    type_coerce,
    update,
)
from sqlalchemy import table as lightweight_table
from sqlalchemy.types import NULLTYPE

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence

    from sqlalchemy.engine import Connection, Dialect
    from sqlalchemy.sql.expression import Delete, Insert, TableValuedAlias, Update

    from reconciler.state.archive import Ask


Query = Select[*tuple[Any, ...]]
Row = tuple[Any, ...]
T = TypeVar("T")

KEY = ("target", "model_name", "model_version")
_ROWS_AT_ONCE = 5000  # that a server is sent: what it works on has to end before it is given up


@lru_cache
def raw_query(table: Table, columns: tuple[str, ...]) -> Query:
    """A query for these columns of every row; what it is compared with is converted as ever."""
    return select(*(type_coerce(table.c[name], NULLTYPE) for name in columns))


def select_rows(
    connection: Connection, query: Query, values: Mapping[str, Any] | None = None
) -> Iterator[Row]:
    """The rows of a query that was made by `raw_query`; all of them are read at once."""
    return map(tuple, connection.execute(query, values).fetchall())


def stream_rows(connection: Connection, query: Query) -> Iterator[Row]:
    """The same, some read after the others; for a query that may find very many, and is read to its end."""
    return (tuple(row) for some in connection.execute(query).partitions(_ROWS_AT_ONCE) for row in some)


def asking(connection: Connection) -> Ask:
    """The function by which the journal is queried through this connection."""

    def ask(query: str, values: Mapping[str, Any]) -> Generator[Row]:
        # without types of their own, which SQLAlchemy would guess: the driver knows better
        statement = text(query).bindparams(*(bindparam(name, type_=NULLTYPE) for name in values))
        some_at_a_time = {"yield_per": _ROWS_AT_ONCE}
        with closing(connection.execute(statement, values, execution_options=some_at_a_time)) as result:
            yield from map(tuple, result)

    return ask


def insert_rows(connection: Connection, table: Table, columns: Sequence[str], rows: list[Row]) -> None:
    """Inserts rows whose values are as the database holds them, in the order of these columns."""
    if is_file(connection):
        execute_many(connection, _insert(table, tuple(columns)), rows)
        return
    for some in batches(rows):
        connection.execute(_insertion(table, tuple(columns)), by_column(columns, some))


def update_rows(connection: Connection, table: Table, columns: Sequence[str], rows: list[Row]) -> None:
    """Puts these rows in the place of those with the same `KEY`, which is the first of these columns."""
    if is_file(connection):
        width = len(KEY)
        execute_many(connection, _update(table, tuple(columns)), [(*r[width:], *r[:width]) for r in rows])
        return
    for some in batches(rows):
        connection.execute(_replacement(table, tuple(columns)), by_column(columns, some))


def execute_many(connection: Connection, statement: Insert | Update | Delete, rows: list[Row]) -> None:
    """Carries out a statement for each of the rows, which hold its values in the order of its text.

    The tuples go to the driver as they are: a dictionary for each row would take twice as long.
    """
    if rows:
        connection.exec_driver_sql(_text(statement, connection.dialect), rows)


@lru_cache
def _text(statement: Insert | Update | Delete, dialect: Dialect) -> str:
    """A statement's SQL, kept: for the few rows of an import, compiling takes longer than running it."""
    return str(statement.compile(dialect=dialect))


def is_file(connection: Connection) -> bool:
    """Whether the database is a file, so that a statement costs no round trip."""
    return connection.dialect.name == "sqlite"


@lru_cache
def given(table: Table, columns: tuple[str, ...] = KEY) -> TableValuedAlias:
    """Rows that a server makes of `by_column`, with their `place` in it."""
    arrays = []
    for name in columns:
        kind = table.c[name].type
        written = bindparam(f"given_{name}", type_=Text())
        arrays.append(cast(written, ARRAY(getattr(kind, "impl_instance", kind))))
    rows = func.unnest(*arrays).table_valued(*map(column, columns), with_ordinality="place", name="given")
    return rows.render_derived()


def by_column(columns: Sequence[str], rows: Iterable[Row]) -> dict[str, str]:
    """The values of `given`; of at least one row."""
    values = zip(*rows, strict=True)
    return {f"given_{name}": array_text(some) for name, some in zip(columns, values, strict=True)}


def array_text(values: Sequence[str | int | None]) -> str:
    """PostgreSQL's text for an array; the driver's own looks at each value, which takes ten times as long.

    https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO
    """
    try:
        joined = '","'.join(values)  # type: ignore[arg-type] # which most columns hold, and quickly seen
        if "\\" not in joined and joined.count('"') == 2 * (len(values) - 1):
            return f'{{"{joined}"}}'
    except TypeError:  # not of texts alone
        pass
    return f"{{{','.join(map(_element, values))}}}"


def _element(value: str | int | None) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, str):
        return '"{}"'.format(value.replace("\\", "\\\\").replace('"', '\\"'))
    return str(value)


def batches(rows: Iterable[T]) -> Iterator[list[T]]:
    """The rows, or what they are made of, as many at a time as a server is sent."""
    rest = iter(rows)
    while some := list(islice(rest, _ROWS_AT_ONCE)):
        yield some


@lru_cache
def _insert(table: Table, columns: tuple[str, ...]) -> Insert:
    return insert(lightweight_table(table.name, *(column(table.c[name].name) for name in columns)))


@lru_cache
def _insertion(table: Table, columns: tuple[str, ...]) -> Insert:
    rows = given(table, columns)
    return _insert(table, columns).from_select(
        columns, select(*(rows.c[n] for n in columns)).order_by(rows.c.place)
    )


@lru_cache
def _replacement(table: Table, columns: tuple[str, ...]) -> Update:
    rows = given(table, columns)
    ours = lightweight_table(table.name, *(column(table.c[name].name) for name in columns))
    changed: dict[str, Any] = {name: rows.c[name] for name in columns[len(KEY) :]}
    return update(ours).values(changed).where(*(ours.c[name] == rows.c[name] for name in KEY))


@lru_cache
def _update(table: Table, columns: tuple[str, ...]) -> Update:
    changed: list[tuple[Any, Any]] = [(table.c[n], bindparam(f"new_{n}")) for n in columns[len(KEY) :]]
    same = (table.c[name] == bindparam(f"key_{name}") for name in KEY)
    return update(table).ordered_values(*changed).where(*same)
