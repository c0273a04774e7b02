"""One reconciliation cycle, from git to report.

The stages, by the names of their functions, in their order:

    begin ─▶ judge_all ─▶ ensure_expected ─▶ check_history ─▶ guarded ─▶ with_hold ─▶ act
          ─▶ judged_since ─▶ report_of ─▶ remember ─▶ with_unlisted

What is known of a target is a frozen `TargetRun`, of which a stage makes the next one. A target that cannot
be reached is a value in the report, and the other targets go on.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from reconciler.engine.act import act
from reconciler.engine.clock import Clock
from reconciler.engine.concurrency import GitThread, HangingCalls, SlowTargets
from reconciler.engine.execute import Executor
from reconciler.engine.guards import (
    Guards,
    check_history,
    digest_of,
    ensure_expected,
    guarded,
    with_hold,
)
from reconciler.engine.judge import judge_all
from reconciler.engine.last_report import refresh
from reconciler.engine.leadership import Leadership, SoleWriter
from reconciler.engine.outcomes import follow_all
from reconciler.engine.recorder import Recorder
from reconciler.engine.remember import (
    LastCycle,
    clock_notes,
    idle_mark,
    judged_since,
    last_cycle,
    remember,
    report_of,
    unread_notes,
    with_unlisted,
    without_inputs,
)
from reconciler.engine.retry import DeclaringTargets, declaring_targets
from reconciler.engine.scope import DueTimes
from reconciler.engine.target_run import Cycle, TargetRun, begin, isolate_errors, left_behind
from reconciler.engine.values import Event, IdleMark, Phase, Report
from reconciler.errors import IndexLostError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from reconciler.contract.model_key import ModelKey
    from reconciler.engine.options import CycleOptions
    from reconciler.engine.ports import Ledger
    from reconciler.engine.ports.git import Source
    from reconciler.engine.target import Target


@dataclass(slots=True)
class Engine:
    """Runs cycles over all targets of one source. One cycle at a time.

    `progress` is called with every event as it is recorded; git runs in one worker thread.

    Attributes:
        notes: facts about this session that are in every report.
        last: what the last cycle left to the next one.
        slow_targets: the targets that are not waited for at the moment.
        hanging_calls: the import calls that are not waited for at the moment.
        leadership: which of the targets this process works on; all of them where there are no leases.
    """

    source: Source
    ledger: Ledger
    targets: tuple[Target, ...]
    guards: Guards = field(default_factory=Guards)
    clock: Clock = field(default_factory=Clock)
    progress: Callable[[Event], None] = lambda _: None
    notes: tuple[str, ...] = ()
    slow_targets: SlowTargets = field(default_factory=SlowTargets)
    hanging_calls: HangingCalls = field(default_factory=HangingCalls)
    leadership: Leadership = field(default_factory=SoleWriter)
    git: GitThread = field(default_factory=GitThread)
    last: LastCycle = field(init=False)
    _sent: defaultdict[str, dict[ModelKey, str]] = field(default_factory=lambda: defaultdict(dict))

    def __post_init__(self) -> None:
        self.last = LastCycle(self.clock.now())

    def led(self) -> dict[str, int | None]:
        """The targets that this process leads at the moment, each with the epoch of its lease."""
        return {target.name: self.leadership.epoch(target.name) for target in self._led_targets()}

    async def head(self) -> str:
        """The commit that is to be reconciled now. Raises SourceError, GuardError."""
        return await self.git(self.source.head)

    async def cycle(self, options: CycleOptions, commit: str | None = None) -> Report:
        """One cycle, at the branch's head unless a commit is given.

        The report speaks of the models that were judged, and counts the others.

        Raises:
            SourceError: git could not be read at all.
            GuardError: the plan is not the one that `expect` or `confirm` names.
            StateError: the state could not be used.
        """
        commit = commit or await self.head()
        try:
            report, self.last = await self._cycle(options, commit, self.last)
        except IndexLostError:  # only a cache, and empty from now on
            report, self.last = await self._cycle(options, commit, self.last)
        return report

    async def _cycle(self, options: CycleOptions, commit: str, before: LastCycle) -> tuple[Report, LastCycle]:
        """The recipe. No import starts before `act`; `judge` journals what it settled.

        No verdict is remembered before all targets have acted.
        """
        cycle = await self._opened(options, commit)
        notes = [*self.notes, *await self.git(self.source.notes), *clock_notes(cycle.journal, self.clock)]
        runs = await judge_all(cycle, await self._begun(cycle), self.slow_targets)
        # a plan that is not the expected one ends the cycle before anything is sent
        digest = digest_of(runs)
        ensure_expected(runs, digest, options)
        history = await check_history(cycle, runs)
        if history.lost_commit is not None and options.act and (newest := await self.head()) != commit:
            # another replica may have reconciled a newer commit since this cycle began
            return await self._cycle(options, newest, before)
        notes += [*history.notes, *dict.fromkeys(note for run in runs for note in run.declared.notes)]
        notes += unread_notes(runs)
        # the guards see the verdicts of all targets: a limit of imports is one of the whole cycle
        runs = await guarded(cycle, runs, self.guards, history.lost_commit, digest)
        # after the guards, and in no digest: the plan is of the last trusted commit
        runs = with_hold(runs, self.source.held())
        if options.act:
            runs = await asyncio.gather(*(isolate_errors(run, partial(act, cycle)) for run in runs))
        runs = without_inputs(runs)  # a step of its own: the memory is free when the next line runs
        runs = judged_since(cycle, runs)
        report = report_of(cycle, digest, runs, tuple(notes))
        # after all have acted: a cycle that dies before is judged again as a whole by the next one
        wrong = await remember(cycle, report, runs, history.marks) if options.act else 0
        # after `remember`: it counts the stored verdicts, and this report's are among them only then
        return with_unlisted(cycle, report, runs), last_cycle(before, cycle, runs, wrong)

    async def _opened(self, options: CycleOptions, commit: str) -> Cycle:
        """What the stages work with; a cycle that waits for every target waits for those behind first."""
        due_times = self._due_times(self.clock.now())
        if options.act:
            self.ledger.reconciling(commit, self.clock.now())  # noted with the first thing that is written
        if not options.leaves_behind:
            await self.slow_targets.all()
            await self.hanging_calls.all()
        # before anything is read: a call that ends from here on may be missed, and is due in another cycle
        self.hanging_calls.any_ended = False
        return Cycle(
            self.source,
            journal=self.ledger,
            states=self.ledger,
            reports=self.ledger,
            marks=self.ledger,
            clock=self.clock,
            git=self.git,
            due_times=due_times,
            options=options,
            commit=commit,
        )

    async def _begun(self, cycle: Cycle) -> list[TargetRun]:
        """All targets, one after another: there is one thread for git.

        One that is still busy with a step of an earlier cycle has failed for this one.
        """
        cycle_id = self.clock.new_id()
        runs = []
        for target in self._led_targets():
            # before anything is looked at: what is seen under one lease is not acted on under a later one
            epoch = self.leadership.epoch(target.name)
            executor = self._executor(target, cycle_id, epoch, cycle.options)
            run = await begin(cycle, target, executor)
            if run.failure is None and target.name in self.slow_targets:
                run = replace(run, failure=left_behind(target))
            runs.append(run)
        return runs

    async def targets_declaring(self, pair: ModelKey) -> DeclaringTargets:
        """Which targets declare the pair now, and why the others do not where they declare it wrongly."""
        commit = await self.head()
        return await self.git(declaring_targets, self.source, self.ledger, self.targets, commit, pair)

    async def follow_once(self) -> int:
        """Asks once for every unfinished import of every target; gives how many are left unfinished.

        Raises:
            RegistryError, TargetUnusable: a target could not be asked; the others were.
        """
        # before a registry is asked: what is seen under one lease is not written under a later one
        cycle_id, epochs = self.clock.new_id(), self.led()
        followers = {
            target.name: self._executor(target, cycle_id, epochs[target.name]).follower
            for target in self.targets
            if target.name in epochs
        }
        error = await follow_all(followers, self.slow_targets)
        # before the error is raised: what became of the other targets' imports is in the report all the same
        refresh(self.ledger, self.ledger, epochs)
        if error is not None:
            raise error
        return sum(len(follower.unfinished()) for follower in followers.values())

    def unfinished(self) -> int:
        """How many imports are not final yet, as far as is remembered."""
        entries = (entry for target in self._led_targets() for entry in self.ledger.pending(target.name))
        return sum(entry.phase is Phase.REGISTERED for entry in entries)

    def due(self) -> datetime | None:
        """The earliest moment at which a cycle has something to do although git did not change."""
        last, due_times = self.last, self._due_times(self.last.began)
        moments = [last.look_again] if last.look_again else []
        moments += [due_times.next(t, last.moving.get(t.name, frozenset())) for t in self._led_targets()]
        return min(moments, default=None)

    def idle_mark(self, report: Report) -> IdleMark | None:
        """That nothing is left to do after the cycle that made this report; None when something is."""
        return idle_mark(report, self.targets, self.last, self.due(), self.ledger.position())

    async def aclose(self) -> None:
        """Ends what was left behind, and the worker thread; safe to call twice."""
        await self.slow_targets.aclose()
        await self.hanging_calls.aclose()
        self.git.close()  # last: a step that is being cancelled may use it

    def _due_times(self, began: datetime) -> DueTimes:
        return DueTimes(self.ledger, self.ledger, self.ledger, self.clock, began)

    def _led_targets(self) -> list[Target]:
        return [target for target in self.targets if self.leadership.leads(target.name)]

    def _executor(
        self, target: Target, cycle_id: str, epoch: int | None, options: CycleOptions | None = None
    ) -> Executor:
        sent, vouched = self._sent[target.name], self.source.vouched
        failed, actor = target.registry.vendor.failed, options.actor if options else None
        recorder = Recorder(
            target.name, cycle_id, self.ledger, self.clock, self.progress, sent, failed, vouched, actor, epoch
        )
        hanging_calls = self.hanging_calls if options and options.leaves_behind else None
        holds = partial(self.leadership.holds, target.name, epoch)
        return Executor(recorder, target.registry, target.timing, holds, hanging_calls)
