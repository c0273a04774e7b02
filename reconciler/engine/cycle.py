"""One reconciliation cycle, from git to report.

    begin ─▶ judge ─▶ promise ─▶ guard ─▶ act ─▶ report ─▶ remember

Each stage is a function from one frozen `TargetRun` to the next, in a module of its own. A target that cannot
be reached is a value in the report, and the other targets go on.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from reconciler.engine.act import act
from reconciler.engine.checks import digest_of, ensure_promised, guarded, lineage_of
from reconciler.engine.claims import Claims, claims_of
from reconciler.engine.clock import Clock
from reconciler.engine.desired_state_reader import desired_state
from reconciler.engine.due_times import DueTimes
from reconciler.engine.execute import Executor
from reconciler.engine.git_thread import GitThread
from reconciler.engine.guards import Guards
from reconciler.engine.journal import JournalWriter
from reconciler.engine.judge import judge
from reconciler.engine.last_report import refresh
from reconciler.engine.leadership import SoleWriter
from reconciler.engine.lineage import RECONCILED
from reconciler.engine.moments import CLOCK_TOLERANCE
from reconciler.engine.recorder import Recorder
from reconciler.engine.registry_list import standing_list
from reconciler.engine.remember import remember, report_of, with_unlisted
from reconciler.engine.stragglers import Stragglers
from reconciler.engine.target_run import REPOSITORY, Cycle, TargetRun, alone, begin
from reconciler.engine.trust import held
from reconciler.engine.values import AT_REST, IdleMark, Phase, TargetFailure, Verdict
from reconciler.errors import IndexLostError, ReconcilerError, RegistryError, TargetUnusable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from reconciler.contract.model_key import ModelKey
    from reconciler.engine.leadership import Leadership
    from reconciler.engine.options import CycleOptions, Target
    from reconciler.engine.ports import Ledger, Source
    from reconciler.engine.trust import Hold
    from reconciler.engine.values import Event, Report


@dataclass(slots=True)
class Engine:
    """Runs cycles over all targets of one source. One cycle at a time.

    `progress` hears of every event as it is recorded; git runs in one worker thread.

    Attributes:
        notes: facts about this session that every report tells.
        parsed: how many manifest files were read so far.
        disagreements: how many files audits found the index to have wrong; anything but 0 is a mistake in
            here.
        stragglers: the targets that are not waited for at the moment.
        leadership: which of the targets this process works on; all of them where there are no leases.
    """

    source: Source
    ledger: Ledger
    targets: tuple[Target, ...]
    guards: Guards = field(default_factory=Guards)
    clock: Clock = field(default_factory=Clock)
    progress: Callable[[Event], None] = lambda _: None
    notes: tuple[str, ...] = ()
    parsed: int = 0
    disagreements: int = 0
    stragglers: Stragglers = field(default_factory=Stragglers)
    leadership: Leadership = field(default_factory=SoleWriter)
    _git: GitThread = field(default_factory=GitThread)
    _look_again: datetime | None = None
    _due_times: DueTimes = field(init=False)
    _moving: dict[str, frozenset[ModelKey]] = field(default_factory=dict)
    _lists: dict[str, str] = field(default_factory=dict)
    _sent: defaultdict[str, dict[ModelKey, str]] = field(default_factory=lambda: defaultdict(dict))

    def __post_init__(self) -> None:
        self._due_times = DueTimes(self.ledger, self.clock, self.clock.now())

    def led(self) -> dict[str, int | None]:
        """The targets that this process leads at the moment, each with the epoch of its lease."""
        return {target.name: self.leadership.epoch(target.name) for target in self._led_targets()}

    async def head(self) -> str:
        """The commit that is to be reconciled now. Raises SourceError, GuardError."""
        return await self._git(self.source.head)

    def hold(self) -> Hold | None:
        """Why that is not the newest commit of the branch; None when it is."""
        return self.source.held()

    async def resolve(self, revision: str) -> str:
        """The commit that goes by this name. Raises SourceError."""
        return await self._git(self.source.resolve, revision)

    async def judged(self, commit: str) -> Hold | None:
        """Why this commit would not be reconciled if it were the newest. Raises SourceError."""
        return await self._git(self.source.judged, commit)

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
            return await self._cycle(options, commit)
        except IndexLostError:  # only a cache, and empty from now on
            return await self._cycle(options, commit)

    async def _cycle(self, options: CycleOptions, commit: str) -> Report:
        """The recipe. Nothing is changed before `act`, and nothing is remembered before all have acted."""
        cycle = await self._opened(options, commit)
        notes = [*self.notes, *await self._git(self.source.notes), *self._clock_notes()]
        runs = await self._judged(cycle, await self._begun(cycle))
        digest = digest_of(runs)
        ensure_promised(runs, digest, options)
        lineage = await lineage_of(cycle, runs)
        notes += [*lineage.notes, *dict.fromkeys(note for run in runs for note in run.declared.notes)]
        runs = self._with_hold(await guarded(cycle, runs, self.guards, lineage.lost_commit, digest))
        if options.act:
            runs = await asyncio.gather(*(alone(run, partial(act, cycle)) for run in runs))
        report = report_of(cycle, digest, runs, tuple(notes))
        if options.act:
            self.disagreements += await remember(cycle, report, runs, lineage.marks)
            judged = [run for run in runs if run.failure is None or run.items]
            self._moving |= {run.target.name: _moving(run) for run in judged}
            lists = {run.target.name: standing_list(run.view, run.items) for run in judged if run.is_of_few}
            self._lists = {name: digest for name, digest in lists.items() if digest is not None}
        return with_unlisted(cycle, report, runs)

    async def _opened(self, options: CycleOptions, commit: str) -> Cycle:
        """What the stages work with; a cycle that waits for every target waits for those behind first."""
        self._look_again, self._due_times = None, DueTimes(self.ledger, self.clock, self.clock.now())
        if options.act:
            self.ledger.reconciling(commit, self.clock.now())
        if not options.leaves_behind:
            await self.stragglers.all()
        return Cycle(self.source, self.ledger, self.clock, self._git, self._due_times, options, commit)

    async def _begun(self, cycle: Cycle) -> list[TargetRun]:
        """All targets, one after another: there is one thread for git.

        The epoch comes first: what is looked at under one lease is not acted on under a later one.
        """
        cycle_id = self.clock.new_id()
        runs = []
        for target in self._led_targets():
            epoch = self.leadership.epoch(target.name)
            run = await begin(cycle, target, self._executor(target, cycle_id, epoch, cycle.options.actor))
            self.parsed += run.declared.parsed
            if run.failure is None and target.name in self.stragglers:
                run = replace(run, failure=_left_behind(target))
            runs.append(run)
        return runs

    async def _judged(self, cycle: Cycle, runs: Sequence[TargetRun]) -> list[TargetRun]:
        """All targets, each judged or failed; of one that is left behind nothing is used."""
        judged: dict[str, TargetRun] = {}

        async def step(run: TargetRun) -> bool:
            after = judged[run.target.name] = await alone(run, partial(judge, cycle))
            return after.failure is None

        able = {run.target.name: run for run in runs if run.failure is None}
        if cycle.options.leaves_behind:
            late = await self.stragglers.take("judging", {name: step(run) for name, run in able.items()})
        else:
            late = frozenset()
            await asyncio.gather(*map(step, able.values()))
        after = [
            replace(run, failure=_left_behind(run.target))
            if run.target.name in late
            else judged.get(run.target.name, run)
            for run in runs
        ]
        self._look_again = min((run.look_again for run in after if run.look_again), default=None)
        return after

    def _with_hold(self, runs: Sequence[TargetRun]) -> list[TargetRun]:
        """A refusal before what is judged of each target, while the newest commit is not trusted."""
        hold = self.source.held()
        return [
            run
            if hold is None or run.failure is not None
            else replace(run, items=(held(run.target.name, run.target.path, hold), *run.items))
            for run in runs
        ]

    def _clock_notes(self) -> list[str]:
        """Whether the clock stands before what the journal says has happened already.

        Nothing is decided by it: the journal's order is that of its numbers. But what waits for a moment
        waits longer, and a history with such times misleads.
        """
        newest, now = self.ledger.newest(), self.clock.now()
        if newest is None or newest <= now + CLOCK_TOLERANCE:
            return []
        told = (
            f"this clock says {now:%Y-%m-%d %H:%M:%SZ}, the journal's last event {newest:%Y-%m-%d %H:%M:%SZ}"
        )
        return [f"{told}: set the clock; what is due later waits until then"]

    async def targets_declaring(self, pair: ModelKey) -> Claims:
        """Which targets declare the pair now, and what stands in the way where it is declared otherwise."""
        commit = await self.head()
        known = self.ledger.marks(REPOSITORY).get(RECONCILED)

        def claims(target: Target) -> Claims:
            found = desired_state(
                self.source, target.index, target.reader, commit, credited=False, known=known
            )
            return claims_of(target.name, pair, found.desired([pair]))

        found = [await self._git(claims, target) for target in self.targets]
        return Claims(
            frozenset().union(*(one.targets for one in found)),
            tuple(dict.fromkeys(reason for one in found for reason in one.obstacles)),
        )

    async def follow_once(self) -> int:
        """Asks once for every unfinished import of every target; gives how many are left unfinished.

        Raises:
            RegistryError, TargetUnusable: a target could not be asked; the others were.
        """
        cycle_id, epochs = self.clock.new_id(), self.led()
        executors = {
            target.name: self._executor(target, cycle_id, epochs[target.name])
            for target in self.targets
            if target.name in epochs
        }
        failed: list[ReconcilerError] = []

        async def follow(executor: Executor) -> bool:
            try:
                await executor.follower.once()
            except (RegistryError, TargetUnusable) as error:  # the other targets are asked all the same
                failed.append(error)
                return False
            return True

        able = {name: executor for name, executor in executors.items() if name not in self.stragglers}
        await self.stragglers.take("following", {name: follow(one) for name, one in able.items()})
        refresh(self.ledger, epochs)
        if failed:
            raise failed[0]
        return sum(len(executor.follower.unfinished()) for executor in executors.values())

    def unfinished(self) -> int:
        """How many imports are not final yet, as far as is remembered."""
        entries = (entry for target in self._led_targets() for entry in self.ledger.pending(target.name))
        return sum(entry.phase is Phase.REGISTERED for entry in entries)

    def due(self) -> datetime | None:
        """The earliest moment at which a cycle has something to do although git did not change."""
        moments = [self._look_again] if self._look_again else []
        moments += [
            self._due_times.next(t, self._moving.get(t.name, frozenset())) for t in self._led_targets()
        ]
        return min(moments, default=None)

    def idle_mark(self, report: Report) -> IdleMark | None:
        """That nothing is left to do after the cycle that made this report; None when something is.

        Of a target with few models the list belongs to it, which is looked at each time (see
        `Target.judge_all_below`); what a person was told stands in the way then, so that it is told again.
        """
        until, numbers = self.due(), Counter[Verdict]()
        sizes = Counter[str]()
        for (target, verdict), number in report.counted().items():
            numbers[verdict] += number
            sizes[target] += number
        few = {target.name for target in self.targets if sizes[target.name] < target.judge_all_below}
        if not few <= self._lists.keys() or (few and report.notes):
            return None
        if report.failures or until is None or not AT_REST.issuperset(numbers):
            return None
        lists = {name: self._lists[name] for name in few}
        began = self._due_times.began
        return IdleMark(began, until, report.commit, report.digest, self.ledger.position(), numbers, lists)

    async def tidy(self) -> None:
        """Keeps the source's files small, where that is due. Raises SourceError."""
        await self._git(self.source.tidy)

    async def aclose(self) -> None:
        """Ends what was left behind, and the worker thread; safe to call twice."""
        await self.stragglers.aclose()
        self.close()

    def close(self) -> None:
        """Ends the worker thread; safe to call twice."""
        self._git.close()

    def _led_targets(self) -> list[Target]:
        return [target for target in self.targets if self.leadership.leads(target.name)]

    def _executor(
        self, target: Target, cycle_id: str, epoch: int | None, actor: str | None = None
    ) -> Executor:
        journal = JournalWriter(self.ledger, self.progress, actor, epoch)
        sent, vouched = self._sent[target.name], self.source.vouched
        recorder = Recorder(target.name, cycle_id, journal, self.clock, sent, vouched)
        holds = partial(self.leadership.holds, target.name, epoch)
        return Executor(recorder, target.registry, self.clock, target.timing, holds)


def _moving(run: TargetRun) -> frozenset[ModelKey]:
    """The pairs whose verdict may change by itself."""
    return frozenset(item.pair for item in run.items if item.verdict not in AT_REST and item.pair)


def _left_behind(target: Target) -> TargetFailure:
    return TargetFailure(
        target.name,
        f"target {target.name}: its registry has not answered what it was asked; the other targets go on "
        "meanwhile, and it is asked again once that has ended",
    )
