"""Any order of commits, faults, deaths, set clocks and strangers' deeds: after each step the promises hold.

`pytest tests/engine/test_machine.py --hypothesis-profile=torture` goes on for many minutes.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from reconciler.contract import ModelKey, edition
from reconciler.engine.clock import Clock, Timing
from reconciler.engine.cycle import Engine
from reconciler.engine.guards import Guards
from reconciler.engine.manifest_parser import ManifestParser
from reconciler.engine.options import CycleOptions
from reconciler.engine.retry import blockers, retry
from reconciler.engine.target import Target
from reconciler.engine.values import Event, LedgerEntry, Report, Verdict
from reconciler.engine.values.journal import apply_event
from reconciler.errors import GuardError
from reconciler.index import Store
from reconciler.state import open_state
from tests.effort import examples
from tests.engine.lax import DELAY, LAG, LONG_LAG, SECRET, LaxRegistry
from tests.engine.shelf import LaxShelf
from tests.engine.worlds import Crash, MemorySource, World, text
from tests.views.samples import printed

if TYPE_CHECKING:
    from reconciler.state import SqlLedger

pytestmark = pytest.mark.long

DAY = 86_400

PATHS = st.sampled_from([f"models.d/{name}.yaml" for name in ("a", "b", "c", "d")])
PAIRS = st.sampled_from([ModelKey(name, "1.0.0") for name in ("a", "b", "c")])
CONTENTS = st.sampled_from(["as declared", "mended", "otherwise"])
BAD = st.sampled_from(["model_name: [", "", "x: 1", text("b").replace("TensorFlow", "Nonsense"), "a: *b"])
FAULTS = st.sampled_from(
    ["lost", "gone", "busy", "refused", "denied", "crash", "late", "late crash", "elsewhere", "odd"]
)
PATIENT = Guards(1000, 1_000_000, allow_empty=True, allow_rewritten_history=True)


class Machine(RuleBasedStateMachine):
    """One repository, one registry, one state, and a program that lives and dies."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="machine-"))
        self.registry = LaxRegistry()
        self.world = World(self.folder, guards=Guards(max_imports_per_cycle=2), judge_all_below=0)
        self.bad: set[str] = set()
        self.latest = self.world.now
        self.reader: tuple[int | None, SqlLedger] | None = None

    @initialize(
        vendor=st.sampled_from([LaxRegistry, LaxShelf]),
        unique=st.booleans(),
        lag=st.sampled_from([LAG, LONG_LAG]),
    )
    def begin(self, vendor: type[LaxRegistry], unique: bool, lag: float) -> None:
        self.registry = self.world.registry = vendor(world=self.world, unique=unique, lag=lag)
        self.world.source.commit({"models.d/a.yaml": text("a")})

    @rule(path=PATHS, pair=PAIRS, content=CONTENTS)
    def declare(self, path: str, pair: ModelKey, content: str) -> None:
        self.bad.discard(path)
        self.world.source.commit({path: text(*pair, content)})

    @rule(path=PATHS)
    def undeclare(self, path: str) -> None:
        self.bad.discard(path)
        self.world.source.commit({path: None})

    @rule(path=PATHS, content=BAD)
    def break_a_manifest(self, path: str, content: str) -> None:
        self.bad.add(path)
        self.world.source.commit({path: content})

    @rule(path=PATHS, pair=PAIRS)
    def rewrite_the_branch(self, path: str, pair: ModelKey) -> None:
        self.bad.discard(path)
        self.world.source.rewrite()
        self.world.source.commit({path: text(*pair)})

    # --- what the program does ---------------------------------------------------------------------------

    @rule(wait=st.booleans(), refresh=st.booleans(), whole=st.booleans())
    def apply(self, wait: bool, refresh: bool, whole: bool) -> None:
        self._run(self.world.apply(wait=wait, refresh=refresh, whole=whole))

    @rule(
        after=st.integers(0, 4),
        faults=st.sampled_from([[], ["lost"], ["gone"], ["late"], ["late crash"]]),
        again=st.booleans(),
    )
    def apply_and_die(self, after: int, faults: list[str], again: bool) -> None:
        self.registry.faults[:0] = faults
        self.world.dies_after = after
        self._run(self.world.apply())
        self.world.dies_after = None
        if again:
            self._run(self.world.apply())

    @rule()
    def stop_in_the_middle(self) -> None:
        self.world.stopping = True
        self._run(self.world.apply())
        self.world.stopping = False

    @rule()
    def confirm(self) -> None:
        with contextlib.suppress(GuardError):
            self._run(self.world.apply(confirm=self._plan(self.world.source).digest))

    @rule(pair=PAIRS)
    def retry(self, pair: ModelKey) -> None:
        self._run(self._retried(pair))

    # --- what goes wrong ---------------------------------------------------------------------------------

    @rule(faults=st.lists(FAULTS, min_size=1, max_size=3))
    def err(self, faults: list[str]) -> None:
        self.registry.faults = list(faults)

    @rule(status=st.sampled_from(["published", "publishing", "failed"]))
    def publish_new_models_as(self, status: str) -> None:
        self.registry.status = status

    @rule(seconds=st.sampled_from([1.0, 20.0, 1200.0, 4000.0]))
    def wait(self, seconds: float) -> None:
        self.world.wait(seconds)

    @precondition(
        lambda self: not self.registry.late
    )  # when a call was sent is known by the wall clock alone
    @rule(seconds=st.sampled_from([-400 * DAY, -3600, 3600, 400 * DAY]))
    def set_the_clock(self, seconds: int) -> None:
        self.world.now += timedelta(seconds=seconds)
        self.latest = max(self.latest, self.world.now)

    @rule()
    def lose_the_state(self) -> None:
        self._close_reader()
        for file in self.folder.iterdir():
            file.unlink()
        self.world.wait(DELAY)
        self.registry.carry_out()  # what is under way is not known without a state
        self.world.wait(self.registry.lag)

    # --- what strangers do -------------------------------------------------------------------------------

    @precondition(lambda self: self.registry.models)
    @rule(data=st.data())
    def vanish(self, data: st.DataObject) -> None:
        self.registry.models.pop(data.draw(st.sampled_from(sorted(self.registry.models))))

    @precondition(lambda self: self.registry.models)
    @rule(data=st.data(), content=CONTENTS)
    def alter(self, data: st.DataObject, content: str) -> None:
        model_id = data.draw(st.sampled_from(sorted(self.registry.models)))
        self.registry.models[model_id]["description"] = content

    @precondition(lambda self: self.registry.models)
    @rule(data=st.data(), status=st.sampled_from(["published", "failed", "publishing"]))
    def become(self, data: st.DataObject, status: str) -> None:
        model_id = data.draw(st.sampled_from(sorted(self.registry.models)))
        self.registry.models[model_id]["model_status"] = status

    @rule(pair=PAIRS)
    def spoil_details(self, pair: ModelKey) -> None:
        self.registry.unreadable.add(pair)

    @rule()
    def mend_details(self) -> None:
        self.registry.unreadable.clear()

    @rule(pair=PAIRS, content=CONTENTS)
    def create_behind_ones_back(self, pair: ModelKey, content: str) -> None:
        if pair not in self.registry.rows() and not self.registry.late:
            self.registry.add(pair, content)

    @invariant()
    def no_pair_is_registered_twice_or_sent_again(self) -> None:
        rows = self.registry.rows()
        assert len(rows) == len(set(rows))
        assert self.registry.reposted == []

    @invariant()
    def the_journal_explains_the_ledger(self) -> None:
        folded: dict[ModelKey, LedgerEntry] = {}
        for event in self._ledger().events():
            folded[event.pair] = apply_event(folded.get(event.pair), event)
        assert folded == dict(self._ledger().entries("local"))

    @invariant()
    def a_plan_is_pure_and_the_same_without_a_memory(self) -> None:
        if not self.world.source.commits:
            return
        plan = self._plan(self.world.source)
        before = self._ledger().position()
        assert self._plan(self.world.source, self.folder / "index.db") == plan
        assert self._ledger().position() == before
        missing = {item.model_id for item in plan.items if item.verdict is Verdict.MISSING}
        assert missing.isdisjoint(self.registry.models)
        assert SECRET not in printed(plan)

    @invariant()
    def a_bad_manifest_changes_no_other_outcome(self) -> None:
        source = self.world.source
        last = {path: data for path, data in source.trees[-1].items() if path not in self.bad}
        if not last or not self.bad:
            return
        good = replace(source, trees=[*source.trees[:-1], last])
        with_bad, without = self._plan(source), self._plan(good)
        theirs = {entry.pair for entry in self._ledger().entries("local").values() if entry.path in self.bad}
        theirs |= {item.pair for item in with_bad.items if item.verdict is Verdict.INVALID and item.pair}
        others, undisturbed = _others(with_bad, theirs), _others(without, theirs)
        strangers = [item for item in undisturbed if item.verdict is Verdict.UNMANAGED]
        # nobody can tell whether a file that cannot be read declares a stranger's model
        assert all(item in others for item in undisturbed if item not in strangers)
        assert all(item in undisturbed for item in others)

    def teardown(self) -> None:
        try:
            if self.world.source.commits:
                self._comes_to_rest()
                state = b"".join(file.read_bytes() for file in self.folder.iterdir())
                assert SECRET.encode() not in state
        finally:
            self._close_reader()
            shutil.rmtree(self.folder)

    def _comes_to_rest(self) -> None:
        """Once nothing goes wrong any more, and a person retries, each declared pair is there once."""
        self.registry.faults.clear()
        self.registry.unreadable.clear()
        self.registry.status = "published"
        self.world.guards = PATIENT
        self.world.now = max(self.latest, self.world.now) + timedelta(days=1)
        for _ in range(6):
            for model in self.registry.models.values():
                if model["model_status"] == "publishing":
                    model["model_status"] = "published"
            report = asyncio.run(self.world.apply(refresh=True))
            self.world.wait(1200)
            for item in report.items:
                if item.pair and item.verdict in (Verdict.FAILED, Verdict.MISSING):
                    asyncio.run(self._retried(item.pair))
        declared = {
            item.pair: item.verdict
            for item in report.items
            if item.digest and item.verdict is not Verdict.CONFLICT
        }
        assert set(declared.values()) <= {Verdict.IN_SYNC, Verdict.DRIFTED}
        assert set(declared) <= set(self.registry.rows())
        self.no_pair_is_registered_twice_or_sent_again()
        self.the_journal_explains_the_ledger()

    def _run(self, doing: Any) -> None:
        with contextlib.suppress(Crash):
            asyncio.run(doing)
        self.latest = max(self.latest, self.world.now)

    async def _retried(self, pair: ModelKey) -> None:
        """What the command `retry` does."""
        with self.world.process() as engine:
            target = engine.targets[0]
            if target.name not in (await engine.targets_declaring(pair)).targets:
                return
            blocking = await blockers(target, pair, engine.ledger)
            if blocking is not None and not blocking.live_models:
                await retry(blocking, engine.ledger, engine.clock, _unheard)
            await engine.cycle(CycleOptions(only=pair))

    def _ledger(self) -> SqlLedger:
        """What a reader sees of the state that is there now."""
        file = self.folder / "state.db"
        there = file.stat().st_ino if file.exists() else None
        if self.reader is None or self.reader[0] != there:
            self._close_reader()
            self.reader = there, open_state(self.world.url, writer=False)
        return self.reader[1]

    def _close_reader(self) -> None:
        if self.reader is not None:
            self.reader[1].close()
            self.reader = None

    def _plan(self, source: MemorySource, index: Path | None = None) -> Report:
        """What a process that has just started would do, without an index or with one."""
        clock = Clock(lambda: self.world.now, chance=lambda: 0.5, new_id=lambda: "id")
        reader = ManifestParser(edition("seed-2019"), "models.d")
        with closing(Store(index, writes=False)) as store:
            files, commits = store.of("local", "rules"), store.history_of("local")
            target = Target("local", self.registry, reader, files, commits, timing=Timing(in_flight=2))
            fresh = Engine(source, self._ledger(), (target,), self.world.guards, clock)
            with closing(fresh.git):
                return asyncio.run(fresh.cycle(CycleOptions(act=False)))


def _unheard(_: Event) -> None:
    """Nobody listens."""


def _others(report: Report, theirs: set[ModelKey]) -> list[Any]:
    """The items that are not about bad manifests, nor about what these declared before."""
    kept = [item for item in report.items if item.verdict is not Verdict.INVALID and item.pair not in theirs]
    return [item._replace(reasons=()) if item.verdict is Verdict.REFUSED else item for item in kept]


_QUICK = settings(max_examples=examples(12), stateful_step_count=20)
TestMachine = Machine.TestCase
TestMachine.settings = _QUICK if settings.get_current_profile_name() == "suite" else settings()
