"""A model of the import protocol (`docs/cycle.md`), small enough to be searched whole.

Processes share a state and a registry that takes a pair twice. Each step of a process, of the network and of
the clock is a transition, and nothing is ever in a hurry: a process that stops for any time between two steps
(SIGSTOP, a machine that was paused) is one that is not scheduled. Times are ages and remaining times in whole
units, so that the space is finite.

    intend ─▶ send ─▶ carried out now, later or never; answered or not ─▶ look ─▶ registered, or not made

`Rules` says what is checked and what the surroundings keep to. Each of them can be left out.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator

CALL = 2  # units in which a call can be carried out, counted from its first byte
SETTLE = 1  # units of the settling wait
LAG = 1  # units until the registry's list shows a new model, at the most
T = TypeVar("T")

_LATE = CALL + SETTLE + 2  # units that outlast every wait there is
_CAP = _LATE + 1


@dataclass(frozen=True, slots=True)
class Rules:
    """What the protocol checks, and what it assumes of its surroundings.

    Attributes:
        intent_first: the intent is on disk before the call is sent.
        fresh_intent: a call is sent only while its intent is new; an older one is withdrawn.
        waits_for_call: nothing is called *not made* while the call could still be carried out.
        waits_to_settle: nor before the list had the settling wait to show it.
        one_writer: a lock that dies with its process: one process at a time writes the state.
        call_in_time: assumed: a call is carried out within its timeout, or never.
        list_in_time: assumed: the list shows a new model within the settling wait.
    """

    intent_first: bool = True
    fresh_intent: bool = True
    waits_for_call: bool = True
    waits_to_settle: bool = True
    one_writer: bool = True
    call_in_time: bool = True
    list_in_time: bool = True

    @property
    def not_made_after(self) -> int:
        """Units from the intent until a look that finds nothing proves that nothing was made."""
        return CALL * self.waits_for_call + SETTLE * self.waits_to_settle


class Call(NamedTuple):
    """A request on its way: for how long it may still be carried out, and which process waits for it."""

    remaining: int
    sender: int | None


class Task(NamedTuple):
    """What a process is doing about a pair, `idle`, `intended`, `sent` or `looked`, and for how long."""

    step: str = "idle"
    age: int = 0


class Pair(NamedTuple):
    """A pair in the state, on the network and in the registry.

    Attributes:
        entry: `none`, `intended` or `registered`.
        age: units since the intent.
        rows: for each registered model the units until the list shows it.
    """

    entry: str = "none"
    age: int = 0
    calls: tuple[Call, ...] = ()
    rows: tuple[int, ...] = ()

    @property
    def shown(self) -> bool:
        """Whether the registry's list shows the pair."""
        return 0 in self.rows


class World(NamedTuple):
    """Everything at one moment; the tasks of a process that does not run are None."""

    pairs: tuple[Pair, ...]
    tasks: tuple[tuple[Task, ...] | None, ...]

    def with_pair(self, number: int, pair: Pair) -> World:
        """This world with another pair in that place."""
        return self._replace(pairs=_put(self.pairs, number, pair))

    def with_task(self, process: int, number: int, task: Task) -> World:
        """This world with another task of that process about that pair."""
        tasks = self.tasks[process]
        assert tasks is not None
        return self._replace(tasks=_put(self.tasks, process, _put(tasks, number, task)))


def start(pairs: int, processes: int) -> World:
    """Nothing is declared to have happened, and no process runs."""
    return World((Pair(),) * pairs, (None,) * processes)


def search(rules: Rules, pairs: int, processes: int) -> Search:
    """Every world that can be reached, with those that follow each; ends at the first duplicate."""
    first = start(pairs, processes)
    follows: dict[World, tuple[World, ...]] = {}
    came_from: dict[World, World | None] = {first: None}
    waiting = deque([first])
    while waiting:
        world = waiting.popleft()
        if any(len(pair.rows) > 1 for pair in world.pairs):
            return Search(follows, _path(came_from, world))
        follows[world] = tuple(steps(world, rules))
        for one in follows[world]:
            if one not in came_from:
                came_from[one] = world
                waiting.append(one)
    return Search(follows)


@dataclass(frozen=True, slots=True)
class Search:
    """What was reached, and the way to a pair that was registered twice, if there is one."""

    follows: dict[World, tuple[World, ...]]
    duplicate: tuple[World, ...] = ()

    def stuck(self) -> set[World]:
        """The worlds from which no way leads to every pair registered, once, with nothing on its way."""
        before: dict[World, list[World]] = {world: [] for world in self.follows}
        for world, following in self.follows.items():
            for one in following:
                before[one].append(world)
        reaching = {world for world in self.follows if _is_done(world)}
        waiting = deque(reaching)
        while waiting:
            for one in before[waiting.popleft()]:
                if one not in reaching:
                    reaching.add(one)
                    waiting.append(one)
        return self.follows.keys() - reaching


