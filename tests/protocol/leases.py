"""A model of the protocol with replicas (`docs/cycle.md`): leases, epochs and take-over, searched whole.

As in `tests.protocol.model`, a process that stops for any time between two of its steps is one that is not
scheduled, and a registry takes a pair twice. Replicas are alike, so that worlds which differ only in which
one is which are one world. An epoch is nothing but whether it is still the newest, and an operation whether
it is still the entry's, so that the space is finite.

    look ─▶ intend, under the lease ─▶ send ─▶ carried out now, later or never; answered or not ─▶ settled
                                          └─▶ left to itself: its sender looks anew, and journals the answer
                                              at any time

`Rules` says what is checked and what the surroundings keep to. Each of them can be left out.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

CALL = 1  # units in which a call can be carried out, counted from its first byte
SETTLE = 1  # units of the settling wait
LAG = 1  # units until the registry's list shows a new model, at the most
TERM = 1  # units that a lease lasts without a renewal
T = TypeVar("T")

_LATE = CALL + SETTLE + TERM + 2  # units that outlast every wait there is


@dataclass(frozen=True, slots=True)
class Rules:
    """What the protocol checks, and what it assumes of its surroundings.

    Attributes:
        fenced: an intent is written only under a lease that its writer holds.
        cycles_epoch: that lease has to be the one under which the cycle looked at the pair.
        in_one_transaction: nobody can take over between the check of the lease and the intent.
        fresh_intent: a call is sent only while its intent is new.
        settles_older: an intent of an older epoch is unknown, not free.
        waits_for_call: nothing is called *not made* while the call could still be carried out.
        waits_to_settle: nor before the list had the settling wait to show it.
        answers_checked: an answer is journalled only while the entry is what the call was about.
        keeps_intent: the intent of a call that its sender goes on without stays open.
        call_in_time: assumed: a call is carried out within its timeout, or never.
        list_in_time: assumed: the list shows a new model within the settling wait.
    """

    fenced: bool = True
    cycles_epoch: bool = True
    in_one_transaction: bool = True
    fresh_intent: bool = True
    settles_older: bool = True
    waits_for_call: bool = True
    waits_to_settle: bool = True
    answers_checked: bool = True
    keeps_intent: bool = True
    call_in_time: bool = True
    list_in_time: bool = True

    @property
    def not_made_after(self) -> int:
        """Units from the intent until a look that finds nothing proves that nothing was made."""
        return CALL * self.waits_for_call + SETTLE * self.waits_to_settle

    @property
    def longest(self) -> int:
        """Units after which an age makes no difference any more."""
        return max(self.not_made_after, 1)


class Call(NamedTuple):
    """A request on its way, or its answer.

    Attributes:
        left: units in which it may be carried out still.
        sender: the replica that hears of its answer; -1 for nobody.
        lingers: the sender has gone on without it.
        answer: of such a call, what its sender journals at any time from now on.
    """

    left: int
    sender: int
    lingers: bool = False
    answer: str = ""

    def orphaned(self) -> Call:
        """With nobody who hears of it."""
        return Call(self.left, -1)


class Task(NamedTuple):
    """What a replica is doing about a pair.

    Attributes:
        step: `idle`, `free` (looked, and not registered), `checked` (the lease was), `intended`, `sent`, or
            `not-made` (looked late enough, and not registered).
        current: the lease under which it looked is the newest still, and its own.
        mine: the entry's operation is the one that this task wrote or looked after.
        old: a unit of time has gone by since its intent.
    """

    step: str = "idle"
    current: bool = False
    mine: bool = False
    old: bool = False

    def a_unit_later(self) -> Task:
        """After a unit of time."""
        return self._replace(old=True) if self.step in {"intended", "sent"} else self

    def superseded(self) -> Task:
        """After a lease was taken: what was current is not."""
        return self._replace(current=False)


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

    def a_unit_later(self, rules: Rules) -> Pair:
        """After a unit of time."""
        late = not rules.call_in_time
        pair = self._replace(
            age=min(self.age + 1, rules.longest) if self.entry == "intended" else 0,
            rows=tuple(max(lag - 1, 0) for lag in self.rows),
        )
        return pair.with_calls(
            call._replace(left=max(call.left - 1, 0))
            for call in self.calls
            if call.left > 0 or call.answer or late
        )

    def with_calls(self, calls: Iterable[Call]) -> Pair:
        """The same with other calls."""
        return self._replace(calls=tuple(sorted(calls)))

    def without(self, replica: int) -> Pair:
        """With nobody who hears of what this replica has sent; what it was about to journal is lost."""
        return self.with_calls(
            call.orphaned() if call.sender == replica else call
            for call in self.calls
            if call.sender != replica or not call.answer
        )

    def waited_for(self, replica: int) -> Iterator[Call]:
        """The call that this replica waits for, unless it was lost."""
        return (call for call in self.calls if call.sender == replica and not call.lingers)

    def now(self, entry: str, rules: Rules) -> Pair:
        """With another entry: whatever a call that was left to itself is answered is not about it."""
        calls = self.calls
        if rules.answers_checked:
            calls = tuple(call.orphaned() if call.lingers else call for call in calls if not call.answer)
        return Pair(entry, rows=self.rows).with_calls(calls)


class World(NamedTuple):
    """Everything at one moment.

    Attributes:
        holder: of the newest lease; -1 for nobody.
        term: units for which it lasts.
        tasks: of each replica about each pair; None of one that does not run.
    """

    pairs: tuple[Pair, ...]
    tasks: tuple[tuple[Task, ...] | None, ...]
    holder: int = -1
    term: int = 0

    def with_pair(self, number: int, pair: Pair) -> World:
        """This world with another pair in that place."""
        return self._replace(pairs=_put(self.pairs, number, pair))

    def with_task(self, replica: int, number: int, task: Task) -> World:
        """This world with another task of that replica about that pair."""
        tasks = self.tasks[replica]
        assert tasks is not None
        return self._replace(tasks=_put(self.tasks, replica, _put(tasks, number, task)))

    def of_another_operation(self, number: int) -> World:
        """This world, in which no task about this pair is the entry's any more."""
        tasks = tuple(
            None if some is None else _put(some, number, some[number]._replace(mine=False))
            for some in self.tasks
        )
        return self._replace(tasks=tasks)


