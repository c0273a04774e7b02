"""What depth costs: commits in the history, events in the journal, and a loop that has nothing to do.

python -m bench.deep --models 100000

Three tables: one more manifest after more and more commits, of which each changes one of a few thousand
manifests; `history` of a repository with two commits a model and ten events each, half of them archived; and
how often an idle `run`, with its page and its watch, wakes up.
"""

from __future__ import annotations

import argparse
import socket
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from bench.audit import commits, events_of
from bench.further import ten_targets
from bench.generate import Declared, amend, declared, git
from bench.looping import TICK, import_seconds, looping
from bench.makes import JSON
from bench.measure import Sample, several
from bench.rows import Limit
from bench.stage import stage
from bench.table import cells, heading, spread, verdict
from reconciler.engine.values import EventKind
from reconciler.state import open_state

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bench.looping import Looping
    from bench.stage import Stage
    from reconciler.engine.values import Event

_DEPTHS = (1, 1000, 10_000)  # commits; and twice as many as there are models
_MODELS = 2000  # of the repository that grows deep
_OFTEN = 7  # times what is short is measured
_APPLY = ("apply", "--no-wait", "--quiet")
_EVENTS = 10  # of each model
_RECENT = 5  # of these, so many are too young for the archive
_APPENDED = 1000  # models whose events are journalled together
_WATCHED = 60.0  # seconds for which an idle loop is watched


@dataclass(frozen=True, slots=True)
class Revised(Declared):
    """A manifest that was changed in a comment, so that it declares what it declared before."""

    revision: int = 0

    def text(self) -> str:
        """The manifest with a comment behind it."""
        return f"{Declared.text(self)}# revision {self.revision}\n"


def revised(models: int, *, often: int) -> Iterator[list[Declared]]:
    """Commits that change one manifest each, all of them in turn, `often` in all; JSON has no comments."""
    plain = (model for model in map(declared, range(models)) if model.make != JSON)
    kept = list(plain)
    for number in range(often):
        model = kept[number % len(kept)]
        yield [Revised(model.path, model.request, model.make, number)]


def depth_rows(folder: Path, deepest: int) -> Iterator[str]:
    """One more manifest at each depth, inside `run` and as a new process."""
    depths = [*(depth for depth in _DEPTHS if depth < deepest), deepest]
    inside: list[Sample] = []
    new: list[Sample] = []
    for depth in depths:
        with stage(folder / str(depth), _MODELS, full=True, commits=1) as site:
            _deepen(site, depth - 1)
            site.run_ours(*_APPLY)
            with looping(site) as loop:
                loop.idle_tick()
                inside.append(_edits(site, partial(loop.heard, TICK)))
            new.append(_edits(site, partial(site.run_ours, *_APPLY)))
    yield from heading("row", *(f"{depth:,} commits" for depth in depths), "must", "goal")
    for title, samples, must, goal in (
        ("one manifest added, inside `run`, git to import call", inside, Limit(0.12), Limit(0.08)),
        ("the same, new process, start to import call", new, Limit(0.7), Limit(0.4)),
    ):
        worst = max(samples, key=lambda one: one.median)
        yield cells(title, *map(spread, samples), verdict(must, worst), verdict(goal, worst))


def _deepen(site: Stage, by: int) -> None:
    if by > 0:
        parent = git(site.repository, "rev-parse", "main")
        amend(site.repository, "main", revised(_MODELS, often=by), parent=parent, at=2)


def _edits(site: Stage, settled: Callable[[], object]) -> Sample:
    """Seconds from a commit, or from the start of a process after it, to the import call."""
    took = []
    for _ in range(_OFTEN):
        earlier = site.registry.seen()["latest_import_at"]
        site.declare_one()
        started = time.monotonic()
        settled()
        took.append(import_seconds(site, started, earlier=earlier))
    return Sample(tuple(took))


