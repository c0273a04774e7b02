"""The benchmark of the registry, on a small one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_the_benchmark_asks_for_everything_it_says() -> None:
    """Filling, pages, a filter, details and imports: a line each, with calls a second and processor time."""
    command = [sys.executable, "-m", "bench.keeping_up", "--models", "30", "--imports", "40"]
    done = subprocess.run(
        command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True, timeout=100
    )
    lines = done.stdout.splitlines()
    kinds = [line.partition(",")[0].split()[0] for line in lines]
    assert kinds == ["preload", "first", "last", "every", "list", "detail", "detail", "import", "import"]
    assert all("/s" in line and line.endswith("ms CPU") for line in lines)
