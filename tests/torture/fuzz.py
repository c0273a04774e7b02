"""Hostile input by the hundred thousand: `python -m tests.torture.fuzz --cases 100000`.

Every case is made from a room's name, a seed and a number alone, so that what breaks can be done again:
`python -m tests.torture.fuzz --room manifests --seed 1 --first 4711 --cases 1`.
"""

from __future__ import annotations

import argparse
import contextlib
import faulthandler
import logging
import multiprocessing
import os
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from reconciler.errors import ReconcilerError
from tests.torture.hostile import answers, configurations, manifests, trees
from tests.torture.hostile.damage import CANARY
from tests.torture.hostile.looks import Breach, examine_error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from types import FrameType

    Attack = Callable[[Random], None]
    Attacker = Callable[[Path], AbstractContextManager[Attack]]

ROOMS: dict[str, Attacker] = {
    "manifests": manifests.attacker,
    "answers": answers.attacker,
    "configurations": configurations.attacker,
    "trees": trees.attacker,
}
SHARES = {"manifests": 0.57, "answers": 0.22, "configurations": 0.18, "trees": 0.03}
"""Which part of all cases each room gets: a tree costs a dozen processes, a manifest none."""

CPU_SECONDS = 5.0  # of one case; processor time, so that a busy machine changes nothing
HANG_SECONDS = 120.0  # of a hundred cases, whatever they wait for; the program ends with a traceback
MEMORY = 128 * 1024  # KiB by which one case may raise the peak
WARM = 30  # cases of a room after which its memory counts
_MOST_BREACHES = 10


class Hang(BaseException):
    """One case took too long; nothing may catch it."""


@dataclass
class Tally:
    """What became of a room's cases.

    Attributes:
        slowest: seconds of processor time.
        memory: the peak of this process, KiB.
        refused: cases that ended in an error of the program's own, by its kind.
        breaches: how to repeat each case that broke a promise, with the traceback.
    """

    room: str
    cases: int = 0
    seconds: float = 0.0
    slowest: float = 0.0
    memory: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    breaches: list[str] = field(default_factory=list)


def assault(room: str, cases: int, *, seed: int = 0, first: int = 0, watched: bool = False) -> Tally:
    """Runs cases `first` to `first + cases` of a room, in a folder of its own.

    With `watched`, this process ends with a traceback when it comes to a standstill.
    """
    tally = Tally(room)
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder, contextlib.chdir(folder):
        with ROOMS[room](Path(folder)) as attack:
            for number in range(first, first + cases):
                if watched and number % 100 == 0:
                    faulthandler.dump_traceback_later(HANG_SECONDS, exit=True)
                _one(tally, attack, number, seed)
                if len(tally.breaches) >= _MOST_BREACHES:
                    break
        if Path(CANARY).exists():
            tally.breaches.append(f"{room}: hostile input started a program")
    tally.seconds = time.monotonic() - started
    return tally


def _one(tally: Tally, attack: Attack, number: int, seed: int) -> None:
    began = time.process_time()
    try:
        with _bounded():
            try:
                attack(Random(f"{tally.room}/{seed}/{number}"))
            except ReconcilerError as error:
                tally.refused[type(error).__name__] += 1
                examine_error(error)
        _measure(tally)
    except (Exception, Hang):  # noqa: BLE001 - whatever it is, it is what is looked for
        again = f"--room {tally.room} --seed {seed} --first {number} --cases 1"
        tally.breaches.append(f"python -m tests.torture.fuzz {again}\n{traceback.format_exc(limit=-12)}")
    tally.cases += 1
    tally.slowest = max(tally.slowest, time.process_time() - began)


def _measure(tally: Tally) -> None:
    """Breach when one case made this process's memory grow far beyond what it ever was."""
    before, tally.memory = tally.memory, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    if tally.cases > WARM and tally.memory > before + MEMORY:
        raise Breach(f"memory grew from {before} to {tally.memory} KiB")


@contextlib.contextmanager
def _bounded() -> Iterator[None]:
    def late(_number: int, _frame: FrameType | None) -> None:
        raise Hang(f"more than {CPU_SECONDS:g} s of processor time")

    before = signal.signal(signal.SIGVTALRM, late)
    signal.setitimer(signal.ITIMER_VIRTUAL, CPU_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> int:
    """The program; its exit code is 1 when a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.torture.fuzz", description=__doc__)
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--room", choices=ROOMS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0)
    arguments = parser.parse_args()
    shares = {arguments.room: 1.0} if arguments.room else SHARES
    cases = {room: max(1, round(share * arguments.cases)) for room, share in shares.items()}
    _say("| way in | cases | refused | seconds | slowest, s | peak, MiB | promises broken |")
    _say("|---|---:|---:|---:|---:|---:|---:|")
    broken = 0
    # A process for each room, so that its peak of memory is its own.
    with ProcessPoolExecutor(
        os.cpu_count(), multiprocessing.get_context("spawn"), _silence, max_tasks_per_child=1
    ) as pool:
        for tally in pool.map(partial(_watched, seed=arguments.seed, first=arguments.first), cases.items()):
            _say(
                f"| {tally.room} | {tally.cases} | {tally.refused.total()} | {tally.seconds:.0f} "
                f"| {tally.slowest:.2f} | {tally.memory // 1024} | {len(tally.breaches)} |"
            )
            sys.stderr.write("".join(f"{breach}\n" for breach in tally.breaches))
            broken += len(tally.breaches)
    return min(broken, 1)


def _silence() -> None:
    logging.disable(logging.CRITICAL)


def _watched(task: tuple[str, int], *, seed: int, first: int) -> Tally:
    room, cases = task
    tally = assault(room, cases, seed=seed, first=first, watched=True)
    faulthandler.cancel_dump_traceback_later()
    return tally


if __name__ == "__main__":
    sys.exit(main())
