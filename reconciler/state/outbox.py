"""Messages that are to be sent, and the episodes of which a sink was told.

    written ─▶ sent ─▶ removed           once its episode has ended
       └─▶ postponed ─▶ sent             after an attempt that failed

A row is written in the transaction of the report that it tells of. A row is sent at least once: it is marked
after the sink has taken it.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import ColumnElement, RowMapping, and_, delete, func, insert, not_, select, update

from reconciler.engine.episodes import (
    Episode,
    Message,
    MessageKind,
    OutboxRow,
    OutboxUpdate,
    PendingCount,
    RowSelection,
    Subject,
)
from reconciler.engine.values import Verdict
from reconciler.state.errors import UnreadableState
from reconciler.state.rows import moment_of, stamp
from reconciler.state.tables import outbox

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from reconciler.state.database import Database

_FACTS = ("was", "code", "reason", "line", "path", "commit", "author", "model_id")
_ROWS_A_QUERY = 400
T = TypeVar("T")

_COLUMNS = outbox.c
_UNSENT = _COLUMNS.sent_at.is_(None)
_DONE = and_(_COLUMNS.sent_at.is_not(None), not_(_COLUMNS.is_open))


class Outbox:
    """Messages to the sinks, put in with the report that they tell of; used from several threads.

    Raises StateError as the ledger does.
    """

    def __init__(self, database: Database) -> None:
        """Wraps an open database; closed with its ledger."""
        self._database = database

    def pending(self, sink: str, limit: int) -> Sequence[OutboxRow]:
        """The oldest messages that are not sent, in their order; so many at most."""
        query = select(outbox).where(_COLUMNS.sink == sink, _UNSENT).order_by(_COLUMNS.id).limit(limit)
        with self._database.reading() as connection:
            return [_outbox_row(row) for row in connection.execute(query).mappings()]

    def open_messages(self, sink: str) -> Sequence[Message]:
        """The messages of the sink that told of an episode that goes on, and are sent."""
        query = select(outbox).where(_COLUMNS.sink == sink, not_(_UNSENT), _COLUMNS.is_open)
        with self._database.reading() as connection:
            return [_message(row) for row in connection.execute(query.order_by(_COLUMNS.id)).mappings()]

    def pending_counts(self) -> Mapping[str, PendingCount]:
        """What is not sent, by sink; a sink for which nothing waits is left out."""
        query = (
            select(_COLUMNS.sink, func.count(), func.min(_COLUMNS.at)).where(_UNSENT).group_by(_COLUMNS.sink)
        )
        with self._database.reading() as connection:
            return {
                sink: PendingCount(number, moment_of(oldest))
                for sink, number, oldest in connection.execute(query).all()
            }

    def assign_bundle(self, sink: str, bundle: str) -> None:
        """Has all that wait for the sink sent as one from now on: a repetition is then of the same ones."""
        free = and_(_COLUMNS.sink == sink, _UNSENT, _COLUMNS.digest.is_(None))
        self._write([update(outbox).where(free).values(digest=bundle)])

    def bundle_counts(self, bundle: str) -> Mapping[tuple[MessageKind, Verdict | None], int]:
        """How many messages a bundle is made of, by what they say."""
        what = (_COLUMNS.kind, _COLUMNS.verdict)
        query = select(*what, func.count()).where(_COLUMNS.digest == bundle).group_by(*what).order_by(*what)
        with self._database.reading() as connection:
            return {
                (kind, None if verdict is None else Verdict(verdict)): number
                for kind, verdict, number in connection.execute(query).all()
            }

    def mark_sent(self, which: RowSelection, at: datetime) -> None:
        """The sink has taken these messages."""
        done = update(outbox).where(_these(which)).values(sent_at=stamp(at), error=None, not_before=None)
        self._write([done, delete(outbox).where(_DONE)])

    def postpone(self, which: RowSelection, not_before: datetime, error: str) -> None:
        """An attempt to send these messages has failed."""
        values = {"attempts": _COLUMNS.attempts + 1, "not_before": stamp(not_before), "error": error}
        self._write([update(outbox).where(_these(which)).values(values)])

    def retain_sinks(self, sinks: Collection[str]) -> None:
        """Removes the messages of other sinks, which cannot be sent."""
        others = _COLUMNS.sink.not_in(sinks)
        with self._database.reading() as connection:
            if connection.scalar(select(func.count()).where(others)) == 0:
                return
        self._write([delete(outbox).where(others)])

    def _write(self, statements: Sequence[Any]) -> None:
        def carry_out(connection: Connection) -> None:
            for statement in statements:
                connection.execute(statement)

        self._database.write(carry_out)


def episodes(connection: Connection) -> list[Episode]:
    """The episodes of which a sink was told, or is about to be, and which go on."""
    rows = connection.execute(select(outbox).where(_COLUMNS.is_open).order_by(_COLUMNS.id)).mappings()
    return [
        Episode(row["sink"], _subject(row), moment_of(row["episode"]), Verdict(row["verdict"]))
        for row in rows
    ]


def write(connection: Connection, changes: OutboxUpdate) -> None:
    """Puts the messages in and closes the episodes that have ended, inside the caller's transaction."""
    for some in _parts([episode.message_id for episode in changes.ended]):
        connection.execute(update(outbox).where(_COLUMNS.message_id.in_(some)).values(is_open=False))
    if changes.ended:
        connection.execute(delete(outbox).where(_DONE))
    # an episode that goes on after all, such as that of a target which is configured again
    ends = [replace(m, kind="recovered").message_id for m in changes.messages if m.kind == "attention"]
    for some in _parts(ends):
        connection.execute(delete(outbox).where(_COLUMNS.message_id.in_(some), _UNSENT))
    for rows in _parts([_row(message) for message in changes.messages]):
        _put(connection, {row["message_id"]: row for row in rows})


