"""The newest report, which commit was reconciled when, and marks, on a SQL database."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from itertools import chain
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, delete, insert, select

from reconciler.engine.episodes import OutboxUpdate, outbox_update
from reconciler.engine.values import ModelState, Reconciled, Report, TargetFailure, Verdict
from reconciler.errors import LeaseLost
from reconciler.state import journal, outbox, tables, verdicts
from reconciler.state.database import StateAccess
from reconciler.state.errors import UnreadableState
from reconciler.state.rows import moment_of, stamp

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from sqlalchemy.engine import Connection

    from reconciler.engine.episodes import Judged

_COMPACTED = ("", "compacted-at")
_A_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class _Changes:
    """What has to be written so that a report is what is remembered.

    Attributes:
        rows: those of verdicts to remove, to add and to write otherwise.
        outbox: what the sinks are to be told.
        marks: those that differ.
        body: the rest of the report; None where it is what is remembered already.
        compacts: whether a day has gone by since the journal was compacted.
    """

    rows: verdicts.Changes
    outbox: OutboxUpdate
    marks: Mapping[tuple[str, str], str]
    body: str | None
    compacts: bool

    def __bool__(self) -> bool:
        return bool(self.rows or any(self.outbox) or self.marks or self.body is not None)


class SqlReports(StateAccess):
    """`reconciler.engine.ports.Reports` and `Marks` on a SQL database."""

    def reconciling(self, commit: str, at: datetime) -> None:
        """Says which commit the cycle that begins is of; remembered with the next thing that is written."""
        self._reconciling = (commit, at)

    def reconciled(self, commit: str) -> Reconciled | None:
        """The last time that this commit was the one reconciled; None when it never was."""
        return self._reconciled(tables.reconciled.c.commit == commit)

    def reconciled_at(self, moment: datetime) -> Reconciled | None:
        """The commit that was the one reconciled at a moment; None before the first."""
        return self._reconciled(tables.reconciled.c.at <= stamp(moment))

    def _reconciled(self, condition: ColumnElement[bool]) -> Reconciled | None:
        """The newest of the rows of which this is true; None where there is none."""
        columns = tables.reconciled.c
        newest = select(columns.seq, columns.commit, columns.at).order_by(columns.seq.desc()).limit(1)
        later = select(columns.position, columns.at).order_by(columns.seq).limit(1)
        with self._database.reading() as connection:
            row = connection.execute(newest.where(condition)).first()
            if row is None:
                return None
            seq, commit, at = row
            until, ended = connection.execute(later.where(columns.seq > seq)).first() or (None, None)
        return Reconciled(commit, moment_of(at), until, None if ended is None else moment_of(ended))

    def save_report(
        self,
        report: Report,
        judged: Judged,
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
        judged: Judged,
        marks: Mapping[tuple[str, str], str],
        epochs: Mapping[str, int | None],
    ) -> None:
        now = self._now()
        with self._database.reading() as connection:
            changes = self._changes(connection, report, judged, marks, now)
        if not changes:
            return

        def put(connection: Connection) -> None:
            self._note_commit(connection)
            verdicts.write(connection, changes.rows)
            outbox.write(connection, changes.outbox)
            write_marks(connection, changes.marks)
            if changes.compacts:
                journal.compact(connection, now - self._compact_after, whole=True)
                write_marks(connection, {_COMPACTED: stamp(now)})
            if changes.body is not None:
                connection.execute(delete(tables.report))
                connection.execute(insert(tables.report).values(id=1, body=changes.body))
            # last, by what is committed by then: writing very many rows takes longer than a renewal may wait
            self._fence(connection, epochs.items())

        self._database.write(put, sees_others=True)
        self.verdicts.note_removed(changes.rows.replaced)
        self._reconciling = None

    def _changes(
        self,
        connection: Connection,
        report: Report,
        judged: Judged,
        marks: Mapping[tuple[str, str], str],
        now: datetime,
    ) -> _Changes:
        """What differs between a report and what is remembered."""
        items: dict[str, list[ModelState]] = {target: [] for target in judged}
        for item in report.items:
            if item.target in items:
                items[item.target].append(item)
        rows = verdicts.changes_to(
            connection, {target: (pairs, items[target]) for target, pairs in judged.items()}
        )
        told = OutboxUpdate()
        if self._subscriptions:
            every = list(chain(*items.values()))
            told = outbox_update(outbox.episodes(connection), every, judged, self._subscriptions, now)
        before = _body(connection)
        body = _dump(_joined(report, before, judged))
        remembered = read_marks(connection)
        return _Changes(
            rows,
            told,
            {key: value for key, value in marks.items() if remembered.get(key) != value},
            None if body == before else body,
            bool(self._compact_after) and _is_due(remembered.get(_COMPACTED), now),
        )

    def summary(self) -> Report | None:
        """The newest report in numbers, without its models; None when no cycle has finished."""
        with self._database.reading() as connection:
            body = _body(connection)
            return None if body is None else _load(body, (), verdicts.counted(connection))

    def last_report(self, *, whole: bool = True) -> Report | None:
        """The newest report, or None when no cycle has finished.

        Without the whole, models in sync are only counted.
        """
        with self._database.reading() as connection:
            body = _body(connection)
            if body is None:
                return None
            numbers = {} if whole else verdicts.counted(connection)
            unlisted = {key: number for key, number in numbers.items() if key[1] is Verdict.IN_SYNC}
            return _load(body, verdicts.items(connection, whole=whole), unlisted)

    def marks(self, target: str) -> Mapping[str, str]:
        """Small facts remembered about a target."""
        with self._database.reading() as connection:
            return {name: value for (of, name), value in read_marks(connection).items() if of == target}

    def mark(self, target: str, name: str, value: str) -> None:
        """Remembers one such fact; writes nothing when it is what is remembered already."""
        self._ensure_unrestricted()
        if self.marks(target).get(name) != value:
            self._database.write(lambda connection: write_marks(connection, {(target, name): value}))


def _is_due(compacted_at: str | None, now: datetime) -> bool:
    """Whether a day has gone by; also when the clock was set back meanwhile."""
    return compacted_at is None or not timedelta(0) <= now - moment_of(compacted_at) < _A_DAY


def _body(connection: Connection) -> str | None:
    """What was stored of the newest report; None when no cycle has finished."""
    return connection.scalar(select(tables.report.c.body).order_by(tables.report.c.id.desc()).limit(1))


def _dump(report: Report) -> str:
    """The report without its items as one line of ASCII JSON; equal reports give equal text."""
    facts = {
        "commit": report.commit,
        "digest": report.digest,
        "failures": [asdict(failure) for failure in report.failures],
        "notes": report.notes,
    }
    return json.dumps(facts, separators=(",", ":"))


def _joined(report: Report, before: str | None, judged: Collection[str]) -> Report:
    """The report with what the one stored before says of targets that this one is not about.

    Another replica, or a cycle over other targets, failed in those.
    """
    if before is None:
        return report
    about = {*judged, *(failure.target for failure in report.failures)}
    try:
        failures_before = _load(before, (), {}).failures
    except UnreadableState:  # it was edited: this one takes its place
        return report
    kept = [failure for failure in failures_before if failure.target not in about]
    return replace(report, failures=(*report.failures, *kept)) if kept else report


def _load(text: str, items: tuple[ModelState, ...], unlisted: Mapping[tuple[str, Verdict], int]) -> Report:
    """The report that `_dump` wrote, with these items. Raises UnreadableState."""
    try:
        raw = json.loads(text)
        return Report(
            commit=raw["commit"],
            digest=raw["digest"],
            items=items,
            failures=tuple(TargetFailure(**failure) for failure in raw["failures"]),
            notes=tuple(raw["notes"]),
            unlisted=unlisted,
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise UnreadableState("the last report") from error


_MARKS = tables.mark.c


def read_marks(connection: Connection) -> dict[tuple[str, str], str]:
    """Every mark, by target and name."""
    query = select(_MARKS.target, _MARKS.name, _MARKS.value)
    return {(target, name): value for target, name, value in connection.execute(query)}


def write_marks(connection: Connection, marks: Mapping[tuple[str, str], str]) -> None:
    """Puts these marks in the place of those of the same names."""
    for (target, name), value in marks.items():
        connection.execute(delete(tables.mark).where(_MARKS.target == target, _MARKS.name == name))
        connection.execute(insert(tables.mark).values(target=target, name=name, value=value))
