"""Three replicas with the settings by default, of which the leader is killed, stopped and cut off.

`python -m tests.torture.takeover` prints a log: after each of these a model is committed, and the seconds are
told until whoever leads by then has imported it; first directly, then through PgBouncer.
"""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.torture.fleet import EVENTS, Fleet, pgbouncer

if TYPE_CHECKING:
    from tests.torture.fleet import Replica

_LEASE, _RENEW = 8.0, 2.0  # seconds, as by default
_SHOWN = ("kill -9", "SIGSTOP, SIGCONT", "network cut", "SIGTERM")


def show(*, pooled: bool) -> int:
    """Prints the log of one fleet; gives how many models were registered twice."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Fleet(Path(folder), pooled=pooled, lease=_LEASE, renew=_RENEW) as fleet,
    ):
        way = "through PgBouncer, in transaction mode" if pooled else "straight to PostgreSQL"
        _say(f"three replicas, {way}; lease {_LEASE:g} s, renewed every {_RENEW:g} s, a tick each second")
        for event in _SHOWN:
            _one(fleet, event)
        twice = fleet.duplicates()
        _say(
            f"{len(fleet.most)} models in the registry, which takes a pair twice; {len(twice)} of them twice"
        )
        return len(twice)


def _one(fleet: Fleet, event: str) -> None:
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


def main() -> int:
    """Both logs; 1 where a model was registered twice."""
    twice = show(pooled=False)
    if pgbouncer() is None:
        _say("PgBouncer is not installed: not shown through it")
    else:
        twice += show(pooled=True)
    return int(bool(twice))


if __name__ == "__main__":
    sys.exit(main())
