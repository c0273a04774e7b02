"""One reconciliation cycle, from git to report.

    head ─▶ declared ─▶ settle ─▶ observe ─▶ compare ─▶ verdicts ─▶ guards ─▶ import ─▶ follow ─▶ report

A cycle judges every model, or only those of which something may have changed since the last one: what git
changed, what is not at rest, and what was never compared. Both come to the same. A target that cannot be
reached is a value in the report, and the other targets go on.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from reconciler.engine.audit import audit, keep_history
from reconciler.engine.claims import Claims, claims_of
from reconciler.engine.clock import Clock
from reconciler.engine.concurrency import gather_limited
from reconciler.engine.desired_state import desired_state
from reconciler.engine.details import Details, details_of
from reconciler.engine.due_times import COMPARED, OBSERVED_IN_FULL, DueTimes
from reconciler.engine.execute import Executor
from reconciler.engine.faults import are_counted
from reconciler.engine.guards import GuardContext, Guards, guard
from reconciler.engine.journal import Journal
from reconciler.engine.last_report import dated, refresh, unlisted
from reconciler.engine.leadership import SoleWriter
from reconciler.engine.lineage import RECONCILED, trace
from reconciler.engine.moments import CLOCK_TOLERANCE
from reconciler.engine.observe import compare_observed, news, observe
from reconciler.engine.plan import (
    PlannerInput,
    apply_entry,
    is_unreadable,
    plan_digest,
    preflighted,
    select_for_comparison,
    sort_key,
    verdicts,
)
from reconciler.engine.recorder import Recorder
from reconciler.engine.stragglers import Stragglers
from reconciler.engine.used_versions import used_versions
from reconciler.engine.values import (
    AT_REST,
    Desired,
    Event,
    EventKind,
    IdleMark,
    LedgerEntry,
    ManifestRef,
    ModelState,
    Phase,
    Report,
    TargetFailure,
    Verdict,
)
from reconciler.errors import (
    ConfigurationError,
    GuardError,
    IndexLostError,
    ReconcilerError,
    RegistryError,
    SourceError,
    StateError,
    TargetUnusable,
)
from reconciler.manifest import Reason
from reconciler.redaction import unexpected

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping
    from datetime import datetime

    from reconciler.contract.model_key import ModelKey
    from reconciler.engine.desired_state import DesiredState
    from reconciler.engine.leadership import Leadership
    from reconciler.engine.lineage import Lineage
    from reconciler.engine.options import CycleOptions, Target
    from reconciler.engine.ports import Ledger, Source
    from reconciler.manifest import Manifest

_log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

_STANDING = "standing"  # the commit that the remembered verdicts are of, and by which rules
_ANY = "any"  # in the place of the commit: not every verdict is remembered, so that all are given anew
_PREFLIGHT_AGAIN = 60.0  # seconds; files may be mended without a commit
_UNREADABLE_AGAIN = 30.0  # seconds; a registry may answer by then about a model that it would not speak of
_REPOSITORY = ""  # marks that belong to no target


@dataclass(slots=True)
class TargetRun:
    """One target on its way through one cycle.

    Attributes:
        scope: the models that are judged; None for all.
        full: everything registered is looked at, because it is time to.
        compared: models were compared that could have waited.
        audited: the index is held to git afterwards, which is due as often as a full look.
    """

    target: Target
    executor: Executor
    declared: DesiredState
    scope: frozenset[ModelKey] | None
    view: PlannerInput
    items: tuple[ModelState, ...] = ()
    failure: TargetFailure | None = None
    full: bool = False
    compared: bool = False
    audited: bool = False


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
    _git: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "git"))
    _look_again: datetime | None = None
    _due_times: DueTimes = field(init=False)
    _moving: dict[str, frozenset[ModelKey]] = field(default_factory=dict)
    _sent: defaultdict[str, dict[ModelKey, str]] = field(default_factory=lambda: defaultdict(dict))

    def __post_init__(self) -> None:
        self._due_times = DueTimes(self.ledger, self.clock, self.clock.now())

    def led(self) -> dict[str, int | None]:
        """The targets that this process leads at the moment, each with the epoch of its lease."""
        lead = self.leadership
        return {t.name: lead.epoch(t.name) for t in self.targets if lead.leads(t.name)}

    async def head(self) -> str:
        """The commit that the wanted branch has now. Raises SourceError."""
        return await self._in_git(self.source.head)

    async def cycle(self, options: CycleOptions, commit: str | None = None) -> Report:
        """One cycle, at the branch's head unless a commit is given.

        The report speaks of the models that were judged, and counts the others.

        Raises:
            SourceError: git could not be read at all.
            GuardError: the plan is not the one that `expect` or `confirm` names.
            StateError: the state could not be used.
        """
        try:
            return await self._cycle(options, commit)
        except IndexLostError:  # only a cache, and empty from now on
            return await self._cycle(options, commit)

    async def _cycle(self, options: CycleOptions, commit: str | None) -> Report:
        commit = commit or await self.head()
        self._look_again, self._due_times = None, DueTimes(self.ledger, self.clock, self.clock.now())
        notes = [*self.notes, *await self._in_git(self.source.notes), *self._clock_notes()]
        if options.act:
            self.ledger.reconciling(commit, self.clock.now())
        cycle_id = self.clock.new_id()
        if not options.leaves_behind:
            await self.stragglers.all()
        runs = [await self._begin(target, commit, cycle_id, options) for target in self._led_targets()]
        runs = await self._judged(runs, options)
        digest = plan_digest(item for run in runs for item in run.items)
        self._check(runs, digest, options)
        lineage = await self._lineage(runs, commit)
        notes += [*lineage.notes, *dict.fromkeys(note for run in runs for note in run.declared.notes)]
        await self._guard([run for run in runs if not options.confirms(run.target.name)], lineage, digest)
        if options.act:
            await asyncio.gather(*(self._alone(run, self._act(run, options)) for run in runs))
        return await self._report(commit, digest, runs, tuple(notes), options, lineage.marks)

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

    async def _lineage(self, runs: Iterable[TargetRun], commit: str) -> Lineage:
        """Whether the branch went on from the commit reconciled last."""
        remembered = self.ledger.marks(_REPOSITORY)
        imports = any(item.verdict is Verdict.IMPORT for run in runs for item in run.items)
        went_on = any(
            run.declared.base == remembered.get(RECONCILED) for run in runs
        )  # or there were no changes
        wanted = imports and not went_on
        return await self._in_git(trace, self.source, remembered, commit, wanted=wanted)

    async def _guard_context(self, runs: Iterable[TargetRun], lost_commit: str | None) -> GuardContext:
        """What the guards want to know."""
        vanished = {
            (run.target.name, entry.pair): entry.disappearances
            for run in runs
            for entry in run.view.entries.values()
            if entry.disappearances
        }
        undeclaring = [run for run in runs if any(item.verdict is Verdict.UNMANAGED for item in run.items)]
        empty = [run.target.name for run in undeclaring if not await self._in_git(run.declared.number)]
        admitted = frozenset((run.target.name, pair) for run in runs for pair in _admitted(run))
        return GuardContext(lost_commit, vanished, frozenset(empty), admitted)

    async def targets_declaring(self, pair: ModelKey) -> Claims:
        """Which targets declare the pair now, and what stands in the way where it is declared otherwise."""
        commit = await self.head()

        def claims(target: Target) -> Claims:
            found = desired_state(self.source, target.index, target.reader, commit, credited=False)
            return claims_of(target.name, pair, found.desired([pair]))

        found = [await self._in_git(claims, target) for target in self.targets]
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

        With few models there is always something: to look at them all, see `Target.judge_all_below`.
        """
        until, numbers = self.due(), Counter[Verdict]()
        sizes = Counter[str]()
        for (target, verdict), number in report.counted().items():
            numbers[verdict] += number
            sizes[target] += number
        few = any(sizes[target.name] < target.judge_all_below for target in self.targets)
        if few or report.failures or until is None or not AT_REST.issuperset(numbers):
            return None
        began = self._due_times.began
        return IdleMark(began, until, report.commit, report.digest, self.ledger.position(), numbers)

    async def tidy(self) -> None:
        """Keeps the source's files small, where that is due. Raises SourceError."""
        await self._in_git(self.source.tidy)

    async def aclose(self) -> None:
        """Ends what was left behind, and the worker thread; safe to call twice."""
        await self.stragglers.aclose()
        self.close()

    def close(self) -> None:
        """Ends the worker thread; safe to call twice."""
        self._git.shutdown(wait=True)

    async def _in_git(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._git, lambda: call(*args, **kwargs))

    async def _begin(self, target: Target, commit: str, cycle_id: str, options: CycleOptions) -> TargetRun:
        """What is declared and remembered of the models that this cycle judges.

        The epoch comes first: what is looked at under one lease is not acted on under a later one.
        """
        epoch = self.leadership.epoch(target.name)
        known = self.ledger.marks(_REPOSITORY).get(RECONCILED)
        found = await self._in_git(
            desired_state, self.source, target.index, target.reader, commit, known=known
        )
        self.parsed += found.parsed
        hides = await self._in_git(found.hides_otherwise)
        scope = None if hides else self._scope(target, found, options)
        desired = await self._in_git(found.desired, scope)
        view = PlannerInput(
            target.name,
            desired,
            self.clock.now(),
            most_faults=target.reader.budgets.faults,
            entries=self.ledger.entries(target.name, scope),
            last_commits=await self._in_git(found.last_commits, None if scope is None else _paths(desired)),
        )
        empty = not found.exists and not view.entries
        failure = _left_behind(target) if target.name in self.stragglers else None
        return TargetRun(
            target,
            self._executor(target, cycle_id, epoch, options.actor),
            found,
            scope,
            view,
            failure=_nothing_declared(target, commit) if empty else failure,
            full=options.refresh or self._due_times.full_look_is_due(target),
            audited=self._due_times.audit_is_due(target),
        )

    def _scope(
        self, target: Target, found: DesiredState, options: CycleOptions
    ) -> frozenset[ModelKey] | None:
        """The models to judge; None for all of them.

        Verdicts are remembered of one commit: where the index begins at another, nobody knows what has
        changed.
        """
        if options.whole or options.refresh or self._due_times.full_look_is_due(target) or found.base is None:
            return None
        if self.ledger.marks(target.name).get(_STANDING) != _standing(target, found.base):
            return None
        known = sum(number for (name, _), number in self.ledger.counted().items() if name == target.name)
        if known < target.judge_all_below:
            return None
        is_due = not found.touched and self._due_times.comparing_is_due(target)
        return found.touched.union(
            self.ledger.by_manifest_path(target.name, found.changed),
            self.ledger.not_at_rest(target.name),
            (entry.pair for entry in self.ledger.pending(target.name)),
            self.ledger.uncompared(target.name, target.compare_at_most) if is_due else (),
        )

    async def _alone(self, run: TargetRun, step: Awaitable[None]) -> None:
        """Takes one step of one target; what goes wrong in it is a failure of that target alone.

        Raises:
            SourceError, StateError, IndexLostError: what all targets stand on cannot be used.
        """
        name = run.target.name
        try:
            await step
        except (SourceError, StateError, IndexLostError):
            raise
        except ReconcilerError as error:
            run.failure = TargetFailure(name, f"target {name}: {error}", error.exit_code)
        except Exception as error:  # noqa: BLE001 - whatever it is, the other targets have nothing to do with it
            _log.debug("target %s: unexpected", name, exc_info=True)
            told = f"target {name}: {unexpected(error)}"
            run.failure = TargetFailure(name, told)

    async def _judged(self, runs: list[TargetRun], options: CycleOptions) -> list[TargetRun]:
        """All targets, each judged or failed; of one that is left behind nothing is used."""

        async def judged(run: TargetRun) -> bool:
            await self._alone(run, self._judge(run, options))
            return run.failure is None

        able = {run.target.name: run for run in runs if run.failure is None}
        if not options.leaves_behind:
            await asyncio.gather(*map(judged, able.values()))
            return runs
        late = await self.stragglers.take("judging", {name: judged(p) for name, p in able.items()})
        # a copy: what goes on in the background has the other one
        return [
            replace(run, items=(), failure=_left_behind(run.target)) if run.target.name in late else run
            for run in runs
        ]

    async def _judge(self, run: TargetRun, options: CycleOptions) -> None:
        """Settles what an earlier cycle left open, looks at the registry, and decides."""
        if run.failure is not None:
            return
        if options.act:
            await run.executor.settler.settle_all(await self._open_manifests(run))
            # observed after settling: what a look has just adopted is then seen as adopted
            run.view = replace(run.view, entries=self.ledger.entries(run.target.name, run.scope))
        run.view = await self._observed(run, options)
        items = verdicts(run.view)
        drifted = [item.pair for item in items if item.verdict is Verdict.DRIFTED and item.pair]
        if drifted and run.scope is not None:
            run.view = replace(run.view, used_versions=await self._taken(run, drifted))
            items = verdicts(run.view)
        if any(map(is_unreadable, items)):
            self._look_no_later_than(_UNREADABLE_AGAIN)
        run.items = await self._preflighted(run, items)

    async def _open_manifests(self, run: TargetRun) -> Mapping[ModelKey, Manifest]:
        """The manifests of the imports that are to be settled."""
        pairs = [e.pair for e in self.ledger.pending(run.target.name) if e.phase is Phase.INTENDED]
        if not pairs:
            return {}
        return await self._manifests(
            run, (await self._in_git(run.declared.desired, pairs)).manifests.values()
        )

    async def _manifests(self, run: TargetRun, wanted: Iterable[ManifestRef]) -> Mapping[ModelKey, Manifest]:
        return await self._in_git(run.declared.whole, list(wanted))

    async def _observed(self, run: TargetRun, options: CycleOptions) -> PlannerInput:
        """What is registered, compared as far as it has to be in this cycle."""
        registry, in_flight = run.target.registry, run.target.timing.in_flight
        unheard = run.view.desired.manifests.keys() - run.view.entries.keys()
        view = replace(
            run.view, uncompared_ids=self.ledger.uncompared_ids(run.target.name, unheard) if unheard else {}
        )
        view, details = await observe(registry, view, only=run.scope, in_flight=in_flight)
        limit = None if options.refresh else run.target.compare_at_most
        ids, later = select_for_comparison(
            view, everything=run.full, at_most=limit, chance=self.clock.chance()
        )
        view = replace(view, later=later)
        run.compared = bool(ids)

        async def manifests(declarations: Iterable[ManifestRef]) -> Mapping[ModelKey, Manifest]:
            return await self._manifests(run, declarations)

        async def told(model_ids: Iterable[str]) -> Details:
            known = {one: details[one] for one in model_ids if one in details}
            asked = [one for one in model_ids if one not in known and one not in view.unread]
            more = await details_of(registry, asked, in_flight)
            return Details(known | more.read, more.unread)

        return await compare_observed(registry.vendor, view, [*details, *ids], told, manifests)

    async def _taken(self, run: TargetRun, drifted: Collection[ModelKey]) -> Mapping[str, frozenset[str]]:
        """Every version of these models' names that is declared, remembered or registered."""
        names = {pair.model_name for pair in drifted}
        taken = await self._in_git(run.declared.versions, names)
        remembered = self.ledger.versions(run.target.name, names)
        known = {
            name: taken[name].union(pair.model_version for pair in remembered if pair.model_name == name)
            for name in names
        }
        return await used_versions(run.target.registry, drifted, known, run.target.timing.in_flight)

    async def _preflighted(self, run: TargetRun, items: tuple[ModelState, ...]) -> tuple[ModelState, ...]:
        """The items, with what a look at the files of each new model says; an error stops that import."""
        look = run.target.preflight
        if look is None:
            return items
        found: dict[ModelKey, tuple[Reason, ...]] = {}

        async def one(item: ModelState) -> None:
            if item.pair is None:
                return
            try:
                found[item.pair] = await look(whole[item.pair])
            except ReconcilerError:
                raise
            except Exception as error:  # noqa: BLE001 - one model's files are its own matter
                told = f"its files could not be looked at: unexpected {type(error).__name__}"
                found[item.pair] = (Reason("preflight-failed", told, item.path, item.line),)

        imports = [item for item in items if item.verdict is Verdict.IMPORT]
        whole = await self._manifests(
            run, (run.view.desired.manifests[item.pair] for item in imports if item.pair)
        )
        await gather_limited(imports, one, run.target.timing.in_flight)
        if any(reason.severity == "error" for reasons in found.values() for reason in reasons):
            self._look_no_later_than(_PREFLIGHT_AGAIN)
        return tuple(
            preflighted(item, found.get(item.pair, ()))
            if item.pair and item.verdict is Verdict.IMPORT
            else item
            for item in items
        )

    def _look_no_later_than(self, seconds: float) -> None:
        """Has a cycle look again by then, although nothing that can be noticed will have changed."""
        moment = self.clock.later(seconds)
        self._look_again = min(self._look_again or moment, moment)

    def _check(self, runs: Collection[TargetRun], digest: str, options: CycleOptions) -> None:
        if options.expect not in (None, digest):
            raise moved("--expect-digest", str(options.expect), digest)
        if options.confirm is None:
            return
        confirmed = [run for run in runs if options.confirms(run.target.name)]
        if not confirmed:
            names = ", ".join(run.target.name for run in runs)
            raise ConfigurationError(
                f"there is no target {options.confirm_target} here: the targets are {names}"
            )
        known = plan_digest(item for p in confirmed for item in p.items)
        if options.confirm != known:
            raise moved("--confirm", options.confirm, known)

    async def _guard(self, runs: Collection[TargetRun], lineage: Lineage, digest: str) -> None:
        """Puts refusals in the place of what the guards hold back in these targets."""
        seen = await self._guard_context(runs, lineage.lost_commit)
        items = guard([item for run in runs for item in run.items], self.guards, seen, digest)
        for run in runs:
            run.items = tuple(item for item in items if item.target == run.target.name)

    async def _act(self, run: TargetRun, options: CycleOptions) -> None:
        if run.failure is not None:
            return
        await self._tell(run)
        imports = [
            item for item in run.items if item.verdict is Verdict.IMPORT and options.only in (None, item.pair)
        ]
        try:
            await self._import(run, imports)
            if options.wait:
                await self._see_through(run, options)
            drifted = run.executor.settler.drifts.keys()
            if drifted and run.scope is not None:
                run.view = replace(run.view, used_versions=await self._taken(run, drifted))
        finally:
            self._note_outcomes(run)

    async def _see_through(self, run: TargetRun, options: CycleOptions) -> None:
        """Waits for all outcomes; what was certainly not made is sent once more, and waited for again."""

        async def manifests() -> Mapping[ModelKey, Manifest]:
            return await self._open_manifests(run)

        await run.executor.see_through(manifests)
        open_before = {item.pair for item in run.items if item.verdict in (Verdict.IMPORT, Verdict.WAITING)}
        again = run.executor.not_made() & open_before & run.view.desired.manifests.keys()
        items = [item for item in run.items if item.pair in again and options.only in (None, item.pair)]
        if items:
            await self._import(run, items)
            await run.executor.see_through(manifests)

    def _note_outcomes(self, run: TargetRun) -> None:
        """Brings the target's items up to what acting made of them."""
        moved = [item.pair for item in run.items if item.verdict in _MOVED_BY_ACTING and item.pair]
        if moved:
            entries = self.ledger.entries(run.target.name, moved)
            run.items = tuple(sorted((self._outcome(run, item, entries) for item in run.items), key=sort_key))

    async def _import(self, run: TargetRun, items: list[ModelState]) -> None:
        """Imports some after others, so that not all their manifests are in memory together."""
        for start in range(0, len(items), _MANIFESTS_AT_ONCE):
            some = items[start : start + _MANIFESTS_AT_ONCE]
            wanted = (run.view.desired.manifests[item.pair] for item in some if item.pair)
            await run.executor.import_all(some, await self._manifests(run, wanted))

    async def _tell(self, run: TargetRun) -> None:
        """Journals what the registry showed."""
        recorder = run.executor.recorder
        told = news(run.items, run.view.entries, recorder.cycle_id, self.clock.now())
        await recorder.record(list(told))

    def _outcome(
        self, run: TargetRun, item: ModelState, entries: Mapping[ModelKey, LedgerEntry]
    ) -> ModelState:
        if item.verdict not in _MOVED_BY_ACTING or item.pair is None:
            return item
        entry = entries.get(item.pair)
        if item.verdict is Verdict.WAITING and entry == run.view.entries.get(item.pair):
            return item
        diff = run.executor.settler.drifts.get(item.pair, ())
        return apply_entry(item._replace(diff=diff), entry, self.clock.now(), run.view)

    async def _report(  # noqa: PLR0913, PLR0917 - what one cycle came to
        self,
        commit: str,
        digest: str,
        runs: list[TargetRun],
        notes: tuple[str, ...],
        options: CycleOptions,
        marks: Mapping[str, str],
    ) -> Report:
        for run in runs:
            known = self.ledger.since(run.target.name, run.scope)
            run.items = dated(run.items, known, self.clock.now() if options.act else None)
        report = Report(
            commit,
            digest,
            tuple(item for run in sorted(runs, key=lambda p: p.target.name) for item in run.items),
            tuple(run.failure for run in runs if run.failure is not None),
            notes,
        )
        if options.act:
            await self._remember(report, runs, marks)
        partial = {
            run.target.name for run in runs if run.scope is not None or (run.failure and not run.items)
        }
        return replace(report, unlisted=unlisted(report, self.ledger, partial))

    async def _remember(self, report: Report, runs: Iterable[TargetRun], lineage: Mapping[str, str]) -> None:
        """Keeps the verdicts, and after them the index they were made from."""
        judged = [run for run in runs if run.failure is None or run.items]
        marks = {
            (run.target.name, _STANDING): _standing(
                run.target, _ANY if are_counted(run.items) else report.commit
            )
            for run in judged
        }
        marks |= {(run.target.name, OBSERVED_IN_FULL): run.view.now.isoformat() for run in judged if run.full}
        marks |= {(run.target.name, COMPARED): run.view.now.isoformat() for run in judged if run.compared}
        held = any(run.declared.excess is not None for run in runs)  # this commit is not the one reconciled
        if not held and not any(item.verdict is Verdict.REFUSED for item in report.items):
            marks |= {(_REPOSITORY, name): value for name, value in lineage.items()}
        epochs = {run.target.name: run.executor.recorder.journal.epoch for run in runs}
        self.ledger.save_report(report, {run.target.name: run.scope for run in judged}, marks, epochs)
        for run in judged:
            # after the verdicts: an index at a newer commit than they are of would hide what changed between
            await self._in_git(run.declared.save)
            if run.audited:
                await self._audit(run.target)
            moving = (item.pair for item in run.items if item.verdict not in AT_REST and item.pair)
            self._moving[run.target.name] = frozenset(moving)

    async def _audit(self, target: Target) -> None:
        """Holds the index to git; one that is wrong is made anew by the next cycle."""
        wrong = await self._in_git(audit, self.source, target.index, target.reader, self.clock.chance())
        if wrong:
            self.disagreements += wrong
            await self._in_git(target.index.forget)
        else:
            await self._in_git(keep_history, self.source, target.index, target.reader)

    def _led_targets(self) -> list[Target]:
        return [target for target in self.targets if self.leadership.leads(target.name)]

    def _executor(
        self, target: Target, cycle_id: str, epoch: int | None, actor: str | None = None
    ) -> Executor:
        journal = Journal(self.ledger, self.progress, actor, epoch)
        recorder = Recorder(target.name, cycle_id, journal, self.clock, self._sent[target.name])
        holds = partial(self.leadership.holds, target.name, epoch)
        return Executor(recorder, target.registry, self.clock, target.timing, holds)


