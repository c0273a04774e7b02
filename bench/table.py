"""The results as Markdown."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bench.rows import ROWS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bench.measure import Sample
    from bench.rows import Limit, Results

_NONE = "-"
_SECOND = 1.0
_PRECISE = 10.0


def page(results: Sequence[Results], machine: str, *more: str) -> str:
    """All tables of one run; the sizes in ascending order, the last one is the run's own; `more` follow."""
    last = results[-1]
    parts = [machine, "", f"### {last.models:,} models", "", *_rows(last), "", *_counts(last)]
    parts += ["", "### Git alone", "", *_git(results), "", "### Growth", "", *_growth(results)]
    for each in more:
        parts += ["", each.rstrip("\n")]
    return "\n".join([*parts, ""])


def machine() -> str:
    """The machine and the programs that were measured, in one sentence."""
    cpu = next(
        (line for line in _lines("/proc/cpuinfo") if line.startswith("model name")), ": unknown processor"
    )
    memory = next((line for line in _lines("/proc/meminfo") if line.startswith("MemTotal")), "MemTotal: 0 kB")
    gib = int(memory.split()[1]) / 1024**2
    git = subprocess.run(["git", "--version"], capture_output=True, text=True, check=True).stdout.split()[2]  # noqa: S607
    cores = len(os.sched_getaffinity(0))
    load = os.getloadavg()[0]
    return (
        f"{cores} cores ({cpu.partition(':')[2].strip()}), {gib:.0f} GiB, Linux {platform.release()}, "
        f"Python {sys.version.split()[0]}, git {git}; load before the run {load:.1f}."
    )


def _lines(file: str) -> list[str]:
    path = Path(file)
    return path.read_text("utf-8", errors="replace").splitlines() if path.exists() else []


def _rows(results: Results) -> Iterable[str]:
    yield from heading(
        "row",
        "program",
        "CPU",
        "MiB",
        "naive script",
        "CPU",
        "MiB",
        "naive / program",
        "by CPU",
        "git alone",
        "program / git",
        "must",
        "goal",
    )
    for row in ROWS:
        ours, naive, floor = results.program.get(row.key), results.naive.get(row.key), results.floor(row.key)
        yield cells(
            row.title,
            spread(ours),
            _cpu(ours),
            _peak(ours),
            spread(naive),
            _cpu(naive),
            _peak(naive),
            ratio(naive, ours),
            _ratio(naive.cpu if naive else None, ours.cpu if ours else None),
            f"{seconds(floor.median)} {row.floor}" if floor else _NONE,
            ratio(ours, floor),
            verdict(row.must, ours),
            verdict(row.goal, ours),
        )


def _counts(results: Results) -> Iterable[str]:
    yield from heading("one run of", "git processes", "HTTP requests", "commits of the state")
    titles = {row.key: row.title for row in ROWS} | {"naive": "naive script, any tick"}
    titles |= {"loop-noop": "twenty no-op ticks inside `run`", "import": "import of a thousand new models"}
    for key, counts in results.counts.items():
        commits = _NONE if counts.commits is None else f"{counts.commits:,}"
        yield cells(titles[key], f"{counts.git:,}", f"{counts.requests:,}", commits)


def _git(results: Sequence[Results]) -> Iterable[str]:
    yield from heading("command", *(f"{each.models:,}" for each in results), "MiB")
    for name, largest in results[-1].git.items():
        yield cells(f"`git {name}`", *(spread(each.git.get(name)) for each in results), _peak(largest))


def _growth(results: Sequence[Results]) -> Iterable[str]:
    """How much longer the largest size takes than the smallest; the naive script's in brackets.

    By processor time where there is one: it depends less on what else the machine does.
    """
    first, last = results[0], results[-1]
    sizes = last.models / first.models
    yield from heading(
        "row, by CPU where measured",
        *(cell for each in results for cell in (f"{each.models:,}", "MiB")),
        f"{sizes:g} times the models",
    )
    for row in ROWS:
        ours = [each.program.get(row.key) for each in results]
        costs = [_cost(sample) for sample in ours]
        times = _ratio(costs[-1], costs[0])
        naive = _ratio(_cost(last.naive.get(row.key)), _cost(first.naive.get(row.key)))
        if row.key.startswith("import"):
            times = naive = _NONE
        shown = [
            cell
            for sample, cost in zip(ours, costs, strict=True)
            for cell in (_shown(sample, cost), _peak(sample))
        ]
        yield cells(row.title, *shown, times if naive == _NONE else f"{times} (naive {naive})")


def _shown(sample: Sample | None, cost: float | None) -> str:
    if sample is not None and sample.rate is not None:
        return spread(sample)
    return _NONE if cost is None else seconds(cost)


def _cost(sample: Sample | None) -> float | None:
    return None if sample is None else sample.median if sample.cpu is None else sample.cpu


def spread(sample: Sample | None) -> str:
    """Median, and the least and the most in brackets where something was measured several times."""
    if sample is None:
        return _NONE
    if sample.rate is not None:
        return f"{sample.rate / sample.median:.0f}/s ({sample.rate:,} in {seconds(sample.median)})"
    if len(sample.seconds) == 1:
        return seconds(sample.median)
    return f"{seconds(sample.median)} ({seconds(min(sample.seconds))} to {seconds(max(sample.seconds))})"


def seconds(value: float) -> str:
    """A duration with the digits that mean something."""
    if value >= _SECOND:
        return f"{value:.3g} s" if value < _PRECISE**2 else f"{value:.0f} s"
    milliseconds = value * 1000
    return f"{milliseconds:.0f} ms" if milliseconds >= _PRECISE else f"{milliseconds:.1f} ms"


def ratio(one: Sample | None, other: Sample | None) -> str:
    """How many times longer one took than the other."""
    return _ratio(one.median if one else None, other.median if other else None)


def _ratio(one: float | None, other: float | None) -> str:
    if one is None or not other:
        return _NONE
    times = one / other
    return f"{times:.0f}x" if times >= _PRECISE else f"{times:.1f}x"


def verdict(limit: Limit | None, measured: Sample | None) -> str:
    """A limit, and whether it was kept to."""
    if limit is None:
        return _NONE
    told = [
        None if limit.seconds is None else seconds(limit.seconds),
        None if limit.mib is None else f"{limit.mib:.0f} MiB",
        None if limit.rate is None else f"{limit.rate:.0f}/s",
    ]
    words = ", ".join(filter(None, told))
    return words if measured is None else f"{words}: {'yes' if limit.met(measured) else 'no'}"


def _cpu(sample: Sample | None) -> str:
    return _NONE if sample is None or sample.cpu is None else seconds(sample.cpu)


def _peak(sample: Sample | None) -> str:
    return _NONE if sample is None or sample.peak is None else f"{sample.peak:.0f}"


def heading(*names: str) -> Iterable[str]:
    """The first two lines of a table."""
    yield cells(*names)
    yield cells(*("---" if number == 0 else "---:" for number, _ in enumerate(names)))


def cells(*texts: str) -> str:
    """One line of a table."""
    return f"| {' | '.join(texts)} |"
