"""Whether a database has the tables, columns and indexes that this program makes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Table, inspect

from reconciler.printable import printable
from reconciler.state.tables import metadata

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlalchemy.engine import Connection
    from sqlalchemy.engine.reflection import Inspector


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
