"""The rows of the table: what is measured, on which stage, how often."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from bench import further
from bench.generate import generate, git
from bench.looping import TICK, import_seconds, looping, naive_looping
from bench.measure import Run, Sample, commits_counted, git_counted, lines, sample, several
from bench.postgres import programs, serving
from bench.stage import stage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from bench.stage import Stage

_LARGE = 10_000  # models; from here on, what is long is done once
_MOST_IMPORTS = 10_000
_COUNTED_IMPORTS = 1000
_DELAY = 0.1  # seconds before the registry answers while imports are measured
_IDLE_TICKS = 20
_OFTEN = 7  # times what is short is measured
_COMPARED_AGAIN = 31.0  # seconds from one comparison of listed models to the next, and a little more
_COMMITS = 100  # over which a repository's manifests are spread
_APPLY = ("apply", "--no-wait", "--quiet")


@dataclass(frozen=True, slots=True)
class Limit:
    """What is to be reached at a hundred thousand models.

    Attributes:
        seconds: wall clock at most; of a row that is told as a rate, None.
        mib: memory at most.
        rate: things a second at least.
    """

    seconds: float | None = None
    mib: float | None = None
    rate: float | None = None

    def met(self, measured: Sample) -> bool:
        """Whether a measurement keeps to all of it."""
        slow = self.seconds is not None and measured.median > self.seconds
        large = self.mib is not None and (measured.peak or 0) > self.mib
        few = self.rate is not None and (measured.rate or 0) / measured.median < self.rate
        return not (slow or large or few)


@dataclass(frozen=True, slots=True)
class Row:
    """One row.

    Attributes:
        must, goal: what is to be reached.
        floor: the git commands that do the same work, in words.
    """

    key: str
    title: str
    must: Limit | None = None
    goal: Limit | None = None
    floor: str = "-"


ROWS = (
    Row("noop", "no-op tick, new process (`apply`)", Limit(0.4, 80), Limit(0.1), "`rev-parse`"),
    Row("noop-worktree", "the same, on a work tree in place of a bare repository", floor="`rev-parse`"),
    Row(
        "loop-noop", "no-op tick inside `run`, signal to log line", Limit(0.005), Limit(0.001), "`rev-parse`"
    ),
    *(
        Row(f"noop-{models}", f"the same with {models} models", Limit(0.2), Limit(0.1))
        for models in further.FEW
    ),
    Row("noop-postgres", "the same, state in PostgreSQL", Limit(0.2), Limit(0.1)),
    Row(
        "loop-edit",
        "one manifest added, inside `run`, git to import call",
        Limit(0.12),
        Limit(0.08),
        "`diff-tree`",
    ),
    Row("edit", "the same, new process, start to import call", Limit(0.7), Limit(0.4), "`diff-tree`"),
    Row("quiet-edit", f"one manifest added, inside `run`, with {further.VISITED:,} models"),
    Row("visited-edit", "the same while two clients ask for `/api/report` in a loop; at most 1.2 times"),
    Row("compare", "tick that compares 200 models only listed before, new process (`apply`)"),
    Row(
        "indexed",
        "start, index kept, whole registry listed (`apply`)",
        Limit(3, 300),
        Limit(1.5),
        "`ls-tree`",
    ),
    Row(
        "cold",
        "start, nothing kept, registry full (`apply`)",
        Limit(20),
        Limit(10),
        "`ls-tree` and `cat-file`",
    ),
    Row("plan", "`plan`, whole registry listed", floor="`ls-tree`"),
    Row("plan-json", "the same as JSON", Limit(mib=300)),
    Row("status-json", "`status` as JSON", Limit(mib=300)),
    Row("rename", "one commit that moves every manifest (`apply`)", Limit(10), Limit(3)),
    Row("ten-cold", "ten targets with a tenth of the models each, nothing kept", Limit(mib=350)),
    Row("ten-loop-edit", "the same, one manifest added, inside `run`", Limit(0.15), Limit(0.09)),
    Row("import", "import of new models, answers after 100 ms", Limit(rate=250), Limit(rate=290)),
    Row("import-postgres", "the same, state in PostgreSQL", Limit(rate=200), Limit(rate=275)),
    Row("indexed-postgres", "start, index kept, state in PostgreSQL (`apply`)", Limit(4, 300), Limit(2)),
    Row("help", "`reconciler --help`", Limit(0.2), Limit(0.06)),
    Row("validate", "`validate` of one file of the tree", Limit(0.2), Limit(0.08)),
    Row("validate-first", "the same, the first time in a clone"),
    Row("validate-all", "`validate` of the whole work tree", Limit(20, 200)),
    Row("validate-commit", "`validate --commit`", Limit(20, 200)),
    Row("doctor", "`doctor`", Limit(3)),
    Row("history", "`history` of everything, one commit a model", Limit(6), Limit(3.5), "`log --raw`"),
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
            case "indexed" | "plan":
                return self.git.get("ls-tree")
            case "history":
                return self.git.get("log --raw")
            case "cold" if self.git:
                tree, blobs = self.git["ls-tree"], self.git["cat-file --batch"]
                return Sample((tree.median + blobs.median,), max(tree.peak or 0, blobs.peak or 0))
        return None


def measure(
    folder: Path, models: int, told: Callable[[str], None], layout: str = "sharded", *, last: bool = True
) -> Results:
    """Measures every row at one size.

    Args:
        folder: a new one.
        models: how many.
        told: hears what is being done.
        layout: of the repository, as `bench.generate` has them.
        last: whether this is the size that the run is about; of others, what is long is measured once, and
            what comes only after half a minute is not.
    """
    results = Results(models)
    long = 1 if models >= _LARGE or not last else 2
    told(f"{models} models: repository and registry")
    with stage(folder / "full", models, full=True, commits=min(models, _COMMITS), layout=layout) as full:
        for what, step in (
            ("git alone", _git),
            ("starts", _starts),
            ("no-op", _noop),
            ("other commands", _commands),
            ("reports", further.reports),
            ("loop", _loop),
            ("one more manifest", _edit),
            ("history", _history),
            ("a move of everything", further.rename),
            ("naive script", _naive),
            ("work tree", _worktree),
        ):
            told(f"{models} models: {what}")
            step(full, results, long)
        told(f"{models} models: PostgreSQL")
        _postgres(full, results, layout, told)
        full.run_ours(*_APPLY)
        compared = time.monotonic()
        told(f"{models} models: imports")
        _imports(folder / "empty", models, results, layout)
        if last:
            told(f"{models} models: few of them, and several targets")
            further.few(folder / "few", results)
            further.targets(folder / "ten", models, results)
            told("two visitors who ask without a pause")
            further.visited(folder / "visited", results)
            told(f"{models} models: comparing")
            time.sleep(max(0.0, compared + _COMPARED_AGAIN - time.monotonic()))
            results.program["compare"] = several(1, partial(full.run_ours, *_APPLY))
    return results


def _git(full: Stage, results: Results, long: int) -> None:
    ids = full.folder / "blobs"
    tree = git(full.repository, "ls-tree", "-r", "main")
    ids.write_text("".join(f"{line.split()[2]}\n" for line in tree.splitlines()), "ascii")
    del tree
    commands = {
        "rev-parse": (_OFTEN, ("rev-parse", "main")),
        "diff-tree": (_OFTEN, ("diff-tree", "-r", "-z", "main~1", "main")),
        "ls-tree": (long, ("ls-tree", "-r", "-z", "-l", "--full-tree", "main")),
    }
    for name, (times, arguments) in commands.items():
        results.git[name] = several(times, partial(full.run_git, *arguments))
    results.git["cat-file --batch"] = several(
        long, lambda: full.run_git("cat-file", "--batch", "--buffer", stdin=ids)
    )


def _starts(full: Stage, results: Results, long: int) -> None:
    """With nothing at all, and with the index alone: what an index is worth."""
    for key, forget in (("cold", full.forget), ("indexed", full.forget_state)):
        results.program[key] = several(long, partial(full.run_ours, *_APPLY), forget)
        forget()
        results.counts[key] = _counted(full, partial(_run_with, full, _APPLY), state=False)


def _noop(full: Stage, results: Results, _: int) -> None:
    """Right after a start, which compared some models: for half a minute no more of them are compared."""
    results.program["noop"] = several(_OFTEN, partial(full.run_ours, *_APPLY))
    results.counts["noop"] = _counted(full, partial(_run_with, full, _APPLY))


def _commands(full: Stage, results: Results, long: int) -> None:
    plan = partial(full.run_ours, "plan", "--quiet")
    results.program["plan"] = several(long, plan)
    results.counts["plan"] = _counted(full, partial(_run_with, full, ("plan", "--quiet")))
    results.program["help"] = several(_OFTEN, lambda: full.run_ours("--help"))
    _validations(full, results, long)


def _validations(full: Stage, results: Results, long: int) -> None:
    """Inside the tree that is judged: a clone, in which nothing was validated before."""
    one = str(next((full.clone / "models.d").rglob("*.yaml")))
    full.configure(repository=full.clone, state="state-of-validations")
    results.program["validate-first"] = several(1, lambda: full.run_ours("validate", one))
    results.program["validate"] = several(_OFTEN, lambda: full.run_ours("validate", one))
    results.counts["validate"] = _counted(full, partial(_run_with, full, ("validate", one)), state=False)
    for key, arguments in (
        ("validate-all", ("validate",)),
        ("validate-commit", ("validate", "--commit", "HEAD")),
        ("doctor", ("doctor",)),
    ):
        results.program[key] = several(long, partial(full.run_ours, *arguments))
        results.counts[key] = _counted(full, partial(_run_with, full, arguments), state=False)
    full.configure()


def _run_with(full: Stage, arguments: Sequence[str], variables: Mapping[str, str]) -> Run:
    return full.run_ours(*arguments, variables=variables)


def _history(full: Stage, results: Results, long: int) -> None:
    repository = full.folder / "history.git"
    generate(repository, full.models, commits=full.models)
    log = ("log", "--raw", "-z", "--no-abbrev", "--format=%H%x00%an%x00%ad%x00%s", "main")
    results.git["log --raw"] = several(long, lambda: full.run_git(*log, repository=repository))
    full.configure(repository=repository, state="state-of-history")
    full.run_ours(*_APPLY)
    results.program["history"] = several(long, lambda: full.run_ours("history"))
    full.configure()


def _loop(full: Stage, results: Results, _: int) -> None:
    with git_counted(full.folder, full.variables) as (environment, log), looping(full, environment) as loop:
        loop.idle_tick()
        git_before, requests = lines(log), full.registry.requests()
        with commits_counted(full.state) as commits:
            for _ in range(_IDLE_TICKS):
                loop.idle_tick()
            results.counts["loop-noop"] = Counts(
                lines(log) - git_before, full.registry.requests() - requests, commits.taken()
            )
    with looping(full) as loop:
        loop.idle_tick()
        before = loop.cpu()
        idle = [loop.idle_tick() for _ in range(_IDLE_TICKS)]
        results.program["loop-noop"] = Sample(tuple(idle), loop.peak(), (loop.cpu() - before) / _IDLE_TICKS)
        before = loop.cpu()
        edits = [_edited_in_loop(full, lambda: loop.heard(TICK)) for _ in range(_OFTEN)]
        results.program["loop-edit"] = Sample(tuple(edits), loop.peak(), (loop.cpu() - before) / len(edits))


def _edited_in_loop(full: Stage, settled: Callable[[], object]) -> float:
    # the loop may be quicker than the git that made the commit is with ending
    earlier = full.registry.seen()["latest_import_at"]
    full.declare_one()
    seconds = import_seconds(full, time.monotonic(), earlier=earlier)
    settled()
    return seconds


def _edit(full: Stage, results: Results, long: int) -> None:
    results.program["edit"] = _edited(full, lambda: full.run_ours(*_APPLY), 2 + long)
    full.declare_one()
    results.counts["edit"] = _counted(full, partial(_run_with, full, _APPLY))


def _edited(full: Stage, once: Callable[[], Run], times: int) -> Sample:
    """Seconds from the start of a process to the arrival of its import call; CPU of the whole process."""
    seconds, runs = [], []
    for _ in range(times):
        full.declare_one()
        started = time.monotonic()
        runs.append(once())
        seconds.append(import_seconds(full, started, patience=1200))
    return replace(sample(runs), seconds=tuple(seconds))


def _naive(full: Stage, results: Results, long: int) -> None:
    """It does the same in every new process, whatever it remembers: one figure is for all of these rows."""
    naive = results.naive
    runs: list[Run] = []
    results.counts["naive"] = _counted(
        full, lambda environment: runs.append(full.run_naive(environment)), state=False
    )
    naive["cold"] = sample([*runs, *(full.run_naive() for _ in range(long - 1))])
    for row in ("noop", "noop-worktree", "compare", "indexed", "plan"):
        naive[row] = naive["cold"]
    with naive_looping(full) as loop:
        naive["loop-noop"] = Sample((loop.tick(),), loop.peak())
        full.declare_one()
        started = time.monotonic()
        loop.tick()
        naive["loop-edit"] = Sample((import_seconds(full, started, patience=1200),), loop.peak())
    naive["edit"] = _edited(full, full.run_naive, 1)


def _worktree(full: Stage, results: Results, _: int) -> None:
    """After the naive script, which has pulled."""
    full.configure(repository=full.clone)
    full.run_ours(*_APPLY)
    results.program["noop-worktree"] = several(_OFTEN, partial(full.run_ours, *_APPLY))
    full.configure()


def _postgres(full: Stage, results: Results, layout: str, told: Callable[[str], None]) -> None:
    """With the state on a server: a start with the index alone, no-op ticks, and imports as on a file."""
    installed = programs()
    if installed is None:
        told("PostgreSQL is not installed: its rows are left out")
        return
    with serving(installed) as server:
        full.configure(url=server.new_state())
        results.program["indexed-postgres"] = several(1, partial(full.run_ours, *_APPLY))
        results.program["noop-postgres"] = several(_OFTEN, partial(full.run_ours, *_APPLY))
        full.configure()
        new = min(full.models // 2, _MOST_IMPORTS)
        folder = full.folder.parent / "empty" / "postgres"
        with stage(folder, new, full=False, commits=1, delay=_DELAY, layout=layout) as empty:
            imported = _imported(empty, server.new_state())
        results.program["import-postgres"] = sample([imported], rate=new)


def _imports(folder: Path, models: int, results: Results, layout: str) -> None:
    """Timed and counted apart: the held read that commits are counted by makes each of them dearer."""
    new = min(models // 2, _MOST_IMPORTS)
    for key, samples in (("ours", results.program), ("naive", results.naive)):
        with stage(folder / key, new, full=False, commits=1, delay=_DELAY, layout=layout) as empty:
            done = empty.run_naive() if key == "naive" else _imported(empty)
            samples["import"] = sample([done], rate=new)
    with stage(
        folder / "counted", _COUNTED_IMPORTS, full=False, commits=1, delay=_DELAY, layout=layout
    ) as empty:
        _begun(empty)
        results.counts["import"] = _counted(empty, partial(_run_with, empty, _APPLY))


def _imported(empty: Stage, url: str | None = None) -> Run:
    _begun(empty, url)
    return empty.run_ours(*_APPLY)


def _begun(empty: Stage, url: str | None = None) -> None:
    """With a state that was made before, of a commit that declared nothing yet."""
    empty.configure(branch="first", url=url)
    empty.run_ours(*_APPLY)
    empty.configure(url=url)


def _counted(full: Stage, once: Callable[[Mapping[str, str]], object], *, state: bool = True) -> Counts:
    """What one run does; it is not one of those that are timed."""
    with git_counted(full.folder, full.variables) as (environment, log):
        before = full.registry.requests()
        if not state:
            once(environment)
            return Counts(lines(log), full.registry.requests() - before)
        with commits_counted(full.state) as commits:
            once(environment)
            return Counts(lines(log), full.registry.requests() - before, commits.taken())
