"""The ledger port on a SQL database."""

from __future__ import annotations

from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Self

from sqlalchemy import delete, func, insert, select

from reconciler.contract.model_key import ModelKey
from reconciler.engine.episodes import OutboxUpdate, outbox_update
from reconciler.engine.fold import apply_event
from reconciler.engine.values import EventKind, Phase, Verdict, stand
from reconciler.errors import LeaseLost, StateError
from reconciler.state import archive, outbox, reconciled, tables, verdicts
from reconciler.state import report as report_text
from reconciler.state.address import SqliteFile
from reconciler.state.bulk import execute_many, insert_rows, select_rows
from reconciler.state.by_name import JournalByName
from reconciler.state.errors import explained
from reconciler.state.identity import facts_of
from reconciler.state.outbox import Outbox
from reconciler.state.requests import Requests
from reconciler.state.rows import (
    ENTRY_COLUMNS,
    EVENT_COLUMNS,
    Key,
    entry_of,
    entry_row,
    event_of,
    event_row,
    moment_of,
    stamp,
)
from reconciler.state.sqlite import side_files
from reconciler.state.stages import Stages
from reconciler.state.tables import plain, stored
from reconciler.state.verdict_rows import VerdictRows

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

    from sqlalchemy.engine import Connection

    from reconciler.engine.episodes import Subscription
    from reconciler.engine.values import Event, LedgerEntry, ModelState, Reconciled, Report, VerdictKey
    from reconciler.state.database import Database
    from reconciler.state.leases import SqlLeases

    Rule = Callable[[Mapping[Key, LedgerEntry], Sequence[Event]], None]
    """Raises StateError unless these events may be journalled on top of these entries."""

_KEYS_BY_NAME = 5000
_KEYS_A_QUERY = 64  # each query is a way to the server and back
_COMPACTED = ("", "compacted-at")
_A_DAY = timedelta(days=1)


def utc_now() -> datetime:
    """The wall clock."""
    return datetime.now(UTC)


