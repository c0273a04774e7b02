"""What happened, append-only, and the entries folded from it, on a SQL database."""

from __future__ import annotations

import json
import zlib
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, delete, exists, func, insert, select

from reconciler.contract.model_key import ModelKey
from reconciler.engine.values import Event, EventKind, LedgerEntry, Phase, stand
from reconciler.engine.values.memory import apply_event
from reconciler.errors import StateError
from reconciler.state import archive, entries, tables
from reconciler.state.database import StateAccess
from reconciler.state.journal_reader import JournalReader
from reconciler.state.raw_rows import KEY, asking, execute_many, insert_rows, raw_query, select_rows
from reconciler.state.rows import EVENT_COLUMNS, Key, entry_of, entry_row, event_row, moment_of, stamp

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from reconciler.state.archive import Ask, Row


def position(connection: Connection) -> int:
    """The number of the newest event in the journal; 0 for an empty one."""
    return connection.scalar(select(func.max(tables.journal.c.seq))) or 0


_MANY = 20_000
"""Events of a state that is made anew: folding them takes longer than a transaction may stand still."""


class SqlJournal(JournalReader, StateAccess):
    """`reconciler.engine.ports.Journal` on a SQL database."""

    def entries(
        self, target: str, pairs: Collection[ModelKey] | None = None
    ) -> Mapping[ModelKey, LedgerEntry]:
        """The ledger of one target: of these pairs, or of all."""
        with self._database.reading() as connection:
            if pairs is not None:
                by_key = self._entries(connection, {(target, pair) for pair in pairs})
                return {pair: entry for (_, pair), entry in by_key.items()}
            rows = entries.rows_of_target(connection, target)
            return {entry.pair: entry for entry in map(entry_of, rows)}

    def pending(self, target: str) -> Sequence[LedgerEntry]:
        """The entries of one target that are not at rest."""
        with self._database.reading() as connection:
            return list(map(entry_of, entries.rows_not_at_rest(connection, target)))

    def entry(self, target: str, pair: ModelKey) -> LedgerEntry | None:
        """The ledger's row for one pair."""
        with self._database.reading() as connection:
            return self._entries(connection, {(target, pair)}).get((target, pair))

    def append(self, events: Sequence[Event]) -> Sequence[Event]:
        """Journals the events and folds them into the entries, as the port says."""
        if not events:
            return ()

        def put(connection: Connection) -> Sequence[Event]:
            with self._database.long_transaction(connection) if len(events) > _MANY else nullcontext():
                # first: whoever would take the lease over waits from here on until this is committed
                self._fence(connection, {(e.target, e.epoch) for e in events if _needs_lease(e)})
                before = self._entries(connection, {(event.target, event.pair) for event in events})
                if self._write_guard is not None:
                    self._write_guard(before, events)
                after, journalled = _folded(before, events)
                self._note_commit(connection)
                insert_rows(connection, tables.journal, EVENT_COLUMNS, list(map(event_row, journalled)))
                rows = {key: entry_row(entry) for key, entry in after.items()}
                entries.store(connection, before, rows)
                return journalled

        journalled = self._database.write(put)
        self._reconciling = None
        return journalled

    def restore(self, events: Sequence[Event]) -> bool:
        """Journals the events of a state that was lost, all or none; False where there is a journal.

        Nobody leads meanwhile, and these are no leader's. Raises StateLockedError.
        """

        def put(connection: Connection) -> bool:
            if position(connection):
                return False
            insert_rows(connection, tables.journal, EVENT_COLUMNS, list(map(event_row, events)))
            entries.refold(connection)
            return True

        return self._database.write_alone(put)

    def entries_at(
        self, target: str, position: int | None, moment: datetime
    ) -> Mapping[ModelKey, LedgerEntry]:
        """The entries of one target as the journal told them up to an event, and to a moment."""
        with self._database.reading() as connection:
            return entries.entries_until(connection, target, position, stamp(moment))

    def position(self) -> int:
        """The number of the newest event in the journal; 0 for an empty one."""
        with self._database.leading() as connection:
            return position(connection)

    def newest(self) -> datetime | None:
        """When the newest event was journalled; None for an empty journal."""
        columns = tables.journal.c
        with self._database.reading() as connection:
            at = connection.scalar(select(columns.at).order_by(columns.seq.desc()).limit(1))
        return None if at is None else moment_of(at)

    def by_manifest_path(self, target: str, paths: Collection[str]) -> Collection[ModelKey]:
        """The pairs that were last acted on because of one of these files."""
        columns = tables.ledger.c
        query = select(columns.model_name, columns.model_version)
        with self._database.reading() as connection:
            return {
                ModelKey(name, version)
                for path in paths
                for name, version in connection.execute(
                    query.where(columns.target == target, columns.path == path)
                )
            }

    def versions(self, target: str, names: Collection[str]) -> Collection[ModelKey]:
        """Everything that was seen registered, or was ever journalled, under these names."""
        ours, seen = tables.ledger.c, tables.verdicts.c
        journalled = select(ours.model_name, ours.model_version)
        registered = select(seen.model_name, seen.model_version).where(seen.model_id.is_not(None))
        queries = (
            journalled.where(ours.target == target, ours.model_name.in_(names)),
            registered.where(
                seen.target == target, seen.model_name.in_(names), seen.model_version.is_not(None)
            ),
        )
        with self._database.reading() as connection:
            return {ModelKey(*row) for query in queries for row in connection.execute(query)}

    def _entries(self, connection: Connection, keys: Collection[Key]) -> dict[Key, LedgerEntry]:
        by_row = map(entry_of, entries.rows_of(connection, keys))
        return {(entry.target, entry.pair): entry for entry in by_row}

    @contextmanager
    def _asking(self) -> Iterator[Ask]:
        with self._database.reading() as connection:
            yield asking(connection)


