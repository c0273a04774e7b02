"""The ledger port on a SQL database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from sqlalchemy import and_, bindparam, delete, func, insert, select, tuple_, update

from reconciler.engine.fold import fold
from reconciler.engine.values import EventKind, Phase
from reconciler.errors import StateError
from reconciler.state import report as report_text
from reconciler.state import tables
from reconciler.state.address import SqliteFile
from reconciler.state.complaint import explained
from reconciler.state.identity import facts_of
from reconciler.state.rows import Key, entry_of, entry_row, event_of, event_row, moment_of
from reconciler.state.sqlite import side_files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path
    from types import TracebackType

    from sqlalchemy.engine import Connection

    from reconciler.contract.pair import Pair
    from reconciler.engine.values import Entry, Event, Report
    from reconciler.state.database import Database

    Rule = Callable[[Mapping[Key, Entry], Sequence[Event]], None]
    """Raises StateError unless these events may be journalled on top of these entries."""

_KEYS_A_QUERY = 500
_KEY_COLUMNS = ("target", "model_name", "model_version")


class SqlLedger:
    """`reconciler.engine.ports.Ledger` in SQLite or PostgreSQL; get one from `open_state`.

    Every method raises StateError when the database cannot be used. What a method that writes was given is on
    disk when it returns, and nothing of it when it raises. May be used from several threads.
    """

    def __init__(self, database: Database, *, allowed: Rule | None = None) -> None:
        """Wraps an open database.

        Args:
            database: closed with the ledger.
            allowed: what may be journalled, and that nothing else may be written; None for no such rule.
        """
        self._database = database
        self._allowed = allowed
        self._saved: Report | None = None

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
    def lineage(self) -> str:
        """The id this state was given when it was made, in hex; copies of it share the id."""
        with self._database.reading() as connection:
            return facts_of(connection)["lineage"]

    def entries(self, target: str) -> Mapping[Pair, Entry]:
        """The ledger of one target."""
        query = select(tables.ledger).where(tables.ledger.c.target == target)
        with self._database.reading() as connection:
            return {(entry := entry_of(row)).pair: entry for row in connection.execute(query).mappings()}

    def restless(self, target: str) -> Sequence[Entry]:
        """The entries of one target that are not at rest."""
        columns = tables.ledger.c
        query = select(tables.ledger).where(columns.target == target, columns.at_rest.is_(False))
        with self._database.reading() as connection:
            return [entry_of(row) for row in connection.execute(query).mappings()]

    def entry(self, target: str, pair: Pair) -> Entry | None:
        """The ledger's row for one pair."""
        with self._database.reading() as connection:
            return _entries(connection, [(target, pair)]).get((target, pair))

    def append(self, events: Sequence[Event]) -> None:
        """Journals the events and folds them into the entries, all or none, on disk on return."""
        if not events:
            return
        rows = [event_row(event) for event in events]
        with self._database.writing() as connection:
            known = _entries(connection, {(event.target, event.pair) for event in events})
            if self._allowed is not None:
                self._allowed(known, events)
            folded = _folded(known, events)
            connection.execute(insert(tables.journal), rows)
            _store(
                connection, [entry for key, entry in folded.items() if key not in known], update_rows=False
            )
            _store(connection, [entry for key, entry in folded.items() if key in known], update_rows=True)

    def events(self, target: str | None = None, pair: Pair | None = None) -> Sequence[Event]:
        """The journal, in the order it was written."""
        columns = tables.journal.c
        query = select(tables.journal).order_by(columns.seq)
        if target is not None:
            query = query.where(columns.target == target)
        if pair is not None:
            query = query.where(and_(columns.model_name == pair[0], columns.model_version == pair[1]))
        with self._database.reading() as connection:
            return [event_of(row) for row in connection.execute(query).mappings()]

    def position(self) -> int:
        """The number of the newest event in the journal; 0 for an empty one."""
        with self._database.reading() as connection:
            return connection.scalar(select(func.max(tables.journal.c.seq))) or 0

    def newest(self) -> datetime | None:
        """When the newest event was journalled; None for an empty journal."""
        columns = tables.journal.c
        with self._database.reading() as connection:
            told = connection.scalar(select(columns.at).order_by(columns.seq.desc()).limit(1))
        return None if told is None else moment_of(told)

    def save_report(self, report: Report) -> None:
        """Remembers the newest report, for `status`; writes nothing when it is what is remembered already."""
        self._ensure_unrestricted()
        if report == self._saved:
            return
        body = report_text.dump(report)
        if body != self._report_text():
            with self._database.writing() as connection:
                connection.execute(delete(tables.report))
                connection.execute(insert(tables.report).values(id=1, body=body))
        self._saved = report

    def last_report(self) -> Report | None:
        """The newest report, or None when no cycle has finished."""
        body = self._report_text()
        with explained(self._database.where):
            return None if body is None else report_text.load(body)

    def marks(self, target: str) -> Mapping[str, str]:
        """Small facts remembered about a target."""
        columns = tables.mark.c
        query = select(columns.name, columns.value).where(columns.target == target)
        with self._database.reading() as connection:
            return dict(connection.execute(query).all())

    def mark(self, target: str, name: str, value: str) -> None:
        """Remembers one such fact; writes nothing when it is what is remembered already."""
        self._ensure_unrestricted()
        columns = tables.mark.c
        if self.marks(target).get(name) == value:
            return
        with self._database.writing() as connection:
            connection.execute(delete(tables.mark).where(columns.target == target, columns.name == name))
            connection.execute(insert(tables.mark).values(target=target, name=name, value=value))

    def watch_paths(self) -> tuple[Path, ...]:
        """Files of which one changes when any process journals; none for a server."""
        where = self._database.where
        return side_files(where) if isinstance(where, SqliteFile) else ()

    def close(self) -> None:
        """Releases the writer's lock and the database; safe to call twice."""
        self._database.close()

    def _ensure_unrestricted(self) -> None:
        if self._allowed is not None:
            raise StateError(f"state {self._database.where} was opened to release models only.")

    def _report_text(self) -> str | None:
        with self._database.reading() as connection:
            return connection.scalar(
                select(tables.report.c.body).order_by(tables.report.c.id.desc()).limit(1)
            )


