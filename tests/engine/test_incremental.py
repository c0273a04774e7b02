"""What changed is all that is looked at, and it comes to the same as looking at everything."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import tempfile
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from reconciler.contract import ModelKey, edition
from reconciler.engine.clock import Clock, Timing
from reconciler.engine.cycle import Engine
from reconciler.engine.guards import Guards
from reconciler.engine.judge import used_versions
from reconciler.engine.manifest_parser import ManifestParser
from reconciler.engine.options import CycleOptions
from reconciler.engine.ports.git import Index, KeptHistory
from reconciler.engine.target import Target
from reconciler.engine.values import Verdict
from reconciler.engine.verify_index import verify_index
from reconciler.index import Store
from reconciler.source import open_source
from reconciler.source.commands import Commands
from reconciler.state import open_state
from tests.effort import examples
from tests.engine.shelf import ShelfRegistry
from tests.engine.worlds import START, MemoryRegistry, World, text
from tests.git_repository import GitRepository

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from reconciler.engine.values import ModelState, ObservedModel, Report

pytestmark = pytest.mark.long

PATIENT = Guards(1000, 1000, allow_empty=True, allow_rewritten_history=True)
CONFIG = 'initial_config_file: "config.json"\n'
NAMES = [f"models.d/{name}" for name in ("a.yaml", "b.yaml", "team/c.yaml", "team/d.yaml")]
CONTENTS = [
    *(text(name, version) for name in "ab" for version in ("1.0.0", "1.0.1")),
    text("a", description="otherwise"),
    text("a") + "---\n" + text("b", "2.0.0"),
    text("c") + CONFIG,
    "model_name: [",
    text("b").replace("TensorFlow", "Nonsense"),
]
CONFIGS = ['{"model_type": "TensorFlow"}', "{", None]

edits = st.dictionaries(st.sampled_from(NAMES), st.sampled_from([*CONTENTS, None]), min_size=1, max_size=3)
configs = st.dictionaries(
    st.sampled_from(["models.d/config.json", "models.d/team/config.json"]),
    st.sampled_from(CONFIGS),
    max_size=1,
)
kinds = st.sampled_from(["commit", "commit", "commit", "merge", "rewrite", "rename", "back"])
ACTED_ON = {Verdict.IN_SYNC, Verdict.FAILED, Verdict.WAITING}
faults = st.lists(st.sampled_from(["", "elsewhere", "lost", "gone", "refused"]), max_size=3)
steps = st.lists(st.tuples(kinds, edits, configs, faults), min_size=1, max_size=5)


@dataclass
class Bench:
    """A real repository, a registry in memory, a state and an index."""

    folder: Path
    repository: GitRepository
    registry: MemoryRegistry
    now: datetime = START

    @property
    def url(self) -> str:
        return f"sqlite:///{self.folder / 'state.db'}"

    def time(self) -> datetime:
        """What the clock shows."""
        return self.now

    @contextmanager
    def engine(self, index: Path | None, rules: str = "rules", below: int = 0) -> Iterator[Engine]:
        """One process."""

        async def sleep(seconds: float) -> None:
            self.now += timedelta(seconds=seconds)

        with (
            open_source("repo", branch="main", cache_dir=self.folder, base=self.folder) as source,
            open_state(self.url, writer=True) as ledger,
            closing(Store(index, writes=True)) as store,
        ):
            clock = Clock(self.time, sleep, lambda: 0.5)
            engine = Engine(source, ledger, self.targets(store, rules, below), PATIENT, clock)
            with closing(engine.git):
                yield engine

    def targets(self, store: Store, rules: str, below: int) -> tuple[Target, ...]:
        """All that is reconciled."""
        return (self.target("models.d", self.registry, "local", store, rules, below),)

    @staticmethod
    def target(  # noqa: PLR0917 - of what it is
        path: str, registry: MemoryRegistry, name: str, store: Store, rules: str, below: int
    ) -> Target:
        """One of them."""
        return Target(
            name,
            registry,
            ManifestParser(edition("seed-2019"), path),
            store.of(name, rules),
            store.history_of(name),
            rules=rules,
            timing=Timing(in_flight=4),
            judge_all_below=below,
        )

    def apply(self, rules: str = "rules") -> Report:
        """One cycle over what changed; everything that is remembered after it."""
        with self.engine(self.folder / "index.db", rules) as engine:
            report = asyncio.run(engine.cycle(CycleOptions(whole=False)))
            assert verify_index(engine.source, engine.targets[0], 0.3) == 0
            last_report = engine.ledger.last_report()
            assert last_report is not None
            assert report.counted() == last_report.counted()
            return last_report

    def apply_what_is_due(self) -> Report:
        """As a loop does: an attempt that came due while a cycle was waiting is made by another one."""
        report = self.apply()
        while any(item.next_attempt_at and item.next_attempt_at <= self.now for item in report.items):
            report = self.apply()
        return report

    def plan(self) -> Report:
        """What a process finds that knows nothing of what files said before."""
        with self.engine(None) as engine:
            return asyncio.run(engine.cycle(CycleOptions(act=False)))


@contextmanager
def bench() -> Iterator[Bench]:
    folder = Path(tempfile.mkdtemp(prefix="increments-"))
    try:
        yield Bench(folder, GitRepository(folder / "repo"), MemoryRegistry())
    finally:
        shutil.rmtree(folder)


def sorted_items(report: Report) -> list[ModelState]:
    """The items, in one order."""
    return sorted(report.items, key=repr)


def change(repository: GitRepository, kind: str, files: dict[str, str | None]) -> None:
    """One step of a history; what is to be deleted and is not there is left out."""
    before = {n: f.read_text() if (f := repository.path / n).exists() else None for n in files}
    files = {name: content for name, content in files.items() if content is not None or before[name]}
    if kind == "merge":
        repository.git("branch", "--force", "side")
        repository.git("checkout", "--quiet", "side")
        repository.commit(files)
        repository.git("checkout", "--quiet", "main")
        repository.commit({"aside.txt": str(len(repository.git("log", "--oneline")))})
        who = ("-c", "user.name=M", "-c", "user.email=m@example.org")
        repository.git(*who, "merge", "--quiet", "--no-edit", "-X", "theirs", "side")
    elif kind == "rewrite":
        repository.git(
            "-c",
            "user.name=R",
            "-c",
            "user.email=r@example.org",
            "commit",
            "--quiet",
            "--amend",
            "--allow-empty",
            "-m",
            "Again",
        )
        repository.commit(files)
    elif kind == "rename":
        there = [name for name in NAMES if (repository.path / name).exists()]
        if there:
            content = (repository.path / there[0]).read_text()
            repository.commit({there[0]: None, "models.d/team/moved.yaml": content})
    elif kind == "back":
        repository.commit(files)
        repository.commit({name: before[name] for name in files})
    else:
        repository.commit(files)


DUE_MEANWHILE: list[tuple[str, dict[str, str | None], dict[str, str | None], list[str]]] = [
    ("commit", {NAMES[0]: text("a"), NAMES[1]: text("a")}, {}, ["", ""]),
    ("commit", {"models.d/team/c.yaml": text("a", "1.0.1")}, {}, ["gone", "gone", "lost"]),
    ("commit", {"models.d/team/d.yaml": text("b")}, {}, ["elsewhere"]),
]


@given(registry=st.sampled_from([MemoryRegistry, ShelfRegistry]), steps=steps)
@example(registry=MemoryRegistry, steps=DUE_MEANWHILE)
@settings(
    max_examples=examples(25),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
def test_what_cycles_over_changes_remember_is_what_a_look_at_everything_finds(
    registry: type[MemoryRegistry],
    steps: list[tuple[str, dict[str, str | None], dict[str, str | None], list[str]]],
) -> None:
    """After edits, renames, merges, reverts, rewritten history and failed imports; credits included."""
    with bench() as made:
        made.registry = registry()
        made.repository.commit({NAMES[0]: text("a"), "aside.txt": "0"})
        made.apply()
        for kind, files, config, wrong in steps:
            made.registry.faults = list(wrong)
            change(made.repository, kind, files | config)
            report = made.apply_what_is_due()
            plan = made.plan()
            assert sorted_items(report) == sorted_items(plan)
            assert report.digest == plan.digest or {i.verdict for i in plan.items} & ACTED_ON


@pytest.mark.parametrize("fault", ["gone", "refused"])
def test_what_was_not_made_is_sent_once_more_although_an_invalid_document_claims_the_pair(fault: str) -> None:
    """The first answer is lost, and nothing was made: one more call, whatever the second document says."""
    with bench() as made:
        invalid = text("b").replace("TensorFlow", "Nonsense")
        made.repository.commit({NAMES[0]: text("b"), NAMES[2]: invalid})
        made.registry.faults = ["gone", "" if fault == "gone" else fault]
        made.apply()
        assert made.registry.calls == [ModelKey("b", "1.0.0")] * 2
        assert len(made.registry.models) == (fault == "gone")


def _strangers(made: Bench, *versions: str) -> None:
    """Versions of `a` that somebody else registers, with other content."""
    for version in versions:
        request = {"model_name": "a", "model_version": version, "description": "a stranger's"}
        made.registry.models[f"s-{version}"] = {**request, "model_id": version, "model_status": "published"}


def test_the_advice_on_a_drifted_model_knows_what_a_cycle_over_changes_did_not_list() -> None:
    """The next free version is the same one, whoever registered those between since the last whole look."""
    with bench() as made:
        made.repository.commit({NAMES[0]: text("a"), NAMES[1]: text("b")})
        made.apply()
        _strangers(made, "1.0.1", "1.0.2")
        made.repository.commit({NAMES[0]: text("a", description="otherwise"), NAMES[2]: text("a", "1.0.3")})
        advised = [item.reasons for item in made.apply().items if item.verdict is Verdict.DRIFTED]
        assert advised == [i.reasons for i in made.plan().items if i.verdict is Verdict.DRIFTED]
        assert "as version 1.0.4" in advised[0][0].message


class _Asked(MemoryRegistry):
    """Counts the questions after a pair."""

    asked = 0

    async def find(self, pair: ModelKey) -> Sequence[ObservedModel]:
        self.asked += 1
        return await super().find(pair)


def test_advice_on_a_drifted_model_asks_the_registry_a_bounded_number_of_questions() -> None:
    """Imports wait for it: of thousands of versions that somebody registered, the first few are enough."""
    registry = _Asked()
    for number in range(1, 500):
        request = {"model_name": "a", "model_version": f"1.{number // 100}.{number % 100}"}
        registry.models[str(number)] = {**request, "model_id": str(number), "model_status": "published"}
    drifted = [ModelKey("a", "1.0.0")]
    versions = asyncio.run(used_versions(registry, drifted, {"a": {"1.0.0"}}, 1))
    assert len(versions["a"]) == registry.asked + 1 < len(registry.models) / 4


def test_drift_that_an_import_comes_upon_is_told_as_the_next_plan_tells_it() -> None:
    """A model that was registered between the look and the call, with other content: the advice included."""
    with bench() as made:
        made.repository.commit({NAMES[1]: text("b")})
        made.apply()
        _strangers(made, "1.0.0", "1.0.1")
        made.registry.hidden = 1
        made.repository.commit({NAMES[0]: text("a")})
        report, plan = made.apply(), made.plan()
        drifted = [item for item in report.items if item.verdict is Verdict.DRIFTED]
        assert drifted == [item for item in plan.items if item.verdict is Verdict.DRIFTED]
        assert "as version 1.0.2" in drifted[0].reasons[0].message


def test_rules_that_changed_are_applied_to_what_did_not_change() -> None:
    """What files said by other rules is not believed, and every verdict is made anew."""
    with bench() as made:
        made.repository.commit({NAMES[0]: text("a"), NAMES[1]: text("b")})
        made.apply()
        with made.engine(made.folder / "index.db", "others") as engine:
            asyncio.run(engine.cycle(CycleOptions(whole=False)))
            assert engine.last.parsed == 2
        with made.engine(made.folder / "index.db", "others") as engine:
            asyncio.run(engine.cycle(CycleOptions(whole=False)))
            assert engine.last.parsed == 0


def test_an_old_commit_that_was_collected_costs_a_listing_and_no_reading() -> None:
    """Files of the same content are not read again, whatever became of history."""
    with bench() as made:
        made.repository.commit({NAMES[0]: text("a")})
        made.repository.commit({NAMES[1]: text("b")})
        made.apply()
        made.repository.git("reset", "--quiet", "--hard", "HEAD~1")
        made.repository.commit({NAMES[1]: text("b"), NAMES[2]: text("c")}, "Again")
        made.repository.git("reflog", "expire", "--expire=now", "--all")
        made.repository.git("gc", "--quiet", "--prune=now")
        with made.engine(made.folder / "index.db") as engine:
            asyncio.run(engine.cycle(CycleOptions(whole=False)))
            assert engine.last.parsed == 1
        assert sorted_items(made.apply()) == sorted_items(made.plan())


@pytest.mark.parametrize("rewritten", [False, True])
def test_a_folder_that_moves_is_not_read_again(*, rewritten: bool) -> None:
    """What its files say is known by their contents, and it is what reading them would have told.

    Also where everything is looked at anew, as after a commit that changes very much, or rewrites history.
    """
    moving = {f"models.d/old/{n}.yaml": text(f"m{n}") for n in range(201)}
    several = text("x") + "---\n" + text("y").replace("description", "# noted\ndescription")
    odd = {"models.d/old/several.yml": several, "models.d/old/broken.yaml": "model_name: ["}
    with bench() as made:
        made.repository.commit({**moving, **odd})
        made.apply()
        (made.repository.path / "models.d/old").rename(made.repository.path / "models.d/new")
        if rewritten:
            made.repository.git("checkout", "--quiet", "--orphan", "other")
        made.repository.commit({})
        if rewritten:
            made.repository.git("branch", "--force", "main", "other")
        with made.engine(made.folder / "index.db") as engine:
            asyncio.run(engine.cycle(CycleOptions(whole=False)))
            assert engine.last.parsed == 1  # what is wrong with a file is told with its place
        assert sorted_items(made.apply()) == sorted_items(made.plan())


def test_a_branch_that_took_in_what_it_forked_from_costs_no_walk_through_history() -> None:
    """A merge whose first parent is the side: what the other parent holds is looked up, not searched for."""
    with bench() as made:
        made.repository.commit({NAMES[0]: text("a")})
        for number in range(5):
            made.repository.commit({f"models.d/m{number}.yaml": text(f"m{number}")})
        made.apply()
        git = made.repository.git
        git("checkout", "--quiet", "-b", "side", "HEAD~5")
        made.repository.commit({NAMES[1]: text("b")})
        who = ("-c", "user.name=M", "-c", "user.email=m@example.org")
        git(*who, "merge", "--quiet", "--no-edit", "main")
        git("branch", "--force", "main", "side")
        git("checkout", "--quiet", "main")
        with made.engine(made.folder / "index.db") as engine:
            before = Commands.started
            asyncio.run(engine.cycle(CycleOptions(whole=False)))
            started = ["config", "status", "log", "diff-tree", "ls-tree", "cat-file", "ls-tree"]
            assert Commands.started - before == len(started)
        assert sorted_items(made.apply()) == sorted_items(made.plan())


@pytest.mark.parametrize("port", [Index, KeptHistory])
def test_what_is_cached_of_git_has_few_doors(port: type) -> None:
    """Six at most of files, by one of which alone anything is written, and fewer of what commits did."""
    doors = {name for name in vars(port) if not name.startswith("_")}
    assert len(doors) <= 6
    assert ("save" in doors) is (port is Index)


def test_the_index_is_opened_when_a_cycle_first_asks_it() -> None:
    """A process that only stands by, or ends before, opens and makes nothing."""
    with bench() as made:
        made.repository.commit({NAMES[0]: text("a")})
        file = made.folder / "index.db"
        with made.engine(file) as engine:
            assert not file.exists()
            asyncio.run(engine.cycle(CycleOptions()))
            assert file.exists()


def test_history_is_kept_with_the_index_and_thrown_away_with_it() -> None:
    """It moves with each cycle, is made anew after history was rewritten, and forgotten with the index."""
    with bench() as made:
        made.repository.commit({NAMES[0]: text("a")})
        for kind in ("commit", "merge", "rename", "rewrite", "back"):
            change(made.repository, kind, {NAMES[1]: text("b", description=kind), "aside.txt": kind})
            made.apply()
            with made.engine(made.folder / "index.db") as engine:
                kept = engine.targets[0].history
                assert kept.base() == engine.source.head()
                assert kept.number() == int(made.repository.git("rev-list", "--count", "HEAD"))
                assert {pair.model_name for pair, _ in kept.changes()} >= {"a", "b"}
        with made.engine(made.folder / "index.db") as engine:
            index, kept = engine.targets[0].index, engine.targets[0].history
            index.save(None, {}, whole=True)
            assert (kept.base(), list(kept.changes())) == (None, [])


def test_history_that_was_cut_off_is_kept_once_it_is_whole(tmp_path: Path) -> None:
    """Of a shallow clone none is; after it was made whole, the next full look keeps it."""
    origin = GitRepository(tmp_path / "origin")
    origin.commit({NAMES[0]: text("a")})
    origin.commit({NAMES[0]: text("a", description="new"), NAMES[1]: text("b")})
    origin.git("clone", "--quiet", "--depth=1", origin.path.as_uri(), str(tmp_path / "repo"))
    made = Bench(tmp_path, GitRepository(tmp_path / "repo"), MemoryRegistry())
    made.apply()
    with made.engine(tmp_path / "index.db") as engine:
        assert engine.targets[0].history.base() is None
    made.repository.git("fetch", "--quiet", "--unshallow")
    with made.engine(tmp_path / "index.db") as engine:
        engine.targets = (replace(engine.targets[0], full_observation=timedelta(0)),)
        asyncio.run(engine.cycle(CycleOptions()))
        assert engine.targets[0].history.number() == 2
        assert verify_index(engine.source, engine.targets[0], 0.0) == 0


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE document SET blob = '0000'",
        "UPDATE document SET digest = 'other'",
        "DELETE FROM document",
        "UPDATE document SET last_commits = replace(last_commits, 'A. Author', 'Nobody')",
        "DELETE FROM change",
        "DELETE FROM branch",
        "UPDATE change SET deleted = 1",
        "UPDATE branch SET subject = 'another'",
    ],
)
def test_an_index_that_is_wrong_is_counted_and_made_anew(damage: str) -> None:
    """The periodic check finds it; from the next cycle on it is right."""
    with bench() as made:
        made.repository.commit({NAMES[0]: text("a"), NAMES[1]: text("b")})
        made.apply()
        with closing(sqlite3.connect(made.folder / "index.db")) as database:
            database.execute(damage)
            database.commit()
        with made.engine(made.folder / "index.db") as engine:
            engine.targets = (replace(engine.targets[0], full_observation=timedelta(0)),)
            asyncio.run(engine.cycle(CycleOptions()))
            assert engine.last.disagreements > 0
            asyncio.run(engine.cycle(CycleOptions()))
            assert verify_index(engine.source, engine.targets[0], 0.0) == 0
        assert sorted_items(made.apply()) == sorted_items(made.plan())


@pytest.mark.parametrize("content", [b"", b"not a database at all" * 100, b"SQLite format 3\0" + b"x" * 5000])
def test_an_index_that_cannot_be_read_counts_as_empty(content: bytes) -> None:
    """It is only a cache."""
    with bench() as made:
        made.repository.commit({NAMES[0]: text("a")})
        (made.folder / "index.db").write_bytes(content)
        assert {item.verdict for item in made.apply().items} == {Verdict.IN_SYNC}
        with made.engine(made.folder / "index.db") as engine:
            asyncio.run(engine.cycle(CycleOptions(whole=False)))
            assert engine.last.parsed == 0


def test_a_damaged_page_of_the_index_costs_a_reading_of_everything() -> None:
    """Found in the middle of a cycle: the cycle begins again without it."""
    with bench() as made:
        made.repository.commit({f"models.d/{n}.yaml": text(f"model-{n}") for n in range(60)})
        made.apply()
        with closing(sqlite3.connect(made.folder / "index.db")) as database:
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        data = bytearray((made.folder / "index.db").read_bytes())
        data[4096:] = bytes(len(data) - 4096)
        (made.folder / "index.db").write_bytes(bytes(data))
        made.repository.commit({"models.d/new.yaml": text("new")})
        assert sorted_items(made.apply()) == sorted_items(made.plan())


def test_models_that_were_only_seen_are_compared_some_at_a_time_and_missed_when_gone(tmp_path: Path) -> None:
    """After the state was lost: nothing is imported twice, and nothing that vanished comes back by itself."""
    world = World(tmp_path, judge_all_below=0)
    world.source.commit({f"models.d/{n}.yaml": text(f"m{n}") for n in range(6)})
    asyncio.run(world.apply())
    (tmp_path / "state.db").unlink()

    async def cycle(*, whole: bool) -> Report:
        with world.process() as engine:
            target = replace(engine.targets[0], compare_at_most=2)
            engine.targets = (target,)
            return await engine.cycle(CycleOptions(whole=whole))

    report = asyncio.run(cycle(whole=True))
    assert {item.verdict for item in report.items} == {Verdict.IN_SYNC}
    assert sum(item.digest is None for item in report.items) == 4
    assert all(item.reasons[0].code == "not-compared" for item in report.items if item.digest is None)
    gone = next(item for item in report.items if item.digest is None)
    assert gone.model_id is not None
    del world.registry.models[gone.model_id]
    report = asyncio.run(cycle(whole=True))
    assert [item.title for item in report.items if item.verdict is Verdict.MISSING] == [gone.title]
    calls = len(world.registry.calls)
    for _ in range(4):
        world.wait(31)
        report = asyncio.run(cycle(whole=False))
    report = asyncio.run(cycle(whole=True))
    assert sum(item.digest is None for item in report.items) == 0
    assert len(world.registry.calls) == calls
