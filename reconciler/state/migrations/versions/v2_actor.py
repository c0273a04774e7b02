"""Version 2: the journal says who asked, a verdict since when it stands; and all tables of version 1.

Tables, columns and indexes were added while the number stayed 1. What such a state lacks is made here as it
was last made under that number. Events of the kind `listed`, which some of these states have, are removed:
what was only seen in a list is no event any more. Verdicts that were kept inside the report, as they were
once, are left to the next cycle, and it judges every model: the marks that spare it are removed.
"""

from __future__ import annotations

import json
import zlib
from typing import Any

from alembic import op
from sqlalchemy import BigInteger, Boolean, Column, Integer, LargeBinary, Text, inspect, text

revision = "2"
down_revision = None


def upgrade() -> None:
    """Runs inside the transaction of `reconciler.state.migrations`."""
    inspector = inspect(op.get_bind())
    schema = inspector.default_schema_name
    tables = set(inspector.get_table_names(schema=schema))
    if "archive" in tables:
        _forget_listed_in_archive()
    else:
        _make_archive()
    if "standing" not in tables:
        _make_standing()
        op.execute("DELETE FROM report")
    for index in inspector.get_indexes("standing", schema=schema) if "standing" in tables else ():
        op.drop_index(str(index["name"]), "standing")
    _make_indexes_of_standing()
    op.drop_table("ledger")
    _make_ledger()
    op.execute("DELETE FROM journal WHERE kind = 'listed'")
    op.execute("DELETE FROM mark WHERE name IN ('standing', 'at-rest')")
    op.add_column("journal", Column("actor", Text))
    op.add_column("standing", Column("since", Text))
    _forget_worded_differences()


def _forget_worded_differences() -> None:
    """Leaves the differences of drifted models, which were words and are values now, to the next cycle."""
    found = op.get_bind().execute(text("SELECT id, told FROM standing WHERE told LIKE '{%'")).all()
    for row_id, told in found:
        facts = {"id": row_id, "told": json.dumps(json.loads(told) | {"diff": [], "next": None})}
        op.get_bind().execute(text("UPDATE standing SET told = :told WHERE id = :id"), facts)


def _forget_listed_in_archive() -> None:
    """Takes the events of this kind out of the archive, as they are out of the journal."""
    for first, body in op.get_bind().execute(text("SELECT first, body FROM archive")).all():
        head, *lines = zlib.decompress(body).split(b"\n")
        kind, seq = (json.loads(head).index(name) for name in ("kind", "seq"))
        rest = [line for line in lines if json.loads(line)[kind] != "listed"]
        if not rest:
            op.get_bind().execute(text("DELETE FROM archive WHERE first = :first"), {"first": first})
        elif rest != lines:
            facts = {
                "was": first,
                "first": json.loads(rest[0])[seq],
                "last": json.loads(rest[-1])[seq],
                "body": zlib.compress(b"\n".join([head, *rest]), 9),
            }
            change = "UPDATE archive SET first = :first, last = :last, body = :body WHERE first = :was"
            op.get_bind().execute(text(change), facts)


def _make_archive() -> None:
    op.create_table(
        "archive",
        Column("first", BigInteger, primary_key=True, autoincrement=False),
        Column("last", BigInteger, nullable=False),
        Column("targets", Text, nullable=False),
        Column("body", LargeBinary, nullable=False),
    )


def _make_standing() -> None:
    op.create_table(
        "standing",
        Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
        Column("target", Text, nullable=False),
        Column("model_name", Text),
        Column("model_version", Text),
        Column("verdict", Text, nullable=False),
        Column("path", Text),
        Column("line", BigInteger),
        Column("commit", Text, quote=True),
        Column("author", Text),
        Column("model_id", Text),
        Column("model_status", Text),
        Column("digest", Text),
        Column("told", Text),
    )


def _make_indexes_of_standing() -> None:
    op.create_index("standing_by_pair", "standing", ["target", "model_name", "model_version"])
    conditions = {
        "standing_not_in_sync": (["target", "verdict"], text("verdict <> 'in-sync'")),
        "standing_seen": (["target"], text("verdict = 'in-sync' AND digest IS NULL")),
    }
    for name, (columns, where) in conditions.items():
        op.create_index(name, "standing", columns, sqlite_where=where, postgresql_where=where)


def _make_ledger() -> None:
    op.create_table(
        "ledger",
        Column("target", Text, primary_key=True),
        Column("model_name", Text, primary_key=True),
        Column("model_version", Text, primary_key=True),
        Column("phase", Text, nullable=False),
        Column("last", Text, nullable=False),
        Column("updated_at", Text, nullable=False),
        Column("attempts", Integer, nullable=False),
        Column("disappearances", Integer, nullable=False),
        Column("at_rest", Boolean, nullable=False),
        *_facts(),
    )
    op.create_index("ledger_by_rest", "ledger", ["target", "at_rest"])
    op.create_index("ledger_by_path", "ledger", ["target", "path"])


def _facts() -> list[Column[Any]]:
    return [
        Column("operation_id", Text),
        Column("digest", Text),
        Column("commit", Text, quote=True),
        Column("path", Text),
        Column("line", BigInteger),
        Column("author", Text),
        Column("model_id", Text),
        Column("model_status", Text),
        Column("request_id", Text),
        Column("not_before", Text),
        Column("code", Text),
        Column("detail", Text),
    ]
