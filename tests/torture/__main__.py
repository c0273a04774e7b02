"""`python -m tests.torture --kills 1000`: deaths by the thousand, a table of them, and a verdict."""

from __future__ import annotations

import argparse
import itertools
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.torture.lives import forked, mutated
from tests.torture.mutation import intent_after_the_call
from tests.torture.points import POINTS
from tests.torture.scene import PATIENCE
from tests.torture.trial import AT_ONCE, MODES, all_at_points, all_at_random, at_point

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tests.torture.trial import Outcome

_MOST = 8  # deaths in one random trial
_CAUGHT_AT = POINTS["receive/arrived"]


def main() -> int:
    """Runs the deaths that were asked for; 1 when anything was found wrong."""
    arguments = _arguments()
    started = time.monotonic()
    named = [] if arguments.no_named else list(_logged(all_at_points(POINTS, forked)))
    share = (arguments.kills - sum(outcome.kills for outcome in named)) // (len(MODES) + 1)
    modes = {title: list(_logged(_random(share, arguments.seed, kind))) for title, kind in MODES.items()}
    random = list(_logged(_random(share, arguments.seed)))
    caught = _mutant()
    _print("| deaths | worlds | kills | duplicates | losses | other findings | recovery p50 | p99 |")
    _print("|---|---:|---:|---:|---:|---:|---:|---:|")
    rows = {"at named points": named, "at random moments": random, **modes}
    for title, outcomes in rows.items():
        if outcomes:
            _print(_row(title, outcomes))
    _print(_row("the mutation, at one point", [caught]))
    took = f"{(time.monotonic() - started) / 60:.1f} minutes on {os.cpu_count()} cores"
    _print(f"\nSeed {arguments.seed}, {AT_ONCE} worlds at a time, {took}.")
    wrong = [outcome for outcomes in rows.values() for outcome in outcomes if outcome.violations]
    if not caught.duplicates:
        _print("the mutation was not caught")
    return int(bool(wrong) or not caught.duplicates)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description=__doc__)
    parser.add_argument("--kills", type=int, default=1000, help="how many deaths, the named ones included")
    parser.add_argument("--seed", type=int, default=1, help="of the first random trial")
    parser.add_argument("--no-named", action="store_true", help="random moments only")
    return parser.parse_args()


def _random(kills: int, seed: int, kind: str | None = None) -> Iterator[Outcome]:
    """Random trials until there were that many deaths, and those that were under way by then."""
    deaths = 0
    seeds = itertools.takewhile(lambda _: deaths < kills, itertools.count(seed))
    for outcome in all_at_random(seeds, forked, most=_MOST, kind=kind):
        deaths += outcome.kills
        yield outcome


def _logged(outcomes: Iterable[Outcome]) -> Iterator[Outcome]:
    """The same, with a line on standard error for each finding and for each hundred deaths."""
    deaths = 0
    for outcome in outcomes:
        if (deaths + outcome.kills) // 100 > deaths // 100:
            sys.stderr.write(f"{time.strftime('%H:%M:%S')} {deaths + outcome.kills} deaths\n")
        deaths += outcome.kills
        for violation in outcome.violations:
            sys.stderr.write(f"{outcome.name}: {violation}\n")
        yield outcome


def _mutant() -> Outcome:
    """What becomes of the program whose intents are written too late."""
    with tempfile.TemporaryDirectory() as folder, mutated(intent_after_the_call(Path(folder))) as start:
        return at_point(_CAUGHT_AT, start, visible_after=PATIENCE)


def _row(title: str, outcomes: list[Outcome]) -> str:
    recoveries = sorted(outcome.recovery for outcome in outcomes)
    duplicates = sum(outcome.duplicates for outcome in outcomes)
    losses = sum(outcome.losses for outcome in outcomes)
    others = sum(outcome.others for outcome in outcomes)
    facts = [title, len(outcomes), sum(outcome.kills for outcome in outcomes), duplicates, losses, others]
    times = [f"{recoveries[int((len(recoveries) - 1) * part)]:.1f} s" for part in (0.5, 0.99)]
    return "| " + " | ".join(map(str, facts + times)) + " |"


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main())