def only_releases(known: Mapping[Key, Entry], events: Iterable[Event]) -> None:
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


def _folded(known: Mapping[Key, Entry], events: Iterable[Event]) -> dict[Key, Entry]:
    """The entries that `events` touch, after them."""
    folded: dict[Key, Entry] = {}
    for event in events:
        key = (event.target, event.pair)
        folded[key] = fold(folded.get(key, known.get(key)), event)
    return folded


def _entries(connection: Connection, keys: Iterable[Key]) -> dict[Key, Entry]:
    """The ledger's rows with these keys, as far as there are any."""
    columns = tables.ledger.c
    wanted = [(target, *pair) for target, pair in keys]
    found = {}
    for start in range(0, len(wanted), _KEYS_A_QUERY):
        chunk = wanted[start : start + _KEYS_A_QUERY]
        among = tuple_(columns.target, columns.model_name, columns.model_version).in_(chunk)
        for row in connection.execute(select(tables.ledger).where(among)).mappings():
            entry = entry_of(row)
            found[entry.target, entry.pair] = entry
    return found


def _store(connection: Connection, entries: Sequence[Entry], *, update_rows: bool) -> None:
    if not entries:
        return
    rows = [entry_row(entry) for entry in entries]
    if not update_rows:
        connection.execute(insert(tables.ledger), rows)
        return
    same_key = [tables.ledger.c[name] == bindparam(f"key_{name}") for name in _KEY_COLUMNS]
    keyed = [row | {f"key_{name}": row[name] for name in _KEY_COLUMNS} for row in rows]
    connection.execute(update(tables.ledger).where(*same_key), keyed)