def only_releases(entries_before: Mapping[Key, LedgerEntry], events: Iterable[Event]) -> None:
    """What may be journalled beside the writer: releases and deletions of pairs without an open intent.

    Raises:
        StateError: something else was to be journalled.
    """
    for event in events:
        if event.kind not in (EventKind.RELEASED, EventKind.DELETED):
            raise StateError(f"{event.kind} of {event.pair} is journalled by the writer of the state only.")
        entry = entries_before.get((event.target, event.pair))
        if entry is not None and entry.phase is Phase.INTENDED:
            raise StateError(
                f"{event.pair} is being imported into target {event.target} right now, by the process that "
                "holds the state. Wait until it is settled; `status` shows it."
            )


def _needs_lease(event: Event) -> bool:
    """Whether only the leader may journal it: an answer is checked against its question instead.

    A release comes from whoever asks for it, and starts nothing.
    """
    return event.asked is None and event.kind not in (EventKind.RELEASED, EventKind.DELETED)


def _folded(
    before: Mapping[Key, LedgerEntry], events: Iterable[Event]
) -> tuple[dict[Key, LedgerEntry], list[Event]]:
    """The entries that `events` touch, after them; and those events that answer what is still asked."""
    after: dict[Key, LedgerEntry] = {}
    journalled: list[Event] = []
    for event in events:
        key = (event.target, event.pair)
        entry = after.get(key, before.get(key))
        if event.asked in (None, stand(entry)):
            after[key] = apply_event(entry, event)
            journalled.append(event)
    return after, journalled


# --- what is long ago, moved into chunks of the archive -------------------------------------------------

_AT_REST = exists().where(
    tables.ledger.c.at_rest, *(tables.ledger.c[name] == tables.journal.c[name] for name in KEY)
)
_OLD = tables.journal.c.at < bindparam("before"), tables.journal.c.seq < bindparam("newest")
_IN_ORDER = raw_query(tables.journal, archive.COLUMNS).order_by(tables.journal.c.seq)
_MOVABLE = _IN_ORDER.where(*_OLD, _AT_REST).limit(archive.CHUNK)
_MOVED = delete(tables.journal).where(tables.journal.c.seq == bindparam("number"))


def compact(connection: Connection, before: datetime, *, whole: bool = False) -> int:
    """Moves events of pairs at rest into the archive, inside the caller's transaction; how many.

    The newest event stays where it is: it tells how far the journal goes.

    Args:
        connection: to write through.
        before: only what happened earlier than this is moved.
        whole: make no chunk that is not full; what is left waits for the next time.
    """
    oldest, moved = {"before": stamp(before), "newest": position(connection)}, 0
    while chunk := list(select_rows(connection, _MOVABLE, oldest)):
        if whole and len(chunk) < archive.CHUNK:
            break
        _put(connection, chunk)
        moved += len(chunk)
    return moved


def _put(connection: Connection, chunk: list[Row]) -> None:
    """Moves these rows out of the journal into one chunk."""
    lines = [json.dumps(line, separators=(",", ":")) for line in (archive.COLUMNS, *chunk)]
    named = (dict(zip(archive.COLUMNS, row, strict=True)) for row in chunk)
    keys = {key for values in named for key in archive.keys_of(values)}
    facts = {
        "first": chunk[0][0],
        "last": chunk[-1][0],
        "targets": json.dumps(sorted({row[1] for row in chunk})),
        "body": zlib.compress("\n".join(lines).encode("ascii"), 9),
        "sketch": archive.bloom_filter(keys),
    }
    connection.execute(insert(tables.archive).values(facts))
    execute_many(connection, _MOVED, [row[:1] for row in chunk])
