"""Status, plan and history agree with git, whatever became of a repository, the state and the clocks."""

from __future__ import annotations

import shutil
import tempfile
from collections import defaultdict
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from reconciler.app.audit import restore, write_once
from reconciler.app.history import HistoryQuery
from reconciler.app.history import history as history_of
from reconciler.app.repository import part_of
from reconciler.app.status_at import status_at
from reconciler.cli.asked import written
from reconciler.contract.model_key import ModelKey
from reconciler.engine.clock import Clock
from reconciler.engine.history import model_changes
from reconciler.engine.note_lines import note_line
from reconciler.engine.values import Verdict
from reconciler.index import Store
from reconciler.settings import load
from reconciler.source import open_source
from reconciler.state import compact, open_state, rebuild
from reconciler.views import history
from reconciler.views.history import Declaration
from tests.effort import examples
from tests.engine.test_incremental import Bench
from tests.engine.worlds import MemoryRegistry, text
from tests.git_repository import GitRepository

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from datetime import datetime

    from reconciler.engine.target import Target
    from reconciler.engine.values import ModelState, Report
    from reconciler.settings import Configuration
    from reconciler.source import GitSource
    from reconciler.views.history import HistoryRow

pytestmark = pytest.mark.long

FILES = ("models.d/a.yaml", "models.d/b.yaml", "models.d/team/c.yml")
MODELS = [text("a"), text("a", description="otherwise"), text("b"), text("a", "1.0.1"), text("c")]
BROKEN = "model_name: a\nmodel_version: 1.0.0\nmodel_type: [\n"
CONFIGURATION = """
[source]
repo = "repo"
branch = "main"
[targets.local]
kind = "embedded"
[targets.spare]
kind = "embedded"
path = "models.d/team"
[state]
dir = "{folder}"
url = "sqlite:///{state}"
[audit]
notes = "refs/notes/reconciler"
"""
PATHS = {"local": "models.d", "spare": "models.d/team"}
WHO = ("-c", "user.name=M", "-c", "user.email=m@example.org")

documents = st.lists(st.sampled_from([*MODELS, BROKEN]), min_size=1, max_size=3, unique=True)
contents = st.none() | documents.map("---\n".join)
edits = st.dictionaries(st.sampled_from(FILES), contents, min_size=1, max_size=3)
MERGES = {"merge": "--strategy-option=theirs", "discard": "--strategy=ours", "octopus": ""}
EDITS = ["commit", "commit", "back", "rename", "split", "join", "mode", "amend", "rewind", *MERGES]
AUTHORS = ("Ada <ada@example.org>", "Bob <bob@example.org>")
MEMORY = ("lost", "refolded", "from notes", "archived")
KINDS = [*EDITS, *MEMORY, "cycle"]
steps = st.lists(st.tuples(st.sampled_from(KINDS), edits, st.integers(0, 60)), min_size=2, max_size=7)


@dataclass
class MovingBench(Bench):
    """Two targets; its clock never shows the same moment twice, as a real one does."""

    spare: MemoryRegistry = field(default_factory=MemoryRegistry)

    def targets(self, store: Store, rules: str, below: int) -> tuple[Target, ...]:
        """The other one has what lies in a folder of its own."""
        others = rules.replace(PATHS["local"], PATHS["spare"], 1)
        spare = self.target(PATHS["spare"], self.spare, "spare", store, others, below)
        return (*super().targets(store, rules, below), spare)

    def time(self) -> datetime:
        """A microsecond later each time."""
        self.now += timedelta(microseconds=1)
        return self.now


