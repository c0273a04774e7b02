"""Rows with a stage of their own: few models, a move of all, several targets, long reports, visitors."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING

from bench.generate import amend, declared, environment, git, start
from bench.looping import TICK, Looping, import_seconds, looping
from bench.measure import Sample, several
from bench.preloading import preload
from bench.registry import as_sent, served
from bench.stage import ROOT, Stage, stage, variables
from reconciler.embedded import EmbeddedSettings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bench.rows import Results

FEW = (10, 900, 999)
"""Models, on the near side of the threshold below which every cycle looks at all of them."""

VISITED = 5000
"""Models of the report that visitors ask for."""

_TARGETS = 10
_VISITORS = 2
_OFTEN = 7
_ASKED_FOR = 5.0  # seconds
_APPLY = ("apply", "--no-wait", "--quiet")
_TARGET = """
[targets.t{number}]
kind = "modelarts"
path = "models.d/t{number}"
endpoint = "{url}"
project_id = "bench-{number}"
rate = 1000000
"""


def few(folder: Path, results: Results) -> None:
    """No-op ticks of small repositories."""
    for models in FEW:
        with stage(folder / str(models), models, full=True, commits=2) as small:
            small.run_ours(*_APPLY)
            results.program[f"noop-{models}"] = several(_OFTEN, partial(small.run_ours, *_APPLY))


def reports(full: Stage, results: Results, long: int) -> None:
    """What is known of every model as JSON, and a plan."""
    for command in ("status", "plan"):
        arguments = (command, "--quiet", "--output", "json")
        results.program[f"{command}-json"] = several(long, partial(full.run_ours, *arguments))


def rename(full: Stage, results: Results, _: int) -> None:
    """One commit that moves every manifest to another folder; and back, for what is measured after it."""
    before = git(full.repository, "rev-parse", "main")
    tree = git(full.repository, "rev-parse", "main:models.d")
    for name in ("moved", "models.d"):
        tree = _git_fed(full.repository, f"040000 tree {tree}\t{name}\n", "mktree")
    commit = _git_fed(full.repository, "Move all", "commit-tree", tree, "-p", before)
    git(full.repository, "update-ref", "refs/heads/main", commit)
    results.program["rename"] = several(1, partial(full.run_ours, *_APPLY))
    git(full.repository, "update-ref", "refs/heads/main", before)
    full.run_ours(*_APPLY)


def visited(folder: Path, results: Results) -> None:
    """One more manifest in the loop, while nobody asks, and while some ask for the report without a pause."""
    with stage(folder, VISITED, full=True, commits=2) as site, ExitStack() as ending:
        with socket.create_server(("127.0.0.1", 0)) as free:
            address = f"127.0.0.1:{free.getsockname()[1]}"
        file = site.folder / "reconciler.toml"
        listening = file.read_text("utf-8").replace("enabled = false", f'listen = "{address}"')
        file.write_text(listening, "utf-8")
        with looping(site) as loop:
            loop.idle_tick()
            results.program["quiet-edit"] = _edits(site, loop)
            visitor = [sys.executable, str(ROOT / "bench" / "visitor.py"), f"http://{address}/api/report"]
            for _ in range(_VISITORS):
                asking = subprocess.Popen(visitor, stderr=subprocess.DEVNULL)  # noqa: S603 - our own
                ending.callback(asking.wait)
                ending.callback(asking.kill)
            time.sleep(_ASKED_FOR)  # what may be taken at once has been taken
            results.program["visited-edit"] = _edits(site, loop)


def _edits(site: Stage, loop: Looping) -> Sample:
    seconds, before = [], loop.cpu()
    for _ in range(_OFTEN):
        earlier = site.registry.seen()["latest_import_at"]
        site.declare_one()
        seconds.append(import_seconds(site, time.monotonic(), earlier=earlier))
        loop.heard(TICK)
    return Sample(tuple(seconds), loop.peak(), (loop.cpu() - before) / len(seconds))


def targets(folder: Path, models: int, results: Results) -> None:
    """One manifest more for one of ten targets, in the loop, and a start with nothing kept."""
    with ten_targets(folder, models) as ten:
        results.program["ten-cold"] = several(1, partial(ten.run_ours, *_APPLY))
        with looping(ten) as loop:
            loop.idle_tick()
            before, seconds = loop.cpu(), []
            for number in range(models, models + _OFTEN):
                parent = git(ten.repository, "rev-parse", "main")
                earlier = ten.registry.seen()["latest_import_at"]
                amend(
                    ten.repository, "main", [[declared(number, path="models.d/t3")]], parent=parent, at=number
                )
                seconds.append(import_seconds(ten, time.monotonic(), earlier=earlier))
                loop.heard(TICK)
            cpu = (loop.cpu() - before) / len(seconds)
            results.program["ten-loop-edit"] = Sample(tuple(seconds), loop.peak(), cpu)


@contextmanager
def ten_targets(folder: Path, models: int) -> Iterator[Stage]:
    """A repository that declares as many models for each of ten targets, all of them registered."""
    start(folder / "models.git")
    every = (declared(number, path=f"models.d/t{number % _TARGETS}") for number in range(models))
    amend(folder / "models.git", "main", [every], parent=None)
    database = folder / "registry.db"
    settings = EmbeddedSettings(database=database, publish_seconds=0)
    for target in range(_TARGETS):
        numbers = range(target, models, _TARGETS)
        sent = (as_sent(declared(number).request) for number in numbers)
        preload(settings, f"bench-{target}", sent)
    environment_ = variables(folder.parent.parent / "compiled") | {"HOME": str(folder)}
    with served(database, environment_) as registry:
        made = Stage(folder, models, registry, environment_)
        file = folder / "reconciler.toml"
        head, _, rest = file.read_text("utf-8").partition("[targets.bench]")
        tables = (_TARGET.format(number=number, url=registry.url) for number in range(_TARGETS))
        file.write_text(head + "".join(tables) + "[state]" + rest.partition("[state]")[2], "utf-8")
        yield made


def _git_fed(repository: Path, text: str, *arguments: str) -> str:
    """What git prints that reads a text."""
    person = {f"GIT_{who}_{what}": "bench" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    done = subprocess.run(  # noqa: S603 - git
        ["git", *arguments],  # noqa: S607 - the one on the path
        cwd=repository, env=environment() | person, input=text, capture_output=True, check=True, text=True,
    )  # fmt: skip
    return done.stdout.strip()
