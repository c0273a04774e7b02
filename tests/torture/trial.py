"""One trial: a world, some deaths, a recovery, and what was found wrong."""

from __future__ import annotations

import itertools
import random
import tempfile
import time
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from tests.torture.lives import KILLED
from tests.torture.points import POINTS
from tests.torture.scene import LATE, PATIENCE, SOON, TIMEOUT, opened

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tests.torture.lives import Start
    from tests.torture.points import Point
    from tests.torture.scene import Scene

_AT_RANDOM = (
    "plain", "many", "lost", "gone", "busy", "remote", "refused", "failing", "foreign", "found",
    "late", "all late", "hidden",
)  # fmt: skip
MODES = {
    "the registry shows nothing for longer than settle": "hidden",
    "the POST is carried out late": "late",
    "half of all POSTs are carried out late": "all late",
}
"""Worlds that have rows of their own in the table, by title."""
_SETTLED_LONG = ("gone", "late", "all late", "hidden")
_MORE_WORLDS = 2  # for a point that was not reached
AT_ONCE = 16  # trials under way: most of a trial is waiting


@dataclass(frozen=True)
class Outcome:
    """What became of one trial.

    Attributes:
        name: of the point, or what was killed at random.
        kills: deaths, all by SIGKILL.
        duplicates: arrivals of a pair that was registered already.
        violations: everything found wrong, duplicates included.
        recovery: seconds from the start of the first undisturbed life until all was in sync.
    """

    name: str
    kills: int
    duplicates: int
    losses: int
    violations: tuple[str, ...]
    recovery: float

    @property
    def others(self) -> int:
        """How much was found wrong besides duplicates and losses."""
        return sum(not violation.startswith(("duplicate", "loss")) for violation in self.violations)


def at_point(point: Point, start: Start, visible_after: float = SOON) -> Outcome:
    """Dies at each of the point's earlier points, then at the point itself, and recovers.

    Whether some moments come at all depends on whose clock is ahead: a model shows in a list between two
    looks, or before the first one. Such a life is begun again in another world; whatever else was wrong in
    the first one counts.
    """
    outcome, unreached = _at_point(point, start, visible_after)
    for _ in range(_MORE_WORLDS):
        if not unreached or outcome.violations:
            break
        outcome, unreached = _at_point(point, start, visible_after)
    return replace(outcome, violations=(*outcome.violations, *unreached))


def _at_point(point: Point, start: Start, visible_after: float) -> tuple[Outcome, list[str]]:
    """One world, and where somebody did not die who was to, with what was said there."""
    of_the_registry = point.name if point.victim == "registry" else None
    with (
        tempfile.TemporaryDirectory(prefix="torture-") as folder,
        opened(
            Path(folder), point.scene, start, visible_after=visible_after, registry_point=of_the_registry
        ) as scene,
    ):
        if of_the_registry:
            _registry_dies(scene)
        scene.examine()
        unreached = []
        for name in () if of_the_registry else (*point.earlier, point.name):
            if getattr(scene, POINTS[name].command)(name).wait(PATIENCE) != KILLED:
                unreached.append(f"{name} was not reached: {scene.complaints()}")
            scene.examine()
        if point.command == "retry":
            scene.retry().wait(PATIENCE)
        return _outcome(point.name, scene, len(point.earlier) + 1, by_loop=point.command == "run"), unreached


def at_random(dice: random.Random, start: Start, most: int = 4, kind: str | None = None) -> Outcome:
    """Kills the program, or the registry, at moments that nobody chose, several times in one world."""
    drawn = dice.choice(_AT_RANDOM)
    kind = kind or drawn
    deaths, models, visible_after = dice.randint(1, most), dice.randint(2, 6), dice.choice((0.0, SOON, LATE))
    with (
        tempfile.TemporaryDirectory(prefix="torture-") as folder,
        opened(Path(folder), kind, start, models=models, visible_after=visible_after) as scene,
    ):
        kills = 0
        longest = 2 * TIMEOUT if kind in _SETTLED_LONG else 2.0
        for _ in range(deaths):
            life = dice.choices((scene.apply, scene.run, scene.compact), (6, 3, 1))[0]()
            time.sleep(dice.uniform(0.0, dice.choice((0.4, 1.0, longest))))
            if dice.random() < 0.25:
                kills += 1
                scene.kill_registry()
                scene.serve()
                time.sleep(dice.uniform(0.0, 0.3))
            life.kill()
            kills += life.wait(PATIENCE) == KILLED
            scene.examine()
        return _outcome(f"random, {kind}", scene, kills, by_loop=dice.random() < 0.3)


def all_at_points(points: Iterable[str], start: Start) -> Iterator[Outcome]:
    """The outcome of each point, several under way at a time."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield from pool.map(lambda name: at_point(POINTS[name], start), points)


def all_at_random(
    seeds: Iterable[int], start: Start, most: int = 4, kind: str | None = None
) -> Iterator[Outcome]:
    """The outcome of a random trial for each seed, as they come; seeds are taken when they are needed."""
    left, under_way = iter(seeds), set[Future[Outcome]]()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        while True:
            chosen = itertools.islice(left, AT_ONCE - len(under_way))
            under_way |= {pool.submit(at_random, random.Random(seed), start, most, kind) for seed in chosen}
            if not under_way:
                return
            done, under_way = wait(under_way, return_when=FIRST_COMPLETED)
            yield from (trial.result() for trial in done)


def _registry_dies(scene: Scene) -> None:
    """The program goes on without it, or fails; both are its own business."""
    assert scene.registry is not None
    life = scene.apply()
    if scene.registry.wait(PATIENCE) != KILLED:
        scene.violations.append("the registry did not reach the point")
    scene.serve()
    life.wait(PATIENCE)
    scene.examine()


def _outcome(name: str, scene: Scene, kills: int, *, by_loop: bool) -> Outcome:
    recovery = scene.recover(by_loop=by_loop)
    scene.examine_at_rest()
    missing = sum(violation.startswith("loss") for violation in scene.violations)
    violations = tuple(dict.fromkeys(scene.violations))
    return Outcome(name, kills, len(scene.duplicates()), missing, violations, recovery)