@dataclass(frozen=True, slots=True)
class Search:
    """What was reached, what can follow each, and the first world with a duplicate, if there is one."""

    follows: dict[World, frozenset[World]]
    duplicate: World | None = None

    def stuck(self) -> set[World]:
        """The worlds from which no way leads to every pair registered, once, with nothing on its way."""
        before: dict[World, list[World]] = {world: [] for world in self.follows}
        for world, following in self.follows.items():
            for one in following:
                before[one].append(world)
        reaching = {world for world in self.follows if is_done(world)}
        waiting = deque(reaching)
        while waiting:
            for one in before[waiting.popleft()]:
                if one not in reaching:
                    reaching.add(one)
                    waiting.append(one)
        return self.follows.keys() - reaching


def search(rules: Rules, pairs: int, replicas: int) -> Search:
    """Every world that can be reached; ends at the first duplicate."""
    first = World((Pair(),) * pairs, (None,) * replicas)
    follows: dict[World, frozenset[World]] = {}
    worlds, waiting = {first: first}, deque([first])
    while waiting:
        world = waiting.popleft()
        following = frozenset(map(in_order, steps(world, rules)))
        for one in following - worlds.keys():
            if any(len(pair.rows) > 1 for pair in one.pairs):
                return Search(follows, one)
            worlds[one] = one
            waiting.append(one)
        follows[world] = frozenset(worlds[one] for one in following)
    return Search(follows)


def steps(world: World, rules: Rules) -> Iterator[World]:
    """Every world that can follow."""
    yield from shared_steps(world, rules)
    for number in range(len(world.pairs)):
        yield from steps_of(world, number, rules)


def shared_steps(world: World, rules: Rules) -> Iterator[World]:
    """Those that concern all pairs: time, the lease, and replicas that are started and killed."""
    yield _tick(world, rules)
    if world.holder >= 0 and world.term < TERM:
        yield world._replace(term=TERM)  # renewed
    for replica, tasks in enumerate(world.tasks):
        if tasks is None:
            yield world._replace(tasks=_put(world.tasks, replica, (Task(),) * len(world.pairs)))
            continue
        yield _killed(world, replica)
        if world.term == 0:
            yield _taken(world, replica)


