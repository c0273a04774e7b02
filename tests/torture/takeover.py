"""Three replicas with the settings by default, of which the leader is killed, stopped and cut off.

`python -m tests.torture.takeover` prints a log: after each of these a model is committed, and the seconds are
told until whoever leads by then has imported it; first directly, then through PgBouncer. With `--rounds 25`
each happens so often, at a random moment around an import, and a table tells p50 and p99.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import threading
import time
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

from tests.torture.fleet import EVENTS, Fleet, pgbouncer

if TYPE_CHECKING:
    from tests.torture.fleet import Replica

_LEASE, _RENEW, _TIMEOUT = 8.0, 2.0, 30.0  # seconds, as by default
_SHOWN = ("kill -9", "SIGSTOP, SIGCONT", "network cut", "SIGTERM")
_AROUND = 0.6  # seconds after a commit in which its import is under way

Times = defaultdict[tuple[str, str], list[float]]
"""Seconds of each take-over, by what happened to the leader and by the way to the server."""


def show(times: Times, rounds: int, *, pooled: bool) -> int:
    """Prints the log of one fleet; gives how many models were registered twice."""
    chance = random.Random(1)
    with (
        tempfile.TemporaryDirectory() as folder,
        Fleet(Path(folder), pooled=pooled, lease=_LEASE, renew=_RENEW, timeout=_TIMEOUT) as fleet,
    ):
        way = "through PgBouncer, in transaction mode" if pooled else "straight to PostgreSQL"
        _say(f"three replicas, {way}; lease {_LEASE:g} s, renewed every {_RENEW:g} s, a tick each second")
        for turn in range(rounds * len(_SHOWN)):
            event = _SHOWN[turn % len(_SHOWN)]
            if rounds > 1:
                fleet.until(fleet.is_whole, "whole")
                fleet.commit()
                time.sleep(chance.uniform(0.0, _AROUND))
            times[event, way].append(_one(fleet, event))
        twice = fleet.duplicates()
        _say(f"{len(fleet.ids)} models in the registry, which takes a pair twice; {len(twice)} of them twice")
        return len(twice)


def _one(fleet: Fleet, event: str) -> float:
    """One take-over; gives its seconds."""
    fleet.until(fleet.is_whole, "whole")
    leader = _leader(fleet)
    _say(f"  replica {leader.number} leads (epoch {_epoch(fleet)}): {event}")
    happening = threading.Thread(target=EVENTS[event], args=(fleet, leader))
    began = time.monotonic()
    happening.start()
    name = fleet.commit()
    fleet.until(lambda: fleet.has(name), "imported")
    seconds = time.monotonic() - began
    now = _leader(fleet)
    _say(f"    {name}, committed right then, imported after {seconds:.1f} s by replica {now.number}")
    happening.join()
    fleet.supervise()
    return seconds


def _leader(fleet: Fleet) -> Replica:
    fleet.until(lambda: fleet.leader() is not None, "led")
    leader = fleet.leader()
    assert leader is not None
    return leader


def _epoch(fleet: Fleet) -> str:
    return str(fleet.server.ask("SELECT epoch FROM lease WHERE target = 'prod'"))


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _table(times: Times) -> None:
    _say("| what happens to the leader | way | take-overs | p50 | p99 | slowest |")
    _say("|---|---|---:|---:|---:|---:|")
    for (event, way), taken in times.items():
        taken.sort()
        p50, p99 = (taken[round((len(taken) - 1) * part)] for part in (0.5, 0.99))
        _say(f"| {event} | {way} | {len(taken)} | {p50:.1f} s | {p99:.1f} s | {taken[-1]:.1f} s |")


def main() -> int:
    """Both logs; 1 where a model was registered twice."""
    parser = argparse.ArgumentParser(prog="python -m tests.torture.takeover", description=__doc__)
    parser.add_argument("--rounds", type=int, default=1, help="how often each of them happens")
    rounds = parser.parse_args().rounds
    times: Times = defaultdict(list)
    twice = show(times, rounds, pooled=False)
    if pgbouncer() is None:
        _say("PgBouncer is not installed: not shown through it")
    else:
        twice += show(times, rounds, pooled=True)
    if rounds > 1:
        _table(times)
    return int(bool(twice))


if __name__ == "__main__":
    sys.exit(main())
