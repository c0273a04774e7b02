"""Rounds of `tests.torture.fleet`, of several fleets at a time, and their tally.

One round: a model is committed, and at a random moment around its import something happens to the replica
that leads; then another model is committed, and the seconds are counted until both are registered. After each
round it is looked at whether a pair was ever registered twice; when a fleet ends, whether everything that
was committed is registered once, and known to the state as such.

Each round is told and written to a file as it ends, so that a run that is cut short counts as far as it came.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import multiprocessing
import os
import queue
import random
import signal
import sys
import tempfile
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.torture.fleet import EVENTS, Fleet, pgbouncer
from tests.torture.island import is_possible

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_AROUND = 0.6  # seconds after a commit in which its import is under way
_SHOWN = 300  # characters of what is written to the file
_LOOK = 1.0  # seconds between two looks at whether a fleet died
_FACTS = (
    "SELECT concat_ws(' ', count(DISTINCT model_name) FILTER (WHERE kind IN ('imported', 'adopted')), "
    "count(*) FILTER (WHERE kind = 'import-requested'), "
    "(SELECT max(epoch) FROM lease WHERE target = 'prod')) FROM journal"
)


@dataclass(frozen=True)
class Round:
    """What one round came to.

    Attributes:
        seconds: from the event until both models were registered.
        twice: the names that were ever registered twice, so far.
        leader: the number of the replica to which it happened; the last one's clock is an hour ahead.
    """

    event: str
    seconds: float
    twice: tuple[str, ...]
    leader: int


@dataclass(frozen=True)
class Sum:
    """What a fleet had done when it ended.

    Attributes:
        committed: models.
        rows: models in the registry, which are the import calls that it has carried out.
        remembered: models that the journal knows to be registered.
        intents: import calls of the journal; more than models where one was certainly not made.
        epoch: of the last lease: how often it was taken.
        lost: what was committed, and is not registered exactly once.
    """

    committed: int
    rows: int
    remembered: int
    intents: int
    epoch: int
    lost: tuple[str, ...]


def possible(*, pooled: bool) -> list[str]:
    """The events that may happen here."""
    missing = {"pooler restarted": not pooled, "namespace cut": not is_possible()}
    return [name for name in EVENTS if not missing.get(name)]


def play(fleet: Fleet, event: str, chance: random.Random) -> Round:
    """One round; the next model is committed as soon as the event has begun.

    It begins when all replicas are there: what a lone one needs for a start is no take-over.
    """
    fleet.until(fleet.is_whole, "whole")
    leader = fleet.leader() or fleet.replicas[0]
    first = fleet.commit()
    time.sleep(chance.uniform(0.0, _AROUND))
    happening = threading.Thread(target=EVENTS[event], args=(fleet, leader))
    began = time.monotonic()
    happening.start()
    second = fleet.commit()
    fleet.until(lambda: fleet.has(first) and fleet.has(second), "imported")
    seconds = time.monotonic() - began
    happening.join()
    fleet.supervise()
    return Round(event, round(seconds, 2), tuple(fleet.duplicates()), leader.number)


def rounds(fleet: Fleet, number: int, seed: int, only: Sequence[str] = ()) -> Iterator[Round]:
    """So many rounds, each event in turn, or each of these."""
    events = only or possible(pooled=fleet.pooled)
    chance = random.Random(seed)
    for turn in range(number):
        yield play(fleet, events[turn % len(events)], chance)


def total(fleet: Fleet) -> Sum:
    """What it came to, once the journal knows of everything that is registered."""
    rows = fleet.rows()

    def facts() -> list[int]:
        return [int(word) for word in (fleet.server.ask(_FACTS) or "").split()]

    fleet.until(lambda: facts()[0] == len(rows), "remembered")
    remembered, intents, epoch = facts()
    return Sum(fleet.committed, rows.total(), remembered, intents, epoch, tuple(fleet.lost()))


def main() -> int:
    """Plays the rounds, half of them through a pooler; 1 where anything was found wrong."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    parser = argparse.ArgumentParser(prog="python -m tests.torture.fleet", description=__doc__)
    parser.add_argument("--rounds", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--fleets", type=int, default=4, help="how many play at a time")
    parser.add_argument("--tally", type=Path, default=Path(os.devnull), help="file to add each round to")
    arguments = parser.parse_args()
    began = time.monotonic()
    lines: list[Mapping[str, Any]] = []
    cut_short = contextlib.suppress(KeyboardInterrupt, SystemExit)
    with arguments.tally.open("a", encoding="utf-8") as tally, cut_short:
        for line in _played(arguments.rounds, arguments.fleets, arguments.seed):
            lines.append(line)
            tally.write(json.dumps(line) + "\n")
            tally.flush()
            _say(f"{time.strftime('%H:%M:%S')} {len(lines)} {json.dumps(line)[:_SHOWN]}")
    _table(lines)
    _say(f"{(time.monotonic() - began) / 60:.0f} minutes, {arguments.fleets} fleets at a time.")
    wrong = any(line.get("twice") or line.get("lost") or "wrong" in line for line in lines)
    return int(wrong or sum("seconds" in line for line in lines) < arguments.rounds)


def _played(number: int, fleets: int, seed: int) -> Iterator[Mapping[str, Any]]:
    """What each fleet tells, as it comes; every second fleet is behind a pooler, where there is one."""
    spawn = multiprocessing.get_context("spawn")
    lines: multiprocessing.Queue[Mapping[str, Any]] = spawn.Queue()
    shares = [number // fleets + (one < number % fleets) for one in range(fleets)]
    processes = [
        spawn.Process(target=_play_all, args=(one, share, seed + one, lines))
        for one, share in enumerate(shares)
    ]
    for process in processes:
        process.start()
    try:
        while any(process.is_alive() for process in processes) or not lines.empty():
            with contextlib.suppress(queue.Empty):
                yield lines.get(timeout=_LOOK)
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.join()


def _play_all(number: int, share: int, seed: int, lines: multiprocessing.Queue[Mapping[str, Any]]) -> None:
    """One fleet's share of the rounds, in a process of its own; what stops it is told like a round."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    pooled = number % 2 == 1 and pgbouncer() is not None
    facts = {"fleet": number, "pooled": pooled}
    try:
        with (
            tempfile.TemporaryDirectory() as folder,
            Fleet(Path(folder), pooled=pooled, apart=is_possible()) as fleet,
        ):
            for one in rounds(fleet, share, seed):
                lines.put(facts | asdict(one))
            lines.put(facts | asdict(total(fleet)))
    except Exception as error:  # noqa: BLE001 - whatever it is, it is a finding
        lines.put(facts | {"wrong": f"{type(error).__name__}: {error}"})


def _table(lines: Sequence[Mapping[str, Any]]) -> None:
    ways = [f"{way}: rounds | p50 | p99 | slowest" for way in ("directly", "through PgBouncer")]
    _say(f"| what happens to the leader | {' | '.join(ways)} |")
    _say("|---|---:|---:|---:|---:|---:|---:|---:|---:|")
    played = [line for line in lines if "seconds" in line]
    for event in EVENTS:
        cells = [event]
        for pooled in (False, True):
            of_it = (line for line in played if line["event"] == event and line["pooled"] == pooled)
            cells += _quantiles(sorted(line["seconds"] for line in of_it))
        _say(f"| {' | '.join(cells)} |")
    sums = [line for line in lines if "rows" in line]
    names = ("committed", "rows", "remembered", "intents")
    facts = ", ".join(f"{sum(line[name] for line in sums)} {name}" for name in names)
    twice = {(line["fleet"], name) for line in played for name in line["twice"]}
    lost = sum(len(line["lost"]) for line in sums)
    _say(f"\n{len(played)} rounds, {len(twice)} models registered twice, {lost} lost.")
    _say(f"Fleets that ended: {len(sums)}; {facts}.")
    for line in lines:
        if "wrong" in line:
            _say(f"Fleet {line['fleet']}: {line['wrong'][:_SHOWN]} …")


def _quantiles(seconds: Sequence[float]) -> list[str]:
    if not seconds:
        return ["-"] * 4
    p50, p99 = (seconds[round((len(seconds) - 1) * part)] for part in (0.5, 0.99))
    return [str(len(seconds)), f"{p50:.1f} s", f"{p99:.1f} s", f"{seconds[-1]:.1f} s"]


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