class SqlLedger:
    """`reconciler.engine.ports.Ledger` in SQLite or PostgreSQL; get one from `open_state`.

    Every method raises StateError when the database cannot be used. What a method that writes was given is on
    disk when it returns, and nothing of it when it raises. May be used from several threads.

    Attributes:
        verdicts: the verdicts in pieces, for a page.
        leases: who may write what; None where the writer's lock says it, or where nothing is written.
    """

    def __init__(  # noqa: PLR0913 - what is remembered, and how
        self,
        database: Database,
        *,
        allowed: Rule | None = None,
        compact_after: timedelta = timedelta(0),
        now: Callable[[], datetime] = utc_now,
        subscriptions: Sequence[Subscription] = (),
        leases: SqlLeases | None = None,
        stages: Stages | None = None,
    ) -> None:
        """Wraps an open database.

        Args:
            database: closed with the ledger.
            allowed: what may be journalled, and that nothing else may be written; None for no such rule.
            compact_after: age at which events of pairs at rest are archived, once a day, together with a
                report; zero for never.
            now: the wall clock.
            subscriptions: what each sink wants to hear.
            leases: say who may write what; None where the writer's lock does.
            stages: what the statuses mean that are stored; ModelArts' words where None.
        """
        self._database = database
        self._allowed = allowed
        self._compact_after = compact_after
        self._now = now
        self._subscriptions = subscriptions
        self.leases = leases
        self._stages = stages or Stages()
        self.verdicts = VerdictRows(database)
        self._reconciling: tuple[str, datetime] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def writes(self) -> int:
        """Transactions committed since the state was opened; a tick with nothing to do adds none."""
        return self._database.writes

    @property
    def requests(self) -> Requests:
        """What other processes ask of the one that holds the state."""
        return Requests(self._database)

    @property
    def outbox(self) -> Outbox:
        """Messages that are to be sent."""
        return Outbox(self._database)

    @property
    def exists(self) -> bool:
        """Whether there is a state; one that does not exist is read as an empty one."""
        return self._database.exists

    @property
    def lineage(self) -> str:
        """The id this state was given when it was made, in hex; copies of it share the id."""
        with self._database.reading() as connection:
            return facts_of(connection)["lineage"]

    def targets(self) -> Mapping[str, str]:
        """The targets that were ever met, each with the text that tells its registry from others."""
        columns = tables.target.c
        with self._database.reading() as connection:
            return dict(connection.execute(select(columns.name, columns.identity)).all())

    def entries(
        self, target: str, pairs: Collection[ModelKey] | None = None
    ) -> Mapping[ModelKey, LedgerEntry]:
        """The ledger of one target: of these pairs, or of all."""
        with self._database.reading() as connection:
            if pairs is not None:
                found = self._entries(connection, {(target, pair) for pair in pairs})
                return {pair: entry for (_, pair), entry in found.items()}
            return {(entry := self._entry(row)).pair: entry for row in _ledger(connection, target)}

    def pending(self, target: str) -> Sequence[LedgerEntry]:
        """The entries of one target that are not at rest."""
        with self._database.reading() as connection:
            return [self._entry(row) for row in _ledger(connection, target, "AND at_rest = ?", (False,))]

    def entry(self, target: str, pair: ModelKey) -> LedgerEntry | None:
        """The ledger's row for one pair."""
        with self._database.reading() as connection:
            return self._entries(connection, {(target, pair)}).get((target, pair))

    def append(self, events: Sequence[Event]) -> Sequence[Event]:
        """Journals the events and folds them into the entries, as the port says."""
        if not events:
            return ()

        def put(connection: Connection) -> Sequence[Event]:
            self._fence(connection, {(e.target, e.epoch) for e in events if _needs_lease(e)})
            known = self._entries(connection, {(event.target, event.pair) for event in events})
            if self._allowed is not None:
                self._allowed(known, events)
            folded, taken = _folded(known, events)
            self._note_commit(connection)
            insert_rows(connection, tables.journal, EVENT_COLUMNS, [event_row(event) for event in taken])
            _store(connection, known, {key: entry_row(entry, self._stages) for key, entry in folded.items()})
            return taken

        taken = self._database.write(put)
        self._reconciling = None
        return taken

    def events(
        self,
        target: str | None = None,
        pair: ModelKey | None = None,
        *,
        name: str | None = None,
        commit: str | None = None,
    ) -> Sequence[Event]:
        """The journal, or what it tells of one pair, name or commit, in its order, archived or not."""
        name, version = pair or (name, None)
        with self._journal(target=target, model_name=name, model_version=version, commit=commit) as rows:
            return [event_of(row) for row in rows]

    def events_after(self, position: int, limit: int) -> Sequence[tuple[int, Event]]:
        """The events behind this one, archived or not, each with its number; so many at most."""
        with self._journal(after=position) as rows:
            return [(row[0], event_of(row)) for row in islice(rows, limit)]

    @contextmanager
    def journal_by_name(self, target: str) -> Iterator[JournalByName]:
        """The journal of one target, to be asked for some names at a time."""
        with (
            explained(self._database.where),
            self._database.reading() as connection,
            closing(JournalByName(connection, target)) as journal,
        ):
            yield journal

    def pairs_of(self, target: str, model_id: str) -> Collection[ModelKey]:
        """The pairs whose model ever had this id."""
        with self._journal(target=target, model_id=model_id) as rows:
            return {event_of(row).pair for row in rows}

    def entries_at(
        self, target: str, position: int | None, moment: datetime
    ) -> Mapping[ModelKey, LedgerEntry]:
        """The entries of one target as the journal told them up to an event, and to a moment."""
        found: dict[ModelKey, LedgerEntry] = {}
        with self._journal(target=target) as rows:
            for row in rows:
                if position is not None and row[0] > position:
                    break
                event = event_of(row)
                if event.at <= moment:
                    found[event.pair] = apply_event(found.get(event.pair), event)
        return {pair: self._staged(entry) for pair, entry in found.items()}

    def reconciling(self, commit: str, at: datetime) -> None:
        """Says which commit the cycle that begins is of; remembered with the next thing that is written."""
        self._reconciling = (commit, at)

    def reconciled(self, commit: str) -> Reconciled | None:
        """The last time that this commit was the one reconciled; None when it never was."""
        with self._database.reading() as connection:
            return reconciled.last_time(connection, commit)

    def reconciled_at(self, moment: datetime) -> Reconciled | None:
        """The commit that was the one reconciled at a moment; None before the first."""
        with self._database.reading() as connection:
            return reconciled.at_moment(connection, moment)

    def position(self) -> int:
        """The number of the newest event in the journal; 0 for an empty one.

        The writer's own question also finds out that its lock was lost: the loop asks it at every tick.
        """
        with self._database.leading() as connection:
            return connection.scalar(select(func.max(tables.journal.c.seq))) or 0

    def newest(self) -> datetime | None:
        """When the newest event was journalled; None for an empty journal."""
        columns = tables.journal.c
        with self._database.reading() as connection:
            told = connection.scalar(select(columns.at).order_by(columns.seq.desc()).limit(1))
        return None if told is None else moment_of(told)

    def uncompared(self, target: str, limit: int) -> Sequence[ModelKey]:
        """Pairs that were seen registered and not compared yet; so many at most."""
        with self._database.reading() as connection:
            return list(verdicts.uncompared_ids(connection, target, limit))

    def uncompared_ids(self, target: str, pairs: Collection[ModelKey]) -> Mapping[ModelKey, str]:
        """Of these pairs, those that were seen registered and not compared yet, with their models' ids."""
        with self._database.reading() as connection:
            return verdicts.seen_of(connection, target, pairs)

    def by_manifest_path(self, target: str, paths: Collection[str]) -> Collection[ModelKey]:
        """The pairs that were last acted on because of one of these files."""
        where, columns = "WHERE target = ? AND path = ?", ("model_name", "model_version")
        with self._database.reading() as connection:
            return {
                ModelKey(*plain(row))
                for path in paths
                for row in select_rows(connection, tables.ledger, columns, where, stored((target, path)))
            }

    def not_at_rest(self, target: str) -> Collection[ModelKey]:
        """The pairs whose last verdict may change although neither git nor the registry does."""
        with self._database.reading() as connection:
            return {ModelKey(name, version) for name, version in verdicts.not_at_rest(connection, target)}

    def versions(self, target: str, names: Collection[str]) -> Collection[ModelKey]:
        """Everything that was seen registered, or was ever journalled, under these names."""
        columns = tables.ledger.c
        query = select(columns.model_name, columns.model_version).where(
            columns.target == target, columns.model_name.in_(names)
        )
        with self._database.reading() as connection:
            known = [*verdicts.versions(connection, target, names), *connection.execute(query)]
            return {ModelKey(name, version) for name, version in known}

    def save_report(
        self,
        report: Report,
        judged: Mapping[str, Collection[ModelKey] | None],
        marks: Mapping[tuple[str, str], str],
        epochs: Mapping[str, int | None] | None = None,
    ) -> None:
        """Remembers the newest report, as the port says; once a day the journal is compacted with it."""
        self._ensure_unrestricted()
        epochs = epochs or {}
        while True:
            try:
                return self._save_report(report, judged, marks, epochs)
            except LeaseLost as lost:  # what whoever leads it now says of it stands
                gone = lost.target
            epochs = {target: epoch for target, epoch in epochs.items() if target != gone}
            if not epochs:
                return None
            judged = {target: pairs for target, pairs in judged.items() if target != gone}
            marks = {key: value for key, value in marks.items() if key[0] != gone}
            report = replace(report, failures=tuple(f for f in report.failures if f.target != gone))

    def _save_report(
        self,
        report: Report,
        judged: Mapping[str, Collection[ModelKey] | None],
        marks: Mapping[tuple[str, str], str],
        epochs: Mapping[str, int | None],
    ) -> None:
        items = {target: [item for item in report.items if item.target == target] for target in judged}
        wanted = {target: (pairs, items[target]) for target, pairs in judged.items()}
        with self._database.reading() as connection:
            gone, new = verdicts.replace(connection, wanted)
            before = report_text.newest(connection)
            body = report_text.dump(report_text.joined(report, before, judged))
            is_news = body != before
            known = _marks(connection)
            told = self._outbox_update(
                connection, [item for found in items.values() for item in found], judged
            )
        unknown = {key: value for key, value in marks.items() if known.get(key) != value}
        if not (gone or new or is_news or unknown or any(told)):
            return
        now = self._now()
        due = self._compact_after and _is_due(known.get(_COMPACTED), now)

        def put(connection: Connection) -> None:
            self._note_commit(connection)
            verdicts.write(connection, gone, new)
            outbox.write(connection, told)
            _mark(connection, unknown | ({_COMPACTED: stamp(now)} if due else {}))
            if due:
                archive.compact(connection, now - self._compact_after, whole=True)
            if is_news:
                connection.execute(delete(tables.report))
                connection.execute(insert(tables.report).values(id=1, body=body))
            # last, by what is committed by then: writing very many rows takes longer than a renewal may wait
            self._fence(connection, epochs.items())

        self._database.write(put, sees_others=True)
        self.verdicts.note_removed(gone)
        self._reconciling = None

    def _outbox_update(
        self,
        connection: Connection,
        items: Sequence[ModelState],
        judged: Mapping[str, Collection[ModelKey] | None],
    ) -> OutboxUpdate:
        """What the sinks are to be told by a report."""
        if not self._subscriptions:
            return OutboxUpdate()
        return outbox_update(outbox.episodes(connection), items, judged, self._subscriptions, self._now())

    def last_report(self, *, whole: bool = True) -> Report | None:
        """The newest report, or None when no cycle has finished.

        Without the whole, models in sync are only counted.
        """
        with explained(self._database.where), self._database.reading() as connection:
            body = report_text.newest(connection)
            if body is None:
                return None
            numbers = {} if whole else verdicts.counted(connection)
            unlisted = {key: number for key, number in numbers.items() if key[1] is Verdict.IN_SYNC}
            return report_text.load(body, verdicts.items(connection, whole=whole), unlisted)

    def counted(self) -> Mapping[tuple[str, Verdict], int]:
        """How many models have each verdict, by target."""
        with self._database.reading() as connection:
            return verdicts.counted(connection)

    def are_fewer(self, target: str, number: int) -> bool:
        """Whether a target has fewer verdicts than this."""
        with self._database.reading() as connection:
            return verdicts.are_fewer(connection, target, number)

    def since(self, target: str, pairs: Collection[ModelKey] | None) -> Mapping[VerdictKey, datetime]:
        """Since when the verdicts of one target stand: on these pairs and on what is invalid, or on all."""
        with explained(self._database.where), self._database.reading() as connection:
            return verdicts.since(connection, target, pairs)

    def marks(self, target: str) -> Mapping[str, str]:
        """Small facts remembered about a target."""
        with self._database.reading() as connection:
            return {name: value for (of, name), value in _marks(connection).items() if of == target}

    def mark(self, target: str, name: str, value: str) -> None:
        """Remembers one such fact; writes nothing when it is what is remembered already."""
        self._ensure_unrestricted()
        if self.marks(target).get(name) != value:
            self._database.write(lambda connection: _mark(connection, {(target, name): value}))

    def compact(self, before: datetime) -> int:
        """Archives every event before this moment of every pair at rest; all of them or none. How many.

        Each is read as before. SQLite uses the room it had again, and keeps it.
        """
        self._ensure_unrestricted()
        return self._database.write(lambda connection: archive.compact(connection, before))

    def watch_paths(self) -> tuple[Path, ...]:
        """Files of which one changes when any process journals; none for a server."""
        where = self._database.where
        return side_files(where) if isinstance(where, SqliteFile) else ()

    def close(self) -> None:
        """Releases the writer's lock and the database; safe to call twice."""
        self._database.close()

    def _entry(self, row: tuple[Any, ...]) -> LedgerEntry:
        return entry_of(row, self._stages)

    def _entries(self, connection: Connection, keys: Collection[Key]) -> dict[Key, LedgerEntry]:
        entries = map(self._entry, _rows_of(connection, keys))
        return {(entry.target, entry.pair): entry for entry in entries}

    def _staged(self, entry: LedgerEntry) -> LedgerEntry:
        return replace(entry, stage=self._stages(entry.target, entry.model_status))

    @contextmanager
    def _journal(self, *, after: int = 0, **wanted: str | None) -> Iterator[Iterator[archive.Row]]:
        """The rows of the journal behind a number and with these values, by column."""
        with (
            explained(self._database.where),
            self._database.reading() as connection,
            closing(archive.rows(connection, after=after, **wanted)) as rows,
        ):
            yield rows

    def _note_commit(self, connection: Connection) -> None:
        """Notes the commit of this cycle before the first thing that it writes, in the same transaction."""
        if self._reconciling is not None:
            reconciled.note(connection, *self._reconciling)

    def _fence(self, connection: Connection, epochs: Iterable[tuple[str, int | None]]) -> None:
        """Makes sure that these leases are held until the transaction ends. Raises LeaseLost."""
        if self.leases is not None:
            for target, epoch in sorted(epochs):
                self.leases.fence(connection, target, epoch)

    def _ensure_unrestricted(self) -> None:
        if self._allowed is not None:
            raise StateError(f"state {self._database.where} was opened to release models only.")


