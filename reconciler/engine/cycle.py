"""One reconciliation cycle, from git to report.

    head ─▶ desired ─▶ settle ─▶ observe ─▶ verdicts ─▶ guards ─▶ import ─▶ follow ─▶ report

A target that cannot be reached is a value in the report, and the other targets go on.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from reconciler.engine.attribution import Attributions
from reconciler.engine.bounded import each
from reconciler.engine.clock import Clock, Policy
from reconciler.engine.execute import Executor
from reconciler.engine.guards import Circumstances, Guards, guard
from reconciler.engine.observe import news, observe
from reconciler.engine.plan import View, after, order, plan_digest, preflighted, verdicts
from reconciler.engine.values import (
    Attribution,
    Desired,
    Entry,
    Event,
    Item,
    Phase,
    Report,
    TargetFailure,
    Verdict,
)
from reconciler.errors import GuardError, RegistryError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from reconciler.contract.pair import Pair
    from reconciler.engine.desired import ManifestReader
    from reconciler.engine.ports import Ledger, Preflight, Registry, Source
    from reconciler.engine.values import Snapshot
    from reconciler.manifest import Reason

P = ParamSpec("P")
T = TypeVar("T")

_OBSERVED_IN_FULL = "observed-in-full-at"
_CLOCK_TOLERANCE = timedelta(minutes=1)
_PREFLIGHT_AGAIN = 60.0  # seconds; files may be mended without a commit
_REPOSITORY = ""  # marks that belong to no target
_RECONCILED = "reconciled-commit"


@dataclass(frozen=True, slots=True)
class Target:
    """One registry project, and the directory that declares what it should hold.

    Attributes:
        full_observation: how long a model that was found equal is taken for equal without being compared.
        preflight: looks at a model's files before its import is asked for; None does not.
    """

    name: str
    path: str
    registry: Registry
    reader: ManifestReader
    policy: Policy = field(default_factory=Policy)
    full_observation: timedelta = timedelta(hours=1)
    preflight: Preflight | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """What one cycle is asked to do.

    Attributes:
        act: False only plans and changes nothing at all.
        wait: follow each import until it is final.
        refresh: compare every declared model with the registry, whatever is remembered.
        expect: refuse unless the plan has this digest.
        confirm: go through the guards if the plan has this digest, and refuse if it has not.
        only: import nothing but this pair; None for all.
    """

    act: bool = True
    wait: bool = True
    refresh: bool = False
    expect: str | None = None
    confirm: str | None = None
    only: Pair | None = None


@dataclass(slots=True)
class _Pass:
    """One target on its way through one cycle."""

    target: Target
    executor: Executor
    view: View
    items: tuple[Item, ...] = ()
    failure: TargetFailure | None = None
    full: bool = False


@dataclass(slots=True)
class Engine:
    """Runs cycles over all targets of one source. One cycle at a time.

    `progress` hears of every event as it is recorded; git runs in one worker thread.
    """

    source: Source
    ledger: Ledger
    targets: tuple[Target, ...]
    guards: Guards = field(default_factory=Guards)
    clock: Clock = field(default_factory=Clock)
    progress: Callable[[Event], None] = lambda _: None
    _git: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "git"))
    _look_again: datetime | None = None
    _declaring: dict[str, frozenset[Pair]] = field(default_factory=dict)
    _authors: Attributions = field(default_factory=Attributions)

    async def head(self) -> str:
        """The commit that the wanted branch has now. Raises SourceError."""
        return await self._in_git(self.source.head)

    async def cycle(self, wanted: Order, commit: str | None = None) -> Report:
        """One cycle, at the branch's head unless a commit is given.

        Raises:
            SourceError: git could not be read at all.
            GuardError: the plan is not the one that `expect` or `confirm` names.
            StateError: the state could not be used.
        """
        commit = commit or await self.head()
        self._look_again = None
        notes = [*await self._in_git(self.source.notes), *self._clock_notes()]
        cycle_id = self.clock.new_id()
        passes = [await self._declared(target, commit, cycle_id) for target in self.targets]
        await asyncio.gather(*(self._judge(p, wanted) for p in passes))
        digest = plan_digest(item for p in passes for item in p.items)
        self._check(digest, wanted)
        if wanted.confirm is None:
            everything = [item for p in passes for item in p.items]
            items = guard(everything, self.guards, await self._circumstances(passes, commit), digest)
            for p in passes:
                p.items = tuple(item for item in items if item.target == p.target.name)
        if wanted.act:
            await asyncio.gather(*(self._act(p, wanted) for p in passes))
        return self._report(commit, digest, passes, tuple(notes), wanted)

    def _clock_notes(self) -> list[str]:
        """Whether the clock stands before what the journal says has happened already.

        Nothing is decided by it: the journal's order is that of its numbers. But what waits for a moment
        waits longer, and a history with such times misleads.
        """
        newest, now = self.ledger.newest(), self.clock.now()
        if newest is None or newest <= now + _CLOCK_TOLERANCE:
            return []
        told = (
            f"this clock says {now:%Y-%m-%d %H:%M:%SZ}, the journal's last event {newest:%Y-%m-%d %H:%M:%SZ}"
        )
        return [f"{told}: set the clock; what is due later waits until then"]

    async def _circumstances(self, passes: Iterable[_Pass], commit: str) -> Circumstances:
        """What the guards want to know; git is asked only when the branch has moved."""
        vanished = {
            (p.target.name, entry.pair): entry.disappearances
            for p in passes
            for entry in p.view.entries.values()
            if entry.disappearances
        }
        last = self.ledger.marks(_REPOSITORY).get(_RECONCILED)
        kept = last in (None, commit) or await self._in_git(self.source.contains, commit, str(last))
        return Circumstances(None if kept else last, vanished)

    async def declaring(self, pair: Pair) -> frozenset[str]:
        """The names of the targets in which exactly one valid manifest declares the pair now."""
        commit = await self.head()
        found = [(target.name, await self._desired(target, commit)) for target in self.targets]
        return frozenset(name for name, (_, desired) in found if pair in desired.manifests)

    async def follow_once(self) -> int:
        """Asks once for every unfinished import of every target; gives how many are left unfinished."""
        executors = [self._executor(target, self.clock.new_id()) for target in self.targets]
        for executor in executors:
            await executor.follow_once()
        return sum(len(executor.unfinished()) for executor in executors)

    def unfinished(self) -> int:
        """How many imports are not final yet, as far as is remembered."""
        return sum(len(self._executor(target, "").unfinished()) for target in self.targets)

    def due(self) -> datetime | None:
        """The earliest moment at which a cycle has something to do although git did not change."""
        moments = [self._look_again] if self._look_again else []
        for target in self.targets:
            declared = self._declaring.get(target.name, frozenset())
            moments += [
                entry.not_before or entry.updated_at
                for entry in self.ledger.restless(target.name)
                if entry.pair in declared and entry.phase is not Phase.REGISTERED
            ]
            moments.append(self._observed_in_full(target) + target.full_observation)
        return min(moments, default=None)

    def close(self) -> None:
        """Ends the worker thread; safe to call twice."""
        self._git.shutdown(wait=True)

    async def _in_git(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._git, lambda: call(*args, **kwargs))

    async def _desired(self, target: Target, commit: str) -> tuple[Snapshot, Desired]:
        snapshot = await self._in_git(self.source.snapshot, commit, target.path)
        return snapshot, await self._in_git(target.reader.desired, self.source, snapshot)

    async def _declared(self, target: Target, commit: str, cycle_id: str) -> _Pass:
        snapshot, desired = await self._desired(target, commit)
        self._declaring[target.name] = frozenset(desired.manifests)
        view = View(
            target.name,
            desired,
            self.clock.now(),
            entries=self.ledger.entries(target.name),
            attributions=await self._in_git(self._attributions, target, snapshot, desired),
        )
        return _Pass(
            target,
            self._executor(target, cycle_id),
            view,
            failure=None if snapshot.exists or view.entries else _nothing_declared(target, commit),
        )

    def _attributions(
        self, target: Target, snapshot: Snapshot, desired: Desired
    ) -> Mapping[str, Attribution]:
        """Who last touched each file that declares, or fails to declare, something."""
        claimed = {claim.path for claims in desired.conflicts.values() for claim in claims}
        wanted = {
            *(manifest.path for manifest in desired.manifests.values()),
            *claimed,
            *(found.path for found in desired.invalid),
        }
        return self._authors.of(target.name, self.source, snapshot, wanted)

    async def _judge(self, p: _Pass, wanted: Order) -> None:
        """Settles what an earlier cycle left open, looks at the registry, and decides."""
        if p.failure is not None:
            return
        try:
            if wanted.act:
                await p.executor.settle_all(p.view.desired.manifests)
                p.view = replace(p.view, entries=self.ledger.entries(p.target.name))
            p.full = wanted.refresh or self._full_observation_due(p.target)
            p.view = await observe(
                p.view, p.target.registry, everything=p.full, in_flight=p.target.policy.in_flight
            )
            p.items = await self._preflighted(p, verdicts(p.view))
        except RegistryError as error:
            p.failure = TargetFailure(p.target.name, f"target {p.target.name}: {error}", error.exit_code)

    async def _preflighted(self, p: _Pass, items: tuple[Item, ...]) -> tuple[Item, ...]:
        """The items, with what a look at the files of each new model says; an error stops that import."""
        look = p.target.preflight
        if look is None:
            return items
        found: dict[Pair, tuple[Reason, ...]] = {}

        async def one(item: Item) -> None:
            if item.pair is not None:
                found[item.pair] = await look(p.view.desired.manifests[item.pair])

        imports = [item for item in items if item.verdict is Verdict.IMPORT]
        await each(imports, one, p.target.policy.in_flight)
        if any(reason.severity == "error" for reasons in found.values() for reason in reasons):
            self._look_again = self.clock.later(_PREFLIGHT_AGAIN)
        return tuple(
            preflighted(item, found.get(item.pair, ()))
            if item.pair and item.verdict is Verdict.IMPORT
            else item
            for item in items
        )

    def _check(self, digest: str, wanted: Order) -> None:
        for name, promised in (("--expect-digest", wanted.expect), ("--confirm", wanted.confirm)):
            if promised is not None and promised != digest:
                raise GuardError(
                    f"{name} {promised} does not match the plan as it is now, {digest}: something moved. "
                    "Look at it again with `reconciler plan`"
                )

    async def _act(self, p: _Pass, wanted: Order) -> None:
        if p.failure is not None:
            return
        self._observed(p)
        imports = [
            item for item in p.items if item.verdict is Verdict.IMPORT and wanted.only in (None, item.pair)
        ]
        try:
            await p.executor.import_all(imports, p.view.desired.manifests)
            if wanted.wait:
                await p.executor.follow()
        except RegistryError as error:
            p.failure = TargetFailure(p.target.name, f"target {p.target.name}: {error}", error.exit_code)
        entries = self.ledger.entries(p.target.name)
        p.items = tuple(sorted((self._outcome(item, entries) for item in p.items), key=order))

    def _observed(self, p: _Pass) -> None:
        """Journals what the registry showed, and that it was looked at in full."""
        events = list(news(p.items, p.view.entries, p.executor.cycle_id, self.clock.now()))
        if events:
            self.ledger.append(events)
        for event in events:
            self.progress(event)
        if p.full:
            self.ledger.mark(p.target.name, _OBSERVED_IN_FULL, self.clock.now().isoformat())

    def _outcome(self, item: Item, entries: Mapping[Pair, Entry]) -> Item:
        if item.verdict not in (Verdict.IMPORT, Verdict.PUBLISHING) or item.pair is None:
            return item
        return after(item, entries.get(item.pair), self.clock.now())

    def _report(
        self, commit: str, digest: str, passes: Iterable[_Pass], notes: tuple[str, ...], wanted: Order
    ) -> Report:
        report = Report(
            commit,
            digest,
            tuple(item for p in sorted(passes, key=lambda p: p.target.name) for item in p.items),
            tuple(p.failure for p in passes if p.failure is not None),
            notes,
        )
        if wanted.act:
            self.ledger.save_report(report)
            if not any(item.verdict is Verdict.REFUSED for item in report.items):
                self.ledger.mark(_REPOSITORY, _RECONCILED, commit)
        return report

    def _executor(self, target: Target, cycle_id: str) -> Executor:
        return Executor(
            target.name, cycle_id, target.registry, self.ledger, self.clock, target.policy, self.progress
        )

    def _observed_in_full(self, target: Target) -> datetime:
        """When every model was last compared; long ago if never."""
        told = self.ledger.marks(target.name).get(_OBSERVED_IN_FULL)
        return datetime.fromisoformat(told) if told else self.clock.now() - target.full_observation

    def _full_observation_due(self, target: Target) -> bool:
        return self._observed_in_full(target) + target.full_observation <= self.clock.now()


def _nothing_declared(target: Target, commit: str) -> TargetFailure:
    return TargetFailure(
        target.name,
        f"target {target.name}: commit {commit[:12]} has no directory {target.path}: "
        f"commit a first manifest there, or set targets.{target.name}.path",
    )
