"""`python -m bench`: measures every row and prints the tables in Markdown."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from bench.rows import measure
from bench.table import machine, page

_SMALLEST = 200
_MOST_SIZES = 3


def sizes(models: int) -> list[int]:
    """The sizes that a run of `models` looks at, each ten times the one before, smallest first."""
    found = [models]
    while len(found) < _MOST_SIZES and found[0] // 10 >= _SMALLEST:
        found.insert(0, found[0] // 10)
    return found


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
        results = [measure(folder / str(n), n, _tell, given.layout) for n in sizes(given.models)]
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    text = page(results, described)
    if given.output:
        given.output.write_text(text, "utf-8")
    sys.stdout.write(text)


def _tell(what: str) -> None:
    sys.stderr.write(f"{what}\n")


if __name__ == "__main__":
    main()