@dataclass
class Trial:
    """A real repository that is changed and reconciled at random."""

    bench: Bench
    seen: int = 0
    reports: dict[str, Report] = field(default_factory=dict)

    def __post_init__(self) -> None:
        text = CONFIGURATION.format(state=self.bench.folder / "state.db", folder=self.bench.folder)
        (self.bench.folder / "reconciler.toml").write_text(text, "utf-8")

    @property
    def configuration(self) -> Configuration:
        return load(self.bench.folder / "reconciler.toml", cwd=self.bench.folder)

    @property
    def rules(self) -> str:
        """By which the program believes what the index holds."""
        with closing(Store(None, writes=False)) as store:
            return part_of(store, self.configuration, "local").rules

    @property
    def repository(self) -> GitRepository:
        return self.bench.repository

    def source(self) -> GitSource:
        """Git, as a command opens it."""
        folder = self.bench.folder
        return open_source(str(self.repository.path), branch=None, cache_dir=folder, base=folder)

    def apply(self) -> Report:
        """One cycle, a minute later; what it found is noted with its commit and the moment."""
        self.bench.now += timedelta(minutes=1)
        report = self.bench.apply(self.rules)
        self.reports[report.commit] = self.reports[self.bench.now.isoformat()] = report
        return report

    def commit(self, files: dict[str, str | None], clock: int) -> None:
        """With a committer's clock that stands anywhere."""
        self.repository._commits = clock
        there = {name: content for name, content in files.items() if content or self._has(name)}
        self.seen += 1
        self.repository.commit(there, f"C{self.seen}", AUTHORS[self.seen % 2])

    def step(self, kind: str, files: dict[str, str | None], clock: int) -> None:
        before = {name: self._text(name) if self._has(name) else None for name in FILES}
        if kind == "back":
            self.commit(files, clock)
            self.commit({name: before[name] for name in files}, clock // 2)
        elif kind == "rename":
            there = next((name for name in FILES if self._has(name)), None)
            if there is not None:
                self.commit({there: None, "models.d/moved.yaml": before[there]}, clock)
        elif kind in MERGES:
            self._merge(files, clock, kind)
        elif kind == "mode":
            for file in self.repository.path.glob("models.d/*.yaml"):
                file.chmod(0o644 if file.stat().st_mode & 0o100 else 0o755)
            self.commit({}, clock)
        elif kind == "amend":
            self.repository.git(*WHO, "commit", "--quiet", "--amend", "--allow-empty", "-m", f"Again {clock}")
            self.commit(files, clock)
        elif kind in ("split", "join"):
            self._spread(1 if kind == "join" else len(FILES), clock)
        elif kind == "rewind":
            depth = int(self.repository.git("rev-list", "--count", "--first-parent", "HEAD"))
            self.repository.git("reset", "--quiet", "--hard", f"HEAD~{min(depth - 1, 1 + clock % 3)}")
            self.commit(files, clock)
        else:
            self.commit(files, clock)

    def _spread(self, places: int, clock: int) -> None:
        """The same documents in so many files."""
        texts = [self._text(name).split("---\n") for name in FILES if self._has(name)]
        documents = list(dict.fromkeys(document for some in texts for document in some))
        spread = {name: "---\n".join(documents[n::places]) for n, name in enumerate(FILES[:places])}
        self.commit({name: spread.get(name) or None for name in FILES}, clock)

    def remember(self, kind: str) -> None:
        """The state is lost, made anew from its journal, or from git's notes; or what is past is archived."""
        if not (self.bench.folder / "state.db").exists():
            return
        if kind in ("refolded", "archived"):
            rebuild(self.bench.url) if kind == "refolded" else compact(self.bench.url, self.bench.now)
            return
        if kind == "from notes":
            before = _happened(self)
            with closing(self.source()) as source, open_state(self.bench.url, writer=True) as ledger:
                write_once(self.configuration, source, ledger, Clock(), lambda _: None)
        (self.bench.folder / "state.db").unlink(missing_ok=True)
        self.reports.clear()
        if kind == "from notes":
            restore(self.configuration, lambda _: None)
            assert before <= _happened(self)

    def _merge(self, files: dict[str, str | None], clock: int, kind: str) -> None:
        if kind == "octopus":
            self._merge_three(files, clock)
            return
        self.repository.git("branch", "--force", "side")
        self.commit({"models.d/a.yaml": MODELS[clock % 2]}, clock)
        self.commit({"models.d/a.yaml": MODELS[1 - clock % 2]}, clock // 2)
        self.repository.git("checkout", "--quiet", "side")
        self.commit({name: content for name, content in files.items() if content}, clock // 3)
        self.repository.git("checkout", "--quiet", "main")
        try:
            self.repository.git(*WHO, "merge", "--quiet", "--no-edit", "--no-ff", MERGES[kind], "side")
        except AssertionError:  # one side deleted what the other changed
            self.repository.git("add", "--all")
            self.repository.git(*WHO, "commit", "--quiet", "--no-edit")

    def _merge_three(self, files: dict[str, str | None], clock: int) -> None:
        """A side, a root that shares nothing with the branch, and the branch: what the side has is taken."""
        self.repository.git("checkout", "--quiet", "-B", "side")
        self.commit(files, clock)
        root = self.repository.git("commit-tree", "-m", "Root", "side^{tree}")
        self.repository.git("checkout", "--quiet", "main")
        self.commit({FILES[1]: MODELS[clock % len(MODELS)]}, clock // 2)
        three = ("main", "side", root)
        parents = [word for commit in three for word in ("-p", commit)]
        merge = self.repository.git("commit-tree", *parents, "-m", f"Three {clock}", "side^{tree}")
        self.repository.git("reset", "--quiet", "--hard", merge)

    def _has(self, name: str) -> bool:
        return (self.repository.path / name).exists()

    def _text(self, name: str) -> str:
        return (self.repository.path / name).read_text()


@dataclass
class Git:
    """What plain git says, commit by commit, without any of the project's own code."""

    repository: GitRepository
    parents: dict[str, list[str]] = field(default_factory=dict)
    trees: dict[str, dict[str, tuple[str, str]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for line in self.repository.git("rev-list", "--parents", "HEAD").splitlines():
            commit, *self.parents[commit] = line.split()
            self.trees[commit] = {}
            for entry in self.repository.git("ls-tree", "-r", commit, "models.d").splitlines():
                facts, path = entry.split("\t")
                mode, _, blob = facts.split()
                self.trees[commit][path] = (mode, blob)

    def documents(self, commit: str, path: str) -> list[str]:
        """The texts of a file's documents."""
        if path not in self.trees[commit]:
            return []
        return self.repository.git("cat-file", "blob", self.trees[commit][path][1]).strip().split("\n---\n")

    def changes(self, below: str) -> dict[ModelKey, set[tuple[str, str]]]:
        """For each pair, the commits that changed its document against every parent, and where."""
        by_pair: defaultdict[ModelKey, dict[str, dict[str, bool]]] = defaultdict(lambda: defaultdict(dict))
        for commit, parents in self.parents.items():
            befores = [self.trees[parent] for parent in parents] or [{}]
            everywhere = {path for tree in (*befores, self.trees[commit]) for path in tree}
            for path in (path for path in everywhere if path.startswith(f"{below}/")):
                entry = self.trees[commit].get(path)
                if entry in [before.get(path) for before in befores]:
                    continue
                now = self.documents(commit, path)
                old = [self.documents(parent, path) for parent in parents] or [[]]
                for pair in {_pair(one) for one in (*now, *(one for some in old for one in some))}:
                    mine = [one for one in now if _pair(one) == pair]
                    if not any(_is_same(some, now, pair) for some in old):
                        by_pair[pair][commit][path] = bool(mine)
        return {pair: set(_chosen(commits)) for pair, commits in by_pair.items()}

    def credit(self, path: str, document: str) -> str:
        """Follows the first parent that holds the document, as `git log -1` follows the file."""
        commit = next(iter(self.parents))
        while True:
            now = self.documents(commit, path)
            for parent in self.parents[commit]:
                if self.trees[parent].get(path) == self.trees[commit].get(path):
                    break
                old = self.documents(parent, path)
                if not len(old) == len(now) == 1 and document in old:
                    break
            else:
                return commit
            commit = parent


def _pair(document: str) -> ModelKey:
    lines = document.splitlines()
    return ModelKey(lines[0].removeprefix("model_name: "), lines[1].removeprefix("model_version: "))


def _is_same(old: list[str], now: list[str], pair: ModelKey) -> bool:
    before, after = ([one for one in some if _pair(one) == pair] for some in (old, now))
    return before == after and not (len(old) == len(now) == 1 and before)


def _chosen(commits: dict[str, dict[str, bool]]) -> Iterator[tuple[str, str]]:
    for commit, paths in commits.items():
        kept = [path for path, there in paths.items() if there]
        yield from ((commit, path) for path in kept or [min(paths)])


def _happened(trial: Trial) -> set[tuple[str, str]]:
    """The journal, but for what belongs to no commit."""
    with closing(open_state(trial.bench.url, writer=False)) as ledger:
        return {(event.commit, note_line(event)) for event in ledger.events() if event.commit is not None}


def rows(trial: Trial) -> tuple[HistoryRow, ...]:
    """What `history` tells."""
    folder = trial.bench.folder
    with (
        closing(trial.source()) as source,
        closing(open_state(f"sqlite:///{folder / 'state.db'}", writer=False)) as ledger,
        source.graph(source.head(), ["models.d"], whole=True) as graph,
    ):
        declared = [
            Declaration(target, *one)
            for target, path in PATHS.items()
            for one in model_changes(graph, source, path).items()
        ]
        return history.rows(declared, ledger.events())


@example(steps=[("commit", {FILES[2]: MODELS[0] + "---\n" + BROKEN}, 3), ("cycle", {}, 4)])
@given(steps=steps)
@settings(
    max_examples=examples(20),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
def test_what_is_told_of_any_repository_is_what_plain_git_says(
    steps: list[tuple[str, dict[str, str | None], int]],
) -> None:
    """Every commit that changed a model's document, no other; each event under its own commit, or alone."""
    folder = Path(tempfile.mkdtemp(prefix="trail-"))
    try:
        trial = Trial(MovingBench(folder, GitRepository(folder / "repo"), MemoryRegistry()))
        trial.commit({FILES[0]: MODELS[0]}, 0)
        trial.apply()
        for kind, files, clock in steps:
            if kind in MEMORY:
                trial.remember(kind)
            else:
                trial.step(kind, files, clock)
            if kind == "cycle":
                trial.apply()
        behind = rows(trial)
        assert tuple(history_of(trial.configuration, HistoryQuery())) == behind
        compare(trial)
        compare_questions(trial)
    finally:
        shutil.rmtree(folder)


def compare(trial: Trial) -> None:
    git = Git(trial.repository)
    status, plan = (
        {(item.target, item.path, item.line): item for item in report.items if item.path and item.line}
        for report in (trial.apply(), trial.bench.plan())
    )
    head = next(iter(git.parents))
    for (target, path, line), item in plan.items():
        assert status[target, path, line].commit == item.commit
        before = (trial.repository.path / path).read_text().splitlines()[: line - 1]
        now = git.documents(head, path)
        whole = BROKEN.strip() in now and len(now) > 1
        document = path if whole else now[before.count("---")]
        assert item.commit == git.credit(path, document)
        if len(now) == 1 or whole:
            last = trial.repository.git("log", "-1", "--format=%H", "--", path)
            assert len(now) > 1 or item.commit == last or _had_neighbours(git, last, path)
    for target, path in PATHS.items():
        target_rows = [row for row in rows(trial) if row.target == target]
        expected = git.changes(path)
        assert {row.pair: set() for row in target_rows} | {
            pair: {(row.commit, row.path) for row in target_rows if row.pair == pair and row.authored_at}
            for pair in expected
        } == {row.pair: set() for row in target_rows} | expected
        for row in target_rows:
            assert all(event.commit == row.commit for event in row.events)
        check_credits([item for item in plan.values() if item.target == target], expected)


def check_credits(
    items: Iterable[ModelState], expected: Mapping[ModelKey, Collection[tuple[str, str]]]
) -> None:
    """Whoever a model is credited to, did something to its document."""
    for item in items:
        changes = None if item.pair is None else expected.get(item.pair)
        if changes is not None and item.commit is not None and item.verdict is not Verdict.INVALID:
            # a file that cannot be read is credited as a whole
            assert item.commit in {commit for commit, _ in changes}


def compare_questions(trial: Trial) -> None:
    """What is asked about one commit, model id, name or earlier day is what the whole told, or tells."""
    configuration, whole = trial.configuration, rows(trial)
    assert tuple(history_of(configuration, HistoryQuery())) == whole
    for commit in {row.commit for row in whole} - {None}:
        asked = tuple(history_of(configuration, HistoryQuery(commit=commit)))
        assert asked == tuple(row for row in whole if row.commit == commit)
    for model_id in {event.model_id for row in whole for event in row.events} - {None}:
        asked = tuple(history_of(configuration, HistoryQuery(model_id=model_id)))
        assert asked == tuple(row for row in whole if model_id in [event.model_id for event in row.events])
    for pair in {row.pair for row in whole}:
        asked = tuple(history_of(configuration, HistoryQuery(None, *pair)))
        assert asked == tuple(row for row in whole if row.pair == pair)
    for row in whole:
        compare_filters(row, whole)
    for when, report in trial.reports.items():
        then = status_at(configuration, written(when) or when, None, trial.bench.now)
        journalled = {(item.target, item.pair) for item in then.items if item.since is not None}
        expected = [
            item
            if (item.target, item.pair) in journalled
            else item._replace(model_id=None, model_status=None)
            for item in report.items
            if item.verdict is not Verdict.UNMANAGED or (item.target, item.pair) in journalled
        ]
        assert list(map(_bare, then.items)) == list(map(_bare, expected))


def compare_filters(row: HistoryRow, whole: tuple[HistoryRow, ...]) -> None:
    """What is told since or until a moment, or of an author, is each row with such a moment or name."""
    moments = {one: [event.at for event in one.events] for one in whole}
    for one in whole:
        moments[one] += [one.authored_at] if one.authored_at else []
    for at in moments[row]:
        since, until = history.RowFilter(since=at), history.RowFilter(until=at)
        assert [*filter(since.admits, whole)] == [one for one in whole if max(moments[one]) >= at]
        assert [*filter(until.admits, whole)] == [one for one in whole if min(moments[one]) <= at]
    name = (row.author or AUTHORS[0]).partition("@")[0].upper()
    by_name = history.RowFilter(author=name)
    assert [*filter(by_name.admits, whole)] == [
        one for one in whole if name.lower() in (one.author or "").lower()
    ]


def _bare(item: ModelState) -> ModelState:
    """Without what only the registry told then, and since when it stood."""
    return item._replace(since=None, reasons=(), diff=(), digest=None)


def _had_neighbours(git: Git, commit: str, path: str) -> bool:
    """Whether the newest commit of the file only took its neighbours away."""
    return any(len(git.documents(parent, path)) > 1 for parent in git.parents[commit])