_MOVED_BY_ACTING = (Verdict.IMPORT, Verdict.PUBLISHING, Verdict.WAITING)
_RELEASED = frozenset({EventKind.RELEASED, EventKind.DELETED})
_MANIFESTS_AT_ONCE = 5000


def _admitted(run: TargetRun) -> Iterator[ModelKey]:
    """The pairs to import that were requested with this very content before, or that `retry` released."""
    for item in run.items:
        entry = run.view.entries.get(item.pair) if item.verdict is Verdict.IMPORT and item.pair else None
        if entry is not None and (entry.last in _RELEASED or entry.digest == item.digest):
            yield entry.pair


def _standing(target: Target, commit: str) -> str:
    """Names what remembered verdicts were made from."""
    return f"{commit} {target.rules}"


def _paths(desired: Desired) -> frozenset[str]:
    """The files that declare something of this, or fail to."""
    claims = [claim for claims in desired.conflicts.values() for claim in claims]
    declared_in = {declaration.path for declaration in (*desired.manifests.values(), *claims)}
    return frozenset(declared_in.union(found.path for found in desired.invalid))


def moved(option: str, promised: str, digest: str) -> GuardError:
    """What to raise where a plan is not the one that was promised."""
    return GuardError(
        f"{option} {promised} does not match the plan as it is now, {digest}: something moved. "
        "Look at it again with `reconciler plan`"
    )


def _left_behind(target: Target) -> TargetFailure:
    return TargetFailure(
        target.name,
        f"target {target.name}: its registry has not answered what it was asked; the other targets go on "
        "meanwhile, and it is asked again once that has ended",
    )


def _nothing_declared(target: Target, commit: str) -> TargetFailure:
    return TargetFailure(
        target.name,
        f"target {target.name}: commit {commit[:12]} has no directory {target.path}: "
        f"commit a first manifest there (`reconciler init` writes one), or set targets.{target.name}.path",
    )
