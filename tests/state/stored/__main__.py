"""Stores a state as this program makes it: `python -m tests.state.stored NAME` writes one file a database."""

from __future__ import annotations

import sqlite3
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy.engine import make_url
from sqlalchemy.schema import CreateIndex, CreateTable

from reconciler.state import compact, open_state
from reconciler.state.tables import metadata, tell_postgresql
from tests.state.stored import FOLDER
from tests.state.stored.sample import EVENTS, MARKS, NOON, REPORT, TARGET_IDENTITIES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Table
    from sqlalchemy.engine import Dialect


def _make(url: str) -> None:
    with open_state(url, writer=True, target_identities=TARGET_IDENTITIES, now=lambda: NOON) as ledger:
        for event in EVENTS:
            ledger.append([event])
    compact(url, EVENTS[2].at)
    with open_state(url, writer=True, now=lambda: NOON) as ledger:
        ledger.save_report(REPORT, {"prod": None}, MARKS)


def _dump(database: sqlite3.Connection, dialect: Dialect) -> Iterator[str]:
    for table in metadata.sorted_tables:
        yield str(CreateTable(table).compile(dialect=dialect)).strip()
        for index in sorted(table.indexes, key=lambda index: str(index.name)):
            yield str(CreateIndex(index).compile(dialect=dialect))
        names = ", ".join(f'"{column.name}"' for column in table.columns)
        for row in database.execute(f"SELECT {names} FROM {table.name}"):  # noqa: S608 - our own names
            values = ", ".join(
                _literal(value, column, dialect) for value, column in zip(row, table.columns, strict=True)
            )
            yield f"INSERT INTO {table.name} ({names}) VALUES ({values})"  # noqa: S608
        yield from _counted_on(table, dialect)


def _counted_on(table: Table, dialect: Dialect) -> Iterator[str]:
    column = table.autoincrement_column
    if column is not None and dialect.name == "postgresql":
        where = f"pg_get_serial_sequence('{table.name}', '{column.name}')"
        yield f"SELECT setval({where}, (SELECT coalesce(max({column.name}), 1) FROM {table.name}))"  # noqa: S608


def _literal(value: Any, column: Any, dialect: Dialect) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bytes):
        return f"X'{value.hex()}'" if dialect.name == "sqlite" else f"'\\x{value.hex()}'"
    if isinstance(value, int):
        is_truth = str(column.type) == "BOOLEAN" and dialect.name == "postgresql"
        return str(bool(value)).lower() if is_truth else str(value)
    return "'" + str(value).replace("'", "''") + "'"


def main(name: str, folder: Path = FOLDER) -> None:
    """Writes `NAME.sqlite.sql` and `NAME.postgresql.sql`."""
    tell_postgresql()
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "state.db"
        _make(f"sqlite:///{file}")
        with closing(sqlite3.connect(file)) as database:
            for kind in ("sqlite", "postgresql+psycopg"):
                dialect = make_url(f"{kind}://").get_dialect()()
                statements = list(_dump(database, dialect))
                text = "".join(f"{statement};\n" for statement in statements)
                (folder / f"{name}.{dialect.name}.sql").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