def history_rows(folder: Path, models: int) -> Iterator[str]:
    """`history` of one model and of everything, with two commits and ten events a model."""
    with stage(folder, models, full=True, commits=models) as site:
        parent = git(site.repository, "rev-parse", "main")
        declaring = commits(site)
        amend(site.repository, "main", revised(models, often=models), parent=parent, at=models + 1)
        site.run_ours(*_APPLY)
        _journal(site, declaring)
        site.run_ours("state", "compact", "--days", "365")
        middle = events_of(models // 2, declaring[models // 2])[-1]
        yield from heading("row", "wall clock", "MiB", "beside git", "must", "goal")
        beside = {
            "one": several(3, partial(site.run_git, "log", "main", "--", declared(models // 2).path)),
            "all": several(1, partial(site.run_git, "log", "--raw", "main", "--", "models.d")),
        }
        one, everything = Limit(0.5, 100), Limit(mib=200)
        for words, times, must, goal, git_row in (
            (
                ("history", f"{middle.pair.model_name}@{middle.pair.model_version}"),
                _OFTEN,
                one,
                Limit(0.1),
                "one",
            ),
            (("history", "--model-id", str(middle.model_id)), _OFTEN, one, Limit(0.1), None),
            (("history", "--commit", str(middle.commit)), _OFTEN, one, Limit(0.1), None),
            (("history",), 1, everything, None, "all"),
            (("history", "--output", "json"), 1, everything, None, "all"),
        ):
            ours = several(times, partial(site.run_ours, *words))
            times_git = "-" if git_row is None else f"{ours.median / beside[git_row].median:.2f} times"
            peak = f"{ours.peak or 0:.0f}"
            title = f"`reconciler {' '.join(words)}`"
            yield cells(title, spread(ours), peak, times_git, verdict(must, ours), verdict(goal, ours))


def _journal(site: Stage, declaring: list[str]) -> None:
    """Ten events a model, half of them a year old and more."""
    every = iter(enumerate(declaring))
    with open_state(f"sqlite:///{site.state}", writer=True) as ledger:
        while some := list(islice(every, _APPENDED)):
            ledger.append([event for number, commit in some for event in _life(number, commit)])


def _life(number: int, commit: str) -> Iterator[Event]:
    """What became of one model: imported long ago, and looked at again of late."""
    begun = events_of(number, commit)
    yield from begun
    recent = datetime.now(UTC) - timedelta(days=1)
    for step in range(_EVENTS - len(begun)):
        old = len(begun) + step < _EVENTS - _RECENT
        at = begun[-1].at + timedelta(days=step + 1) if old else recent + timedelta(seconds=step)
        status = "publishing" if step % 2 else "published"
        yield replace(begun[-1], at=at, kind=EventKind.STATUS, model_status=status)


def idle_rows(folder: Path) -> Iterator[str]:
    """How often a loop wakes up that watches a repository, serves its page and has nothing to do."""
    yield from heading("an idle `run`", "wake-ups", "must", "goal", "processor time", "must")
    with stage(folder / "one", _MODELS, full=True, commits=1) as site:
        yield _idle(site, "one target", 0.1)
    with ten_targets(folder / "ten", _MODELS) as site:
        yield _idle(site, "ten targets", 0.3)


def _idle(site: Stage, title: str, most: float) -> str:
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    file = site.folder / "reconciler.toml"
    written = file.read_text("utf-8").replace("enabled = false", f'listen = "{address}"')
    file.write_text(written.replace('every = "1h"', 'every = "30s"'), "utf-8")
    site.run_ours(*_APPLY, "--refresh")  # else some models are compared with each look, until all are
    with looping(site) as loop:
        loop.idle_tick()
        time.sleep(5.0)  # what begins is over
        wakes, cpu, begun = _wakes(loop), loop.cpu(), time.monotonic()
        time.sleep(_WATCHED)
        took = time.monotonic() - begun
        often, share = (_wakes(loop) - wakes) / took, 100 * (loop.cpu() - cpu) / took
    limits = [f"{limit:g}/s: {'yes' if often <= limit else 'no'}" for limit in (5, 1)]
    core = f"{most:g} %: {'yes' if share <= most else 'no'}"
    return cells(title, f"{often:.2f}/s", *limits, f"{share:.2f} % of a core", core)


def _wakes(loop: Looping) -> int:
    """How often the kernel gave a thread of the process a core."""
    return sum(
        int(text.split()[1])
        for file in Path(f"/proc/{loop.process.pid}").glob("task/*/status")
        for text in file.read_text("ascii", errors="replace").splitlines()
        if "ctxt_switches" in text
    )


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.deep", description=__doc__.partition("\n")[0])
    parser.add_argument("--models", type=int, default=2000, help="of the long history; half its commits")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="deep-") as name:
        folder = Path(name) / "run"
        for rows in (
            idle_rows(folder / "idle"),
            depth_rows(folder / "depth", 2 * given.models),
            history_rows(folder / "history", given.models),
        ):
            for row in rows:
                sys.stdout.write(f"{row}\n")
            sys.stdout.write("\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