def steps(world: World, rules: Rules) -> Iterator[World]:
    """Every world that can follow."""
    yield _tick(world, rules)
    for process, tasks in enumerate(world.tasks):
        if tasks is None:
            yield from _started(world, process, rules)
            continue
        yield _killed(world, process)
        for number, task in enumerate(tasks):
            yield from _acted(world, process, number, task, rules)
    for number, pair in enumerate(world.pairs):
        for call in pair.calls:
            yield from _arrived(world, number, call, rules)


def _started(world: World, process: int, rules: Rules) -> Iterator[World]:
    if not rules.one_writer or not any(world.tasks):
        yield world._replace(tasks=_put(world.tasks, process, (Task(),) * len(world.pairs)))


def _killed(world: World, process: int) -> World:
    """SIGKILL: what the process knew is gone; what it sent is on its way."""
    pairs = tuple(pair._replace(calls=_orphaned(pair.calls, process)) for pair in world.pairs)
    return World(pairs, _put(world.tasks, process, None))


def _acted(world: World, process: int, number: int, task: Task, rules: Rules) -> Iterator[World]:
    """The next step of one process about one pair."""
    pair = world.pairs[number]
    match task.step:
        case "idle" if pair.entry == "none" and rules.intent_first:
            intended = world.with_pair(number, pair._replace(entry="intended", age=0))
            yield intended.with_task(process, number, Task("intended"))
        case "idle" if pair.entry == "none":
            yield _sent(world, process, number)
        case "idle" if pair.entry == "intended":
            yield from _looked(world, process, number, rules)
        case "intended" if task.age == 0 or not rules.fresh_intent:
            yield _sent(world, process, number)
        case "intended":  # it certainly was not sent
            yield _concluded(world, process, number, "none")
        case "sent" if pair.entry == "none":  # only where the intent is not first
            yield world.with_pair(number, pair._replace(entry="intended", age=0))
        case "sent" if task.age >= CALL:
            waiting = pair._replace(calls=_orphaned(pair.calls, process))
            yield world.with_pair(number, waiting).with_task(process, number, Task())
        case "looked":  # what it saw is written now, however long ago that was
            yield _concluded(world, process, number, "none")
        case _:
            return


def _sent(world: World, process: int, number: int) -> World:
    pair = world.pairs[number]
    calls = tuple(sorted((*pair.calls, Call(CALL, process)), key=str))
    return world.with_pair(number, pair._replace(calls=calls)).with_task(process, number, Task("sent"))


def _looked(world: World, process: int, number: int, rules: Rules) -> Iterator[World]:
    """A look at the list: found is believed at once, not found only late enough."""
    pair = world.pairs[number]
    if pair.shown:
        yield _concluded(world, process, number, "registered")
    elif pair.age >= rules.not_made_after:
        yield world.with_task(process, number, Task("looked"))


def _concluded(world: World, process: int, number: int, entry: str) -> World:
    pair = world.pairs[number]._replace(entry=entry, age=0)
    return world.with_pair(number, pair).with_task(process, number, Task())


def _arrived(world: World, number: int, call: Call, rules: Rules) -> Iterator[World]:
    """What can become of one call: lost, refused with an answer, or carried out with an answer or without."""
    calls = list(world.pairs[number].calls)
    calls.remove(call)
    pair = world.pairs[number]._replace(calls=tuple(calls))
    yield world.with_pair(number, pair)
    waits = call.sender is not None
    if call.sender is not None:
        yield _concluded(world.with_pair(number, pair), call.sender, number, "none")
    for lag in range((LAG if rules.list_in_time else _LATE) + 1):
        made = world.with_pair(number, pair._replace(rows=tuple(sorted((*pair.rows, lag)))))
        yield made
        if waits and call.sender is not None:
            yield _concluded(made, call.sender, number, "registered")


def _tick(world: World, rules: Rules) -> World:
    """One unit of time goes by, for everyone."""
    pairs = tuple(
        pair._replace(
            age=min(pair.age + 1, _CAP) if pair.entry == "intended" else 0,
            calls=tuple(
                call._replace(remaining=max(call.remaining - 1, 0))
                for call in pair.calls
                if call.remaining > 0 or not rules.call_in_time
            ),
            rows=tuple(max(lag - 1, 0) for lag in pair.rows),
        )
        for pair in world.pairs
    )
    return World(pairs, tuple(None if tasks is None else tuple(map(_older, tasks)) for tasks in world.tasks))


def _older(task: Task) -> Task:
    return task if task.step in {"idle", "looked"} else task._replace(age=min(task.age + 1, CALL))


def _orphaned(calls: tuple[Call, ...], process: int) -> tuple[Call, ...]:
    return tuple(call._replace(sender=None) if call.sender == process else call for call in calls)


def _is_done(world: World) -> bool:
    return all(pair.entry == "registered" and pair.rows == (0,) and not pair.calls for pair in world.pairs)


def _path(came_from: dict[World, World | None], world: World) -> tuple[World, ...]:
    path = [world]
    while (before := came_from[path[-1]]) is not None:
        path.append(before)
    return tuple(reversed(path))


def _put(values: tuple[T, ...], number: int, value: T) -> tuple[T, ...]:
    return (*values[:number], value, *values[number + 1 :])
