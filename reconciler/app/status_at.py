"""What `status` would have shown earlier: at a time, or while a commit was the one reconciled."""

from __future__ import annotations

from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from reconciler.app.repository import index_of, parser_of, part_of, source_of
from reconciler.engine.desired_state_reader import desired_state
from reconciler.engine.last_report import verdicts_of_journal, verdicts_then
from reconciler.engine.plan import plan_digest
from reconciler.engine.values import LedgerEntry, ModelState, Reconciled, Report
from reconciler.errors import IndexLostError, ReconcilerError, UnknownRevisionError
from reconciler.state import open_state
from reconciler.times import shown_time

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.contract.model_key import ModelKey
    from reconciler.index import Store
    from reconciler.settings import Configuration
    from reconciler.source import GitSource
    from reconciler.state import SqlLedger

_EVER = datetime.max.replace(tzinfo=UTC)


def status_at(
    configuration: Configuration, when: datetime | str, target: str | None, now: datetime
) -> Report:
    """The verdicts as they were known then.

    `when` is a moment, or any name of a commit, for the last time that it was the one reconciled. What is
    asked about a time to come, by the clock's `now`, is what is known now, and the report says so.

    Raises:
        ReconcilerError: the commit is unknown or was never reconciled, or nothing was at that time.
        SourceError, StateError: git or the state could not be read.
    """
    with ExitStack() as stack:
        source = stack.enter_context(closing(source_of(configuration)))
        ledger = stack.enter_context(closing(open_state(configuration.state_url, writer=False)))
        index = stack.enter_context(closing(index_of(configuration, writes=False)))
        stack.enter_context(index.of_one_moment())
        reader = _StatusReader(configuration, source, ledger, index)
        if isinstance(when, datetime):
            report = reader.report(_at_moment(ledger, when), when, configuration.chosen(target))
            to_come = f"{shown_time(when)} has not come yet: shown is what is known now"
            return report if when <= now else replace(report, notes=(*report.notes, to_come))
        then = _while_reconciled(source, ledger, when)
        return reader.report(then, None, configuration.chosen(target))


def _at_moment(ledger: SqlLedger, moment: datetime) -> Reconciled:
    then = ledger.reconciled_at(moment)
    if then is None:
        raise ReconcilerError(f"{shown_time(moment)}: this state remembers no cycle that began before then")
    return then


def _while_reconciled(source: GitSource, ledger: SqlLedger, revision: str) -> Reconciled:
    try:
        commit = source.resolve(revision)
    except UnknownRevisionError as error:
        raise ReconcilerError(f"{error}, or a date or time such as 2026-11-28T14:30:00Z") from error
    then = ledger.reconciled(commit)
    if then is None:
        raise ReconcilerError(
            f"{revision}: this state remembers no cycle of commit {commit[:12]}. Of commits that were pushed "
            "together only the last is reconciled: ask for that one, or for a time"
        )
    return then


@dataclass(frozen=True, slots=True)
class _StatusReader:
    configuration: Configuration
    source: GitSource
    ledger: SqlLedger
    index: Store

    def report(self, then: Reconciled, moment: datetime | None, targets: tuple[str, ...]) -> Report:
        """Up to the moment, or as long as the commit was the one reconciled."""
        position = then.position if moment is None else None
        is_there = self._is_there(then.commit)
        items: list[ModelState] = []
        for target in sorted(targets):
            entries = self.ledger.entries_at(target, position, moment or _EVER)
            if is_there:
                last = max((entry.updated_at for entry in entries.values()), default=then.since)
                items += self._items(target, then.commit, entries, moment or max(last, then.since))
            else:
                items += verdicts_of_journal(entries.values())
        gone = f"git no longer has commit {then.commit[:12]}: shown is what the journal alone tells"
        notes = tuple(self.source.cut_off()) if is_there else (gone,)
        return Report(then.commit, plan_digest(items), tuple(items), notes=notes)

    def _items(
        self, target: str, commit: str, entries: Mapping[ModelKey, LedgerEntry], moment: datetime
    ) -> tuple[ModelState, ...]:
        part, parser = part_of(self.index, self.configuration, target), parser_of(self.configuration, target)

        def items() -> tuple[ModelState, ...]:
            declared = desired_state(self.source, part, parser, commit)
            return verdicts_then(target, declared.desired(), declared.last_commits(), entries, moment)

        try:
            return items()
        except IndexLostError:  # only a cache, and empty from now on
            return items()

    def _is_there(self, commit: str) -> bool:
        try:
            self.source.resolve(commit)
        except UnknownRevisionError:
            return False
        return True
