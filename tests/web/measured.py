"""How much processor time the server takes for each kind of page, and how large they are.

python -m tests.web.measured --models 100000
"""

from __future__ import annotations

import argparse
import gzip
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.views.pages import ROWS
from tests.program import Fleet, manifest
from tests.web.prepared import TARGETS, Prepared, models

if TYPE_CHECKING:
    from collections.abc import Sequence

_NUMBERS = range(1, 8)

PAGES: dict[str, str] = {
    "overview": "/?page={n}",
    "one that needs you": "/?verdict=failed&page={n}",
    "ordered by time": "/?sort=-since&page={n}",
    "searched": "/?q=model-00{n}",
    "one of the last": "/?page={last}",
    "matrix": "/?view=matrix&page={n}",
    "a model": "/models/staging/model-00000{n}/1.{n}.0",
    "all versions of a model": "/models/staging/model-00001{n}",
}
"""Addresses by what they show; each is asked for with other numbers, so that no answer was given before."""


def main() -> None:
    """Prints one row for each kind of page."""
    parser = argparse.ArgumentParser(prog="python -m tests.web.measured", description=__doc__)
    parser.add_argument("--models", type=int, default=100_000)
    number = parser.parse_args().models
    with tempfile.TemporaryDirectory() as folder:
        fleet = Fleet(Path(folder) / "fleet")
        fleet.configure(TARGETS)
        fleet.repository.commit({"models.d/team-0/model-0.yaml": manifest("model-000000@1.0.0")})
        with Prepared(fleet.folder) as site:
            site.save(models(number, site.commit, well=200))
            first = time.monotonic()
            while "Models 1 to" not in site.client.get("/").text:
                time.sleep(0.05)
            startup = f"the first page after a start: {time.monotonic() - first:.1f} s"
            sys.stdout.write(f"{startup}\n\n| page | processor time | size | compressed |\n")
            sys.stdout.write("|---|---:|---:|---:|\n")
            for name, address in PAGES.items():
                _measure(site, name, [address.format(n=n, last=number // ROWS - n) for n in _NUMBERS])


def _measure(site: Prepared, name: str, addresses: Sequence[str]) -> None:
    processor, texts = [], []
    for address in addresses:
        used = time.process_time() - time.thread_time()
        answer = site.client.get(address)
        processor.append(time.process_time() - time.thread_time() - used)  # of all threads but this one
        texts.append(answer.content)
    largest = max(texts, key=len)
    cells = (
        name,
        f"{statistics.median(processor) * 1000:.0f} ms",
        f"{len(largest) / 1024:.0f} KiB",
        f"{len(gzip.compress(largest, 6)) / 1024:.0f} KiB",
    )
    sys.stdout.write(f"| {' | '.join(cells)} |\n")


if __name__ == "__main__":
    main()
