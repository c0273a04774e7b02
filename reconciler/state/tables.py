"""The tables, the same in SQLite and PostgreSQL.

    meta     what this database is: program, schema version, its id (`lineage`), when it was created
    target   which registry each target meant when it was first written
    journal  every event, append-only, in order of `seq`
    archive  the same of long ago, many events in a row
    ledger   one row for each (target, name, version): the fold of its events
    mark     small facts about a target
    verdicts the newest verdict on each model
    report   the rest of the newest report, one row
    outbox   messages to sinks: those to send, and those of episodes that are open
    reconciled  which commit was reconciled from when on, and how far the journal went before
    lease    who leads each target until when, and by which epoch; empty where a file lock says who writes
    replica  which processes campaign for leases, so that each takes no more than its share

Whoever changes them raises `reconciler.state.SCHEMA_VERSION` and writes a migration: see
docs/development.md.

Times are ISO 8601 text in UTC with microseconds, so that they sort as text and read without a tool.
"""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    text,
)
from sqlalchemy.types import TypeDecorator, TypeEngine

from reconciler.engine.values import Facts
from reconciler.state.rows import plain_text, stored_text

if TYPE_CHECKING:
    from sqlalchemy.engine import Dialect


class AnyText(TypeDecorator[str]):
    """Text of any characters, back as it went in; see `reconciler.state.rows`."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002, D102
        return None if value is None else stored_text(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002, D102
        return None if value is None else plain_text(value)


_TYPES: dict[Any, type[TypeEngine[Any]]] = {
    "str | None": AnyText,
    "int | None": BigInteger,
    "datetime | None": Text,
    "Stage | None": Text,
}


_AT_FIRST = 12  # so many facts the journal had before `actor`; a column that is added later stands last


def _facts(first: int = 0, last: int | None = None) -> list[Column[Any]]:
    """The columns that an event and an entry have in common, or some of them by their places."""
    return [
        Column(fact.name, _TYPES[fact.type], quote=fact.name == "commit" or None)
        for fact in fields(Facts)[first:last]
    ]


metadata = MetaData()

meta = Table(
    "meta",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

target = Table(
    "target",
    metadata,
    Column("name", AnyText, primary_key=True),
    Column("identity", AnyText, nullable=False),
)

journal = Table(
    "journal",
    metadata,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("at", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("target", AnyText, nullable=False),
    Column("model_name", AnyText, nullable=False),
    Column("model_version", AnyText, nullable=False),
    Column("cycle_id", AnyText, nullable=False),
    *_facts(last=_AT_FIRST),
    Column("actor", AnyText),
    Column("epoch", BigInteger),
    *_facts(_AT_FIRST),
    Index("journal_by_pair", "target", "model_name", "model_version"),
    Index("journal_by_commit", "target", "commit"),
    Index("journal_by_model_id", "target", "model_id"),
    sqlite_autoincrement=True,
)

archive = Table(
    "archive",
    metadata,
    Column("first", BigInteger, primary_key=True, autoincrement=False),
    Column("last", BigInteger, nullable=False),
    Column("targets", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("sketch", LargeBinary),
)
"""`first` and `last` are the numbers of the events in the body, `targets` a JSON list of their targets,
`sketch` a Bloom filter of them (see `reconciler.state.archive`); NULL in chunks of earlier versions."""

ledger = Table(
    "ledger",
    metadata,
    Column("target", AnyText, primary_key=True),
    Column("model_name", AnyText, primary_key=True),
    Column("model_version", AnyText, primary_key=True),
    Column("phase", Text, nullable=False),
    Column("last", Text, nullable=False),
    Column("updated_at", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("disappearances", Integer, nullable=False),
    Column("at_rest", Boolean, nullable=False),
    *_facts(),
    Index("ledger_by_rest", "target", "at_rest"),
    Index("ledger_by_path", "target", "path"),
)

verdicts = Table(
    "verdicts",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("target", AnyText, nullable=False),
    Column("model_name", AnyText),
    Column("model_version", AnyText),
    Column("verdict", Text, nullable=False),
    Column("path", AnyText),
    Column("line", BigInteger),
    Column("commit", AnyText, quote=True),
    Column("author", AnyText),
    Column("model_id", AnyText),
    Column("model_status", AnyText),
    Column("digest", AnyText),
    Column("told", Text),
    Column("since", Text),
    Index("verdicts_by_pair", "target", "model_name", "model_version"),
)

NOT_IN_SYNC = text("verdict <> 'in-sync'")
"""The condition of the index on what is not; a query has to say it in these words to use it."""
_not_in_sync = Index("verdicts_not_in_sync", verdicts.c.target, verdicts.c.verdict, sqlite_where=NOT_IN_SYNC)

UNCOMPARED = text("verdict = 'in-sync' AND digest IS NULL")
"""The same of the index on models that are well as far as is known, and whose content is not known."""
_uncompared = Index("verdicts_uncompared", verdicts.c.target, sqlite_where=UNCOMPARED)

mark = Table(
    "mark",
    metadata,
    Column("target", AnyText, primary_key=True),
    Column("name", AnyText, primary_key=True),
    Column("value", AnyText, nullable=False),
)

report = Table(
    "report",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("body", Text, nullable=False),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("message_id", Text, nullable=False),
    Column("sink", AnyText, nullable=False),
    Column("kind", Text, nullable=False),
    Column("target", AnyText, nullable=False),
    Column("model_name", AnyText),
    Column("model_version", AnyText),
    Column("path", AnyText),
    Column("episode", Text, nullable=False),
    Column("verdict", Text),
    Column("facts", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("is_open", Boolean, nullable=False),
    Column("sent_at", Text),
    Column("attempts", Integer, nullable=False),
    Column("not_before", Text),
    Column("error", AnyText),
    Column("digest", Text),
    Index("outbox_by_message", "message_id", unique=True),
    Index("outbox_by_sink", "sink", "sent_at"),
)
"""`episode` is when it began, `is_open` whether this told of an episode that goes on. A row stays until it is
sent and its episode has ended; `digest` names the rows that are sent as one message.
"""
reconciled = Table(
    "reconciled",
    metadata,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("at", Text, nullable=False),
    Column("commit", Text, nullable=False, quote=True),
    Column("position", BigInteger, nullable=False),
    Index("reconciled_by_commit", "commit"),
)
"""`position` is the number of the newest event before the first cycle of this commit."""

lease = Table(
    "lease",
    metadata,
    Column("target", AnyText, primary_key=True),
    Column("holder", AnyText, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("since", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
)
"""Both times are of the server's clock. `epoch` grows with every holder; a row is never removed."""

replica = Table(
    "replica",
    metadata,
    Column("holder", AnyText, primary_key=True),
    Column("expires_at", DateTime(timezone=True), nullable=False),
)


def tell_postgresql() -> None:
    """Tells PostgreSQL's part of SQLAlchemy which rows an index has; to be called before tables are made.

    Said where an index is defined, it loads that part for every state, which takes a short command a tenth
    of its time.
    """
    for index, condition in ((_not_in_sync, NOT_IN_SYNC), (_uncompared, UNCOMPARED)):
        index.dialect_kwargs["postgresql_where"] = condition
