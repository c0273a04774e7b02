"""Makes a repository of many manifests, always the same for the same arguments, by one `git fast-import`.

python -m bench.generate FOLDER --models 100000 --commits 100
"""

# ruff: noqa: S603 - what is started here is what is measured, and git

from __future__ import annotations

import argparse
import os
import random
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal

from bench.makes import JSON, MAKES, make_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

Layout = Literal["sharded", "flat"]

FIRST = 9_999_990
"""The manifest that every repository has first; no repository of a sensible size has so many others."""

_FIRST_SECOND = 1_700_000_000  # 2023-11-14T22:13:20Z
_VERSIONS = 10  # of each name
_NAMES = 50  # of each team
_ENGINES = (("TensorFlow", "python3.6"), ("XGBoost", "python3.6"), ("Scikit_Learn", "python3.6"))
_METRICS = ("f1", "recall", "precision", "accuracy")
_PACKAGES = (("numpy", "1.16.6"), ("scipy", "1.4.1"), ("pandas", "1.0.5"))


@dataclass(frozen=True, slots=True)
class Declared:
    """One manifest: where it lies, the import request that it is, and how it is written."""

    path: str
    request: Mapping[str, Any]

    make: str = "plain"

    def text(self) -> str:
        """The manifest as a person would write it."""
        return MAKES[self.make](self.request)


def declared(number: int, *, seed: int = 0, layout: Layout = "sharded", path: str = "models.d") -> Declared:
    """The manifest of that number; numbers from 0 up give different names and versions."""
    chance = random.Random(f"{seed}/{number}")  # noqa: S311 - to be the same each time, not a secret
    named, version = divmod(number, _VERSIONS)
    team = f"team{named // _NAMES:04d}"
    name, text = f"{team}-model{named % _NAMES:02d}", f"{1 + version // 5}.{version % 5}.0"
    engine, runtime = chance.choice(_ENGINES)
    request = {
        "model_name": name,
        "model_version": text,
        "model_type": engine,
        "runtime": runtime,
        "source_location": f"https://models.obs.cn-north-4.myhuaweicloud.com/{name}/{text}",
        "description": f"Model {number} of {team}, trained on sample {chance.randrange(10**6)}",
        "model_metrics": {metric: chance.randrange(1, 1000) / 1000 for metric in _METRICS},
        "dependencies": [{"installer": "pip", "packages": _packages(chance)}],
    }
    make = make_of(number)
    ending = "json" if make == JSON else "yaml"
    place = f"{team}/{name}/{text}.{ending}" if layout == "sharded" else f"{name}-{text}.{ending}"
    return Declared(f"{path}/{place}", request, make)


def _packages(chance: random.Random) -> list[dict[str, str]]:
    chosen = _PACKAGES[: chance.randint(1, len(_PACKAGES))]
    return [
        {"package_name": name, "package_version": version, "restraint": "ATLEAST"} for name, version in chosen
    ]


def generate(  # noqa: PLR0913 - what a repository consists of
    folder: Path,
    models: int,
    *,
    commits: int = 1,
    seed: int = 0,
    layout: Layout = "sharded",
    branch: str = "main",
) -> None:
    """Makes a bare repository in `folder` with that many manifests, spread evenly over that many commits.

    Before them comes one commit, at which the branch `first` stays, with one manifest more: number `FIRST`.
    """
    start(folder, branch)
    amend(folder, "first", [[declared(FIRST, seed=seed, layout=layout)]], parent=None)
    every = (declared(number, seed=seed, layout=layout) for number in range(models))
    amend(folder, branch, _batches(every, models, commits), parent=git(folder, "rev-parse", "first"), at=1)


def start(folder: Path, branch: str = "main") -> None:
    """Makes an empty bare repository."""
    folder.mkdir(parents=True)
    git(folder, "init", "--quiet", "--bare", f"--initial-branch={branch}")
    git(folder, "config", "gc.auto", "0")


def amend(
    folder: Path, branch: str, batches: Iterable[Iterable[Declared]], *, parent: str | None, at: int = 0
) -> None:
    """Adds one commit to `branch` for each batch of manifests.

    Args:
        folder: the repository.
        branch: made when it is not there.
        batches: the manifests of each commit.
        parent: the commit to go on from; None begins a branch.
        at: minutes after the first commit there ever was, so that times grow.
    """
    command = ["git", "fast-import", "--quiet", "--done", "--force"]
    with subprocess.Popen(command, cwd=folder, env=environment(), stdin=subprocess.PIPE) as process:
        if process.stdin is None:
            raise RuntimeError("git fast-import: no input")
        for number, batch in enumerate(batches):
            _write_commit(process.stdin, branch, batch, at + number, parent if number == 0 else None)
        process.stdin.write(b"done\n")
        process.stdin.close()
        if process.wait():
            raise RuntimeError(f"git fast-import failed in {folder}")


def _write_commit(
    out: IO[bytes], branch: str, batch: Iterable[Declared], minute: int, parent: str | None
) -> None:
    person = f"Author {minute % 7} <author{minute % 7}@example.org> {_FIRST_SECOND + 60 * minute} +0000"
    subject = f"Declare models, part {minute}".encode()
    head = f"commit refs/heads/{branch}\nauthor {person}\ncommitter {person}\ndata {len(subject)}\n"
    pieces = [head.encode(), subject, b"\n"]
    if parent is not None:
        pieces.append(f"from {parent}\n".encode())
    for manifest in batch:
        text = manifest.text().encode()
        pieces += [f"M 100644 inline {manifest.path}\ndata {len(text)}\n".encode(), text, b"\n"]
    out.write(b"".join(pieces))


def _batches(every: Iterator[Declared], models: int, commits: int) -> Iterator[list[Declared]]:
    done = 0
    for number in range(1, commits + 1):
        upto = models * number // commits
        yield [next(every) for _ in range(upto - done)]
        done = upto


def environment() -> dict[str, str]:
    """The variables under which git reads nobody's configuration."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return kept | {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "LC_ALL": "C"}


def git(folder: Path, *arguments: str) -> str:
    """What git prints, without the last newline."""
    done = subprocess.run(
        ["git", *arguments],  # noqa: S607 - the one on the path, as for the programs measured
        cwd=folder,
        env=environment(),
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.removesuffix("\n")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.generate", description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, help="where the bare repository is made; must not exist")
    parser.add_argument("--models", type=int, default=2000)
    parser.add_argument("--commits", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--layout", choices=("sharded", "flat"), default="sharded")
    given = parser.parse_args()
    generate(given.folder, given.models, commits=given.commits, seed=given.seed, layout=given.layout)


if __name__ == "__main__":
    main()
