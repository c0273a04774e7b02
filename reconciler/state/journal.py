"""What happened, append-only, and the entries folded from it, on a SQL database."""

from __future__ import annotations

from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, or_, select

from reconciler.contract.model_key import ModelKey
from reconciler.engine.values import Event, EventKind, LedgerEntry, Phase, stand
from reconciler.engine.values.memory import apply_event
from reconciler.errors import StateError
from reconciler.state import archive, entries, tables, verdicts
from reconciler.state.access import StateAccess
from reconciler.state.bulk import asking, insert_rows, raw, select_rows
from reconciler.state.entries import rows_of_target
from reconciler.state.journal_reader import JournalReader
from reconciler.state.rows import (
    EVENT_COLUMNS,
    Key,
    entry_of,
    entry_row,
    event_of,
    event_row,
    moment_of,
    stamp,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from reconciler.state.archive import Ask


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
            with self._database.unhurried(connection) if len(events) > _MANY else nullcontext():
                return journal(connection)

        def journal(connection: Connection) -> Sequence[Event]:
            # first: whoever would take the lease over waits from here on until this is committed
            self._fence(connection, {(e.target, e.epoch) for e in events if _needs_lease(e)})
            before = self._entries(connection, {(event.target, event.pair) for event in events})
            if self._allowed is not None:
                self._allowed(before, events)
            after, journalled = _folded(before, events)
            self._note_commit(connection)
            insert_rows(connection, tables.journal, EVENT_COLUMNS, [event_row(event) for event in journalled])
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
            insert_rows(connection, tables.journal, EVENT_COLUMNS, [event_row(event) for event in events])
            entries.refold(connection)
            return True

        return self._database.write_alone(put)

    def entries_at(
        self, target: str, position: int | None, moment: datetime
    ) -> Mapping[ModelKey, LedgerEntry]:
        """The entries of one target as the journal told them up to an event, and to a moment."""
        with self._database.reading() as connection:
            return entries_until(connection, target, Until(position, stamp(moment)))

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
        columns = tables.ledger.c
        query = select(columns.model_name, columns.model_version).where(
            columns.target == target, columns.model_name.in_(names)
        )
        with self._database.reading() as connection:
            rows = [*verdicts.versions(connection, target, names), *connection.execute(query)]
            return {ModelKey(name, version) for name, version in rows}

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


# --- the entries as they were --------------------------------------------------------------------------
# The ledger's rows, but for those of pairs that something happened to later: only the events of these are
# folded. So a question about last night costs what happened since, and a reading of the ledger; at worst,
# where all models changed since, one pass over the journal.

_AT = archive.COLUMNS.index("at")
_PAIR = slice(archive.COLUMNS.index("model_name"), archive.COLUMNS.index("model_version") + 1)
_PAIRS = raw(tables.journal, ("model_name", "model_version")).distinct()

_Pair = tuple[str, ...]
"""Name and version as they are stored."""


@dataclass(frozen=True, slots=True)
class Until:
    """How far the journal is read.

    Attributes:
        position: number of the last event; None for the newest.
        at: what was journalled with a later time is left out, wherever it stands; as `rows.stamp` writes it.
    """

    position: int | None
    at: str

    def has(self, row: archive.Row) -> bool:
        """Whether an event is read."""
        number, at = row[0], row[_AT]
        return bool((self.position is None or number <= self.position) and at <= self.at)


def entries_until(connection: Connection, target: str, until: Until) -> dict[ModelKey, LedgerEntry]:
    """The entries of one target as the journal told them then; `connection` sees one moment of the state.

    Raises:
        UnreadableState: a row of the ledger, or of the journal, does not hold what it should.
    """
    changed = _changed_later(connection, target, until)
    by_pair: dict[ModelKey, LedgerEntry] = {}
    for row in rows_of_target(connection, target):
        if row[1:3] not in changed:
            entry = entry_of(row)
            by_pair[entry.pair] = entry
    return by_pair | _folded_until(connection, target, until, changed)


def _changed_later(connection: Connection, target: str, until: Until) -> set[_Pair]:
    """The pairs of which an event is not read."""
    columns = tables.journal.c
    beyond = [columns.at > until.at, *([columns.seq > until.position] if until.position is not None else [])]
    query = _PAIRS.where(columns.target == target, or_(*beyond))
    with closing(archive.archived_rows(asking(connection), target)) as rows:
        archived = {row[_PAIR] for row in rows if not until.has(row)}
    return archived.union(map(tuple, select_rows(connection, query)))


def _folded_until(
    connection: Connection, target: str, until: Until, pairs: Collection[_Pair]
) -> dict[ModelKey, LedgerEntry]:
    """The fold of what is read of these pairs."""
    by_pair: dict[_Pair, LedgerEntry] = {}
    if not pairs:
        return {}
    with closing(archive.rows(asking(connection), target=target)) as rows:
        for row in rows:
            pair = row[_PAIR]
            if pair in pairs and until.has(row):
                by_pair[pair] = apply_event(by_pair.get(pair), event_of(row))
    return {entry.pair: entry for entry in by_pair.values()}
