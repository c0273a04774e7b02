"""What the last cycles came to, and of which commits they were, on a SQL database."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import chain
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert

from reconciler.engine.episodes import OutboxUpdate, outbox_update
from reconciler.engine.values import ModelState, Reconciled, Report, Verdict
from reconciler.errors import LeaseLost
from reconciler.state import archive, outbox, reconciled, tables, verdicts
from reconciler.state import report as report_text
from reconciler.state.access import StateAccess
from reconciler.state.marks import read_marks, write_marks
from reconciler.state.rows import moment_of, stamp

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy.engine import Connection

    from reconciler.engine.episodes import Judged


_COMPACTED = ("", "compacted-at")
_A_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class _Changes:
    """What has to be written so that a report is what is remembered.

    Attributes:
        gone: ids of rows of verdicts.
        new: verdicts that are no rows yet.
        outbox: what the sinks are to be told.
        marks: those that differ.
        body: the rest of the report; None where it is what is remembered already.
        compacts: whether a day has gone by since the journal was compacted.
    """

    gone: list[int]
    new: list[ModelState]
    outbox: OutboxUpdate
    marks: Mapping[tuple[str, str], str]
    body: str | None
    compacts: bool

    def __bool__(self) -> bool:
        return bool(self.gone or self.new or any(self.outbox) or self.marks or self.body is not None)


class SqlReports(StateAccess):
    """`reconciler.engine.ports.Reports` on a SQL database."""

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
            verdicts.write(connection, changes.gone, changes.new)
            outbox.write(connection, changes.outbox)
            write_marks(connection, changes.marks)
            if changes.compacts:
                archive.compact(connection, now - self._compact_after, whole=True)
                write_marks(connection, {_COMPACTED: stamp(now)})
            if changes.body is not None:
                connection.execute(delete(tables.report))
                connection.execute(insert(tables.report).values(id=1, body=changes.body))
            # last, by what is committed by then: writing very many rows takes longer than a renewal may wait
            self._fence(connection, epochs.items())

        self._database.write(put, sees_others=True)
        self.verdicts.note_removed(changes.gone)
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
        gone, new = verdicts.replace(
            connection, {target: (pairs, items[target]) for target, pairs in judged.items()}
        )
        before = report_text.newest(connection)
        body = report_text.dump(report_text.joined(report, before, judged))
        remembered = read_marks(connection)
        return _Changes(
            gone,
            new,
            self._outbox_update(connection, list(chain(*items.values())), judged, now),
            {key: value for key, value in marks.items() if remembered.get(key) != value},
            None if body == before else body,
            bool(self._compact_after) and _is_due(remembered.get(_COMPACTED), now),
        )

    def _outbox_update(
        self, connection: Connection, items: Sequence[ModelState], judged: Judged, now: datetime
    ) -> OutboxUpdate:
        """What the sinks are to be told by a report."""
        if not self._subscriptions:
            return OutboxUpdate()
        return outbox_update(outbox.episodes(connection), items, judged, self._subscriptions, now)

    def last_report(self, *, whole: bool = True) -> Report | None:
        """The newest report, or None when no cycle has finished.

        Without the whole, models in sync are only counted.
        """
        with self._database.reading() as connection:
            body = report_text.newest(connection)
            if body is None:
                return None
            numbers = {} if whole else verdicts.counted(connection)
            unlisted = {key: number for key, number in numbers.items() if key[1] is Verdict.IN_SYNC}
            return report_text.load(body, verdicts.items(connection, whole=whole), unlisted)


def _is_due(compacted_at: str | None, now: datetime) -> bool:
    """Whether a day has gone by; also when the clock was set back meanwhile."""
    return compacted_at is None or not timedelta(0) <= now - moment_of(compacted_at) < _A_DAY
