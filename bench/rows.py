"""The rows of the table: what is measured, on which stage, how often."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from bench.generate import generate, git
from bench.looping import import_seconds, looping, naive_looping
from bench.measure import Run, Sample, commits_counted, git_counted, lines, sample, several
from bench.stage import stage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from bench.stage import Stage

_LARGE = 10_000  # models; from here on, what is long is done once
_MOST_IMPORTS = 10_000
_DELAY = 0.1  # seconds before the registry answers while imports are measured
_IDLE_TICKS = 20
_COMMITS = 100  # over which a repository's manifests are spread
_APPLY = ("apply", "--no-wait", "--quiet")


@dataclass(frozen=True, slots=True)
class Row:
    """One row.

    Attributes:
        must, goal: what is to be reached at a hundred thousand models, in words.
        floor: the git commands that do the same work, in words.
    """

    key: str
    title: str
    must: str = "-"
    goal: str = "-"
    floor: str = "-"


ROWS = (
    Row("noop", "no-op tick, new process (`apply`)", "400 ms, 80 MiB", "100 ms", "`rev-parse`"),
    Row("noop-worktree", "the same, on a work tree in place of a bare repository", floor="`rev-parse`"),
    Row("loop-noop", "no-op tick inside `run`, signal to log line", "5 ms", "1 ms", "`rev-parse`"),
    Row(
        "loop-edit", "one manifest added, inside `run`, git to import call", "150 ms", "80 ms", "`diff-tree`"
    ),
    Row("edit", "the same, new process, start to import call", "800 ms", "400 ms", "`diff-tree`"),
    Row("warm", "start with warm state, registry listed (`plan`)", "3 s, 300 MiB", "1.5 s", "`ls-tree`"),
    Row("cold", "start with nothing, registry full (`apply`)", "25 s", "8 s", "`ls-tree` and `cat-file`"),
    Row("import", "import of new models, answers after 100 ms", "250/s", "290/s"),
    Row("help", "`reconciler --help`", "200 ms", "60 ms"),
    Row("validate", "`reconciler validate` of one file", "200 ms", "60 ms"),
    Row("history", "`history` of everything, one commit a model", "6 s", "3.5 s", "`log --raw`"),
)


@dataclass(frozen=True, slots=True)
class Counts:
    """What one run did: git processes, HTTP requests, transactions of the state; None where not counted."""

    git: int
    requests: int
    commits: int | None = None


@dataclass(slots=True)
class Results:
    """Everything measured at one size, by the rows' keys; `git` by command."""

    models: int
    program: dict[str, Sample] = field(default_factory=dict)
    naive: dict[str, Sample] = field(default_factory=dict)
    git: dict[str, Sample] = field(default_factory=dict)
    counts: dict[str, Counts] = field(default_factory=dict)

    def floor(self, key: str) -> Sample | None:
        """What git alone takes for a row."""
        match key:
            case "noop" | "noop-worktree" | "loop-noop":
                return self.git.get("rev-parse")
            case "loop-edit" | "edit":
                return self.git.get("diff-tree")
            case "warm":
                return self.git.get("ls-tree")
            case "history":
                return self.git.get("log --raw")
            case "cold" if self.git:
                tree, blobs = self.git["ls-tree"], self.git["cat-file --batch"]
                return Sample((tree.median + blobs.median,), max(tree.peak or 0, blobs.peak or 0))
        return None


def measure(folder: Path, models: int, told: Callable[[str], None], layout: str = "sharded") -> Results:
    """Measures every row at one size; `told` hears what is being done."""
    results = Results(models)
    long = 1 if models >= _LARGE else 3
    told(f"{models} models: repository and registry")
    with stage(folder / "full", models, full=True, commits=min(models, _COMMITS), layout=layout) as full:
        for what, step in (
            ("git alone", _git),
            ("cold start", _cold),
            ("no-op and plan", _warm),
            ("history", _history),
            ("loop", _loop),
            ("one more manifest", _edit),
            ("naive script", _naive),
        ):
            told(f"{models} models: {what}")
            step(full, results, long)
    told(f"{models} models: imports")
    _imports(folder / "empty", models, results, layout)
    return results


def _git(full: Stage, results: Results, long: int) -> None:
    ids = full.folder / "blobs"
    tree = git(full.repository, "ls-tree", "-r", "main")
    ids.write_text("".join(f"{line.split()[2]}\n" for line in tree.splitlines()), "ascii")
    del tree
    commands = {
        "rev-parse": (5, ("rev-parse", "main")),
        "diff-tree": (5, ("diff-tree", "-r", "-z", "main~1", "main")),
        "ls-tree": (long, ("ls-tree", "-r", "-z", "-l", "--full-tree", "main")),
    }
    for name, (times, arguments) in commands.items():
        results.git[name] = several(times, partial(full.run_git, *arguments))
    results.git["cat-file --batch"] = several(
        long, lambda: full.run_git("cat-file", "--batch", "--buffer", stdin=ids)
    )


def _cold(full: Stage, results: Results, long: int) -> None:
    full.configure(branch="first")
    full.run_ours(*_APPLY)
    full.configure()
    results.counts["cold"] = _counted(full, partial(_run_with, full, _APPLY))
    results.program["cold"] = several(long, lambda: full.run_ours(*_APPLY), full.forget)