def steps_of(world: World, number: int, rules: Rules) -> Iterator[World]:
    """Those that concern one pair: what replicas do about it, and what becomes of its calls."""
    for replica, tasks in enumerate(world.tasks):
        if tasks is not None:
            yield from _acted(world, replica, number, tasks[number], rules)
    for call in set(world.pairs[number].calls):
        yield from _arrived(world, number, call, rules)


def together(worlds: Iterable[World]) -> World:
    """One world with the pairs of several, in which lease and replicas are the same."""
    several = list(worlds)
    tasks = tuple(
        None if None in some else tuple(chain.from_iterable(filter(None, some)))
        for some in zip(*(world.tasks for world in several), strict=True)
    )
    pairs = tuple(pair for world in several for pair in world.pairs)
    return World(pairs, tasks, several[0].holder, several[0].term)


def alone(world: World, number: int) -> World:
    """What there is of one pair."""
    tasks = tuple(None if some is None else (some[number],) for some in world.tasks)
    return World((world.pairs[number],), tasks, world.holder, world.term)


def _taken(world: World, replica: int) -> World:
    """A lease that has expired is taken, by its last holder again or by another: what was current is not."""
    tasks = tuple(None if some is None else tuple(task.superseded() for task in some) for some in world.tasks)
    return world._replace(holder=replica, term=TERM, tasks=tasks)


def _killed(world: World, replica: int) -> World:
    return world._replace(
        pairs=tuple(pair.without(replica) for pair in world.pairs),
        tasks=_put(world.tasks, replica, None),
        holder=-1 if world.holder == replica else world.holder,
    )


def _acted(world: World, replica: int, number: int, task: Task, rules: Rules) -> Iterator[World]:
    """The next step of one replica about one pair."""
    pair = world.pairs[number]
    leads = world.holder == replica and world.term > 0
    match task.step:
        case "idle" if leads:
            yield from _looked(world, replica, number, rules)
        case "free" if not rules.in_one_transaction and _may(world, replica, task, rules):
            yield world.with_task(replica, number, task._replace(step="checked"))
        case "free" if _may(world, replica, task, rules):
            yield _intended(world, replica, number, rules)
        case "checked":
            yield _intended(world, replica, number, rules)
        case "free":  # refused: the next cycle looks anew
            yield world.with_task(replica, number, Task())
        case "intended" if not task.old or not rules.fresh_intent:
            sent = world.with_pair(number, pair.with_calls((*pair.calls, Call(CALL, replica))))
            yield sent.with_task(replica, number, task._replace(step="sent"))
        case "intended":  # it certainly was not sent
            yield _answered(world, replica, number, "none", rules)
        case "sent":
            yield from _went_on(world, replica, number, rules)
        case "not-made":  # what it saw is written now, however long ago that was
            yield _answered(world, replica, number, "none", rules)
        case _:
            return


def _went_on(world: World, replica: int, number: int, rules: Rules) -> Iterator[World]:
    """Without an answer: no answer came in time, or something else is to be done. The next cycle looks."""
    pair, task = world.pairs[number], world.tasks[replica][number]  # type: ignore[index]
    idle = world.with_task(replica, number, Task())
    for call in pair.waited_for(replica):
        others = list(pair.calls)
        others.remove(call)
        given_up = pair.with_calls((*others, call.orphaned()))
        left = pair.with_calls((*others, call._replace(lingers=True)))
        if task.old:
            yield idle.with_pair(number, given_up)
        if not rules.keeps_intent:
            yield idle.with_pair(number, left.now("none", rules))
        elif task.mine or not rules.answers_checked:
            yield idle.with_pair(number, left)
        else:
            yield idle.with_pair(number, given_up)
    if task.old:  # the call was lost
        yield idle


def _may(world: World, replica: int, task: Task, rules: Rules) -> bool:
    """Whether the fence lets this intent through."""
    if not rules.fenced:
        return True
    return world.holder == replica and world.term > 0 and (task.current or not rules.cycles_epoch)