def _parts(values: list[T]) -> Iterator[list[T]]:
    """The values, as many at a time as one statement takes."""
    return (values[start : start + _ROWS_A_QUERY] for start in range(0, len(values), _ROWS_A_QUERY))


def _put(connection: Connection, rows: dict[str, dict[str, Any]]) -> None:
    """Inserts rows; a filter that was narrowed and widened again makes a message that is there still."""
    query = select(_COLUMNS.message_id).where(_COLUMNS.message_id.in_(rows))
    for message_id in connection.scalars(query).all():
        is_open = rows.pop(message_id)["is_open"]
        connection.execute(update(outbox).where(_COLUMNS.message_id == message_id).values(is_open=is_open))
    if rows:
        connection.execute(insert(outbox), list(rows.values()))


def _these(which: RowSelection) -> ColumnElement[bool]:
    return _COLUMNS.digest == which if isinstance(which, str) else _COLUMNS.id.in_(which)


def _row(message: Message) -> dict[str, Any]:
    facts = {name: getattr(message, name) for name in _FACTS}
    return {
        "message_id": message.message_id,
        "sink": message.sink,
        "kind": message.kind,
        **message.subject._asdict(),
        "episode": stamp(message.began),
        "verdict": message.verdict,
        "facts": json.dumps(facts, separators=(",", ":")),
        "at": stamp(message.at),
        "is_open": message.kind == "attention",
        "attempts": 0,
    }


def _outbox_row(row: RowMapping) -> OutboxRow:
    not_before = row["not_before"]
    return OutboxRow(
        row["id"],
        _message(row),
        row["attempts"],
        None if not_before is None else moment_of(not_before),
        row["error"],
        row["digest"],
    )


def _message(row: RowMapping) -> Message:
    try:
        facts = json.loads(row["facts"])
        verdict, was = (
            None if word is None else Verdict(word) for word in (row["verdict"], facts.pop("was"))
        )
        return Message(
            row["sink"],
            row["kind"],
            _subject(row),
            moment_of(row["episode"]),
            moment_of(row["at"]),
            verdict,
            was,
            **facts,
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise UnreadableState(f"row {row['id']} of the outbox") from error


def _subject(row: RowMapping) -> Subject:
    return Subject(row["target"], row["model_name"], row["model_version"], row["path"])
