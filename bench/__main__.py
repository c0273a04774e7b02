"""`python -m bench`: measures every row and prints the tables in Markdown."""

# ruff: noqa: S603 - what is started here are parts of this

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.rows import measure
from bench.table import machine, page

_SMALLEST = 1000  # models; with fewer every cycle judges all of them


def sizes(models: int) -> list[int]:
    """The sizes that a run of `models` looks at, ascending: a thousand, ten times as many, and so on."""
    found = [models]
    size = _SMALLEST
    while size < models:
        found.insert(-1, size)
        size *= 10
    return found


def alone(models: int) -> list[str]:
    """Tables of the reader, the registry, its client, and of depth, each measured by itself."""
    imports, calls = min(models, 10_000), min(models, 1000)
    return [
        "### One manifest of each make\n\n" + _told("bench.makes", "--models", calls),
        "### The embedded registry alone\n\n```text\n"
        + _told("bench.keeping_up", "--models", models, "--imports", imports)
        + "```",
        "### The registry's client alone\n\n"
        + _told("bench.client", "--models", models, "--calls", calls, "--times", 2, "--brief"),
        "### Depth, and a loop with nothing to do\n\n" + _told("bench.deep", "--models", models),
    ]


def _told(module: str, *options: object) -> str:
    command = [sys.executable, "-m", module, *map(str, options)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("-n", "--models", type=int, default=2000, help="models at the largest size")
    parser.add_argument("--layout", choices=("sharded", "flat"), default="sharded")
    parser.add_argument("--folder", type=Path, help="where to work; a temporary folder by default")
    parser.add_argument("--output", type=Path, help="also write the tables to this file")
    given = parser.parse_args()
    described = machine()
    folder = Path(tempfile.mkdtemp(prefix="bench-", dir=given.folder))
    try:
        results = [
            measure(folder / str(n), n, _tell, given.layout, last=n == given.models)
            for n in sizes(given.models)
        ]
        _tell("reader, registry and client, each alone; depth")
        text = page(results, described, *alone(given.models))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if given.output:
        given.output.write_text(text, "utf-8")
    sys.stdout.write(text)


def _tell(what: str) -> None:
    sys.stderr.write(f"{what}\n")


if __name__ == "__main__":
    main()