def only_releases(known: Mapping[Key, LedgerEntry], events: Iterable[Event]) -> None:
    """What may be journalled beside the writer: releases and deletions of pairs without an open intent.

    Raises:
        StateError: something else was to be journalled.
    """
    for event in events:
        if event.kind not in (EventKind.RELEASED, EventKind.DELETED):
            raise StateError(f"{event.kind} of {event.pair} is journalled by the writer of the state only.")
        entry = known.get((event.target, event.pair))
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


def _is_due(told: str | None, now: datetime) -> bool:
    """Whether a day has gone by; also when the clock was set back meanwhile."""
    return told is None or not timedelta(0) <= now - moment_of(told) < _A_DAY


def _marks(connection: Connection) -> dict[tuple[str, str], str]:
    columns = tables.mark.c
    query = select(columns.target, columns.name, columns.value)
    return {(target, name): value for target, name, value in connection.execute(query)}


def _mark(connection: Connection, marks: Mapping[tuple[str, str], str]) -> None:
    columns = tables.mark.c
    for (target, name), value in marks.items():
        connection.execute(delete(tables.mark).where(columns.target == target, columns.name == name))
        connection.execute(insert(tables.mark).values(target=target, name=name, value=value))


def _folded(
    known: Mapping[Key, LedgerEntry], events: Iterable[Event]
) -> tuple[dict[Key, LedgerEntry], list[Event]]:
    """The entries that `events` touch, after them; and those events that answer what is still asked."""
    folded: dict[Key, LedgerEntry] = {}
    taken: list[Event] = []
    for event in events:
        key = (event.target, event.pair)
        entry = folded.get(key, known.get(key))
        if event.asked in (None, stand(entry)):
            folded[key] = apply_event(entry, event)
            taken.append(event)
    return folded, taken