def _looked(world: World, replica: int, number: int, rules: Rules) -> Iterator[World]:
    """A look at the state and the list: found is believed at once, and not found of an intent late enough."""
    pair = world.pairs[number]
    if 0 in pair.rows:
        if pair.entry != "registered":
            yield _concluded(world, replica, number, "registered", rules)
    elif pair.entry == "none" or (pair.entry == "intended" and not rules.settles_older):
        yield world.with_task(replica, number, Task("free", current=True))
    elif pair.entry == "intended" and pair.age >= rules.not_made_after:
        yield world.with_task(replica, number, Task("not-made", current=True, mine=True))


def _intended(world: World, replica: int, number: int, rules: Rules) -> World:
    """The intent is on disk: whatever another operation of this pair finds out is not about it."""
    other = _became(world, number, "intended", rules)
    return other.with_task(replica, number, Task("intended", mine=True))


def _answered(world: World, replica: int, number: int, entry: str, rules: Rules) -> World:
    """An answer is written, where the entry is still what it is about."""
    tasks = world.tasks[replica]
    assert tasks is not None
    if rules.answers_checked and not tasks[number].mine:
        return world.with_task(replica, number, Task())
    return _concluded(world, replica, number, entry, rules)


def _concluded(world: World, replica: int, number: int, entry: str, rules: Rules) -> World:
    return _became(world, number, entry, rules).with_task(replica, number, Task())


def _became(world: World, number: int, entry: str, rules: Rules) -> World:
    return world.of_another_operation(number).with_pair(number, world.pairs[number].now(entry, rules))


def _delivered(world: World, number: int, call: Call, entry: str, rules: Rules) -> World:
    """Its sender has an answer: it writes it now where it waits for it, and at any time where it does not."""
    if not call.lingers:
        return _answered(world, call.sender, number, entry, rules)
    pair = world.pairs[number]
    return world.with_pair(number, pair.with_calls((*pair.calls, call._replace(left=0, answer=entry))))


def _arrived(world: World, number: int, call: Call, rules: Rules) -> Iterator[World]:
    """What can become of one call: lost, refused with an answer, or carried out with an answer or without."""
    calls = list(world.pairs[number].calls)
    calls.remove(call)
    pair = world.pairs[number]._replace(calls=tuple(calls))
    lost = world.with_pair(number, pair)
    if call.answer:
        yield _became(lost, number, call.answer, rules)
        return
    yield lost
    if call.sender >= 0:
        yield _delivered(lost, number, call, "none", rules)
    for lag in range((LAG if rules.list_in_time else _LATE) + 1):
        made = world.with_pair(number, pair._replace(rows=tuple(sorted((*pair.rows, lag)))))
        yield made
        if call.sender >= 0:
            yield _delivered(made, number, call, "registered", rules)


def _tick(world: World, rules: Rules) -> World:
    """One unit of time goes by, for everyone, by the server's clock and each machine's own."""
    pairs = tuple(pair.a_unit_later(rules) for pair in world.pairs)
    tasks = tuple(
        None if some is None else tuple(task.a_unit_later() for task in some) for some in world.tasks
    )
    return World(pairs, tasks, world.holder, max(world.term - 1, 0))


def renumbered(world: World, order: Sequence[int]) -> World:
    """The same world, in which the replicas of this order have the numbers from 0 on."""
    places = {replica: place for place, replica in enumerate(order)} | {-1: -1}
    pairs = tuple(
        pair.with_calls(call._replace(sender=places[call.sender]) for call in pair.calls)
        for pair in world.pairs
    )
    return World(pairs, tuple(world.tasks[r] for r in order), places[world.holder], world.term)


def in_order(world: World) -> World:
    """The one of all worlds like this that differ only in which replica is which."""
    replicas = range(len(world.tasks))
    sent = [
        [
            (number, call._replace(sender=0))
            for number, pair in enumerate(world.pairs)
            for call in pair.calls
            if call.sender == replica
        ]
        for replica in replicas
    ]
    order = sorted(replicas, key=lambda r: (r != world.holder, world.tasks[r] or (), sent[r]))
    return world if order == [*replicas] else renumbered(world, order)


def is_done(world: World) -> bool:
    """Whether every pair is registered, once, with nothing on its way."""
    return all(pair.entry == "registered" and pair.rows == (0,) and not pair.calls for pair in world.pairs)


def _put(values: tuple[T, ...], number: int, value: T) -> tuple[T, ...]:
    return (*values[:number], value, *values[number + 1 :])