def _warm(full: Stage, results: Results, long: int) -> None:
    for key, arguments in (("noop", _APPLY), ("warm", ("plan", "--quiet"))):
        results.program[key] = several(2 + long, partial(full.run_ours, *arguments))
        results.counts[key] = _counted(full, partial(_run_with, full, arguments))
    results.program["help"] = several(5, lambda: full.run_ours("--help"))
    one = next((full.clone / "models.d").rglob("*.yaml"))
    results.program["validate"] = several(5, lambda: full.run_ours("validate", str(one)))


def _run_with(full: Stage, arguments: Sequence[str], variables: Mapping[str, str]) -> Run:
    return full.run_ours(*arguments, variables=variables)


def _history(full: Stage, results: Results, long: int) -> None:
    repository = full.folder / "history.git"
    generate(repository, full.models, commits=full.models)
    log = ("log", "--raw", "-z", "--no-abbrev", "--format=%H%x00%an%x00%ad%x00%s", "main")
    results.git["log --raw"] = several(long, lambda: full.run_git(*log, repository=repository))
    full.configure(repository=repository)
    results.program["history"] = several(long, lambda: full.run_ours("history"))
    full.configure()


def _loop(full: Stage, results: Results, long: int) -> None:
    with git_counted(full.folder, full.variables) as (environment, log), looping(full, environment) as loop:
        git_before, requests = lines(log), full.registry.requests()
        with commits_counted(full.state) as commits:
            for _ in range(_IDLE_TICKS):
                loop.idle_tick()
            results.counts["loop-noop"] = Counts(
                lines(log) - git_before, full.registry.requests() - requests, commits.taken()
            )
    with looping(full) as loop:
        idle = [loop.idle_tick() for _ in range(_IDLE_TICKS)]
        results.program["loop-noop"] = Sample(tuple(idle), loop.peak())
        edits = [_edited_in_loop(full, lambda: loop.heard("tick")) for _ in range(2 + long)]
        results.program["loop-edit"] = Sample(tuple(edits), loop.peak())


def _edited_in_loop(full: Stage, settled: Callable[[], object]) -> float:
    full.declare_one()
    seconds = import_seconds(full, time.monotonic())
    settled()
    return seconds


def _edit(full: Stage, results: Results, long: int) -> None:
    results.program["edit"] = _edited(full, lambda: full.run_ours(*_APPLY), 1 + long)
    full.declare_one()
    results.counts["edit"] = _counted(full, partial(_run_with, full, _APPLY))


def _edited(full: Stage, once: Callable[[], Run], times: int) -> Sample:
    """From the start of a process to the arrival of its import call."""
    seconds, peaks = [], []
    for _ in range(times):
        full.declare_one()
        started = time.monotonic()
        peaks.append(once().peak)
        seconds.append(import_seconds(full, started, patience=60))
    return Sample(tuple(seconds), max(peaks))


def _naive(full: Stage, results: Results, long: int) -> None:
    naive = results.naive
    naive["cold"] = several(1, full.run_naive, full.forget)
    naive["noop"] = naive["noop-worktree"] = naive["warm"] = several(long, full.run_naive)
    results.counts["naive"] = _counted(full, full.run_naive, state=False)
    with naive_looping(full) as loop:
        naive["loop-noop"] = Sample(tuple(loop.tick() for _ in range(long)), loop.peak())
        edits = []
        for _ in range(long):
            full.declare_one()
            started = time.monotonic()
            loop.tick()
            edits.append(import_seconds(full, started, patience=60))
        naive["loop-edit"] = Sample(tuple(edits), loop.peak())
    naive["edit"] = _edited(full, full.run_naive, long)
    full.configure(repository=full.clone)
    full.run_ours(*_APPLY)
    results.program["noop-worktree"] = several(2 + long, lambda: full.run_ours(*_APPLY))
    full.configure()


def _imports(folder: Path, models: int, results: Results, layout: str) -> None:
    new = min(models // 2, _MOST_IMPORTS)
    for key, samples in (("ours", results.program), ("naive", results.naive)):
        with stage(folder / key, new, full=False, commits=1, delay=_DELAY, layout=layout) as empty:
            if key == "naive":
                done = empty.run_naive()
            else:
                empty.configure(branch="first")
                empty.run_ours(*_APPLY)
                empty.configure()
                done = _import_counted(empty, results)
            samples["import"] = sample([done], rate=new)


def _import_counted(empty: Stage, results: Results) -> Run:
    done: list[Run] = []
    results.counts["import"] = _counted(
        empty, lambda environment: done.append(empty.run_ours(*_APPLY, variables=environment))
    )
    return done[0]


def _counted(full: Stage, once: Callable[[Mapping[str, str]], object], *, state: bool = True) -> Counts:
    """What one run does; it is not one of those that are timed, except where runs are long."""
    with git_counted(full.folder, full.variables) as (environment, log):
        before = full.registry.requests()
        if not state:
            once(environment)
            return Counts(lines(log), full.registry.requests() - before)
        with commits_counted(full.state) as commits:
            once(environment)
            return Counts(lines(log), full.registry.requests() - before, commits.taken())