def _ledger(
    connection: Connection, target: str, more: str = "", values: tuple[Any, ...] = ()
) -> Iterator[tuple[Any, ...]]:
    """The ledger's rows of one target, or some of them."""
    where = f"WHERE target = ? {more}"
    return select_rows(connection, tables.ledger, ENTRY_COLUMNS, where, (*stored((target,)), *values))


def _rows_of(connection: Connection, keys: Collection[Key]) -> Iterator[tuple[Any, ...]]:
    """The entries' rows with these keys, as far as there are any: asked some at a time, or all at once."""
    if len(keys) > _KEYS_BY_NAME:
        for target in {target for target, _ in keys}:
            for row in _ledger(connection, target):
                _, name, version = plain(row[:3])
                if (target, ModelKey(name, version)) in keys:
                    yield row
        return
    wanted = [stored((target, *pair)) for target, pair in keys]
    for start in range(0, len(wanted), _KEYS_A_QUERY):
        some = wanted[start : start + _KEYS_A_QUERY]
        where = "WHERE " + " OR ".join(["(target = ? AND model_name = ? AND model_version = ?)"] * len(some))
        values = tuple(chain.from_iterable(some))
        yield from select_rows(connection, tables.ledger, ENTRY_COLUMNS, where, values)


def _store(connection: Connection, known: Collection[Key], rows: Mapping[Key, tuple[Any, ...]]) -> None:
    """Puts these rows of entries in the place of those that are known."""
    same = " AND ".join(f"{name} = ?" for name in ENTRY_COLUMNS[:3])
    marks = ", ".join(f'"{name}" = ?' for name in ENTRY_COLUMNS[3:])
    changed = [row for key, row in rows.items() if key in known]
    if changed:
        statement = f"UPDATE {tables.ledger.name} SET {marks} WHERE {same}"  # noqa: S608 - our own names
        execute_many(connection, statement, [(*row[3:], *row[:3]) for row in changed])
    new = [row for key, row in rows.items() if key not in known]
    insert_rows(connection, tables.ledger, ENTRY_COLUMNS, new)
