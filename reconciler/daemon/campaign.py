"""Campaigns for the leases of all targets in a thread of its own, and says which of them are held.

    each `renew`    makes what is held last another term; a round that fails is tried again at the next
    each second     while something is not held: looks who leads, and takes what is free; sooner where a
                    lease ends sooner that was not renewed

A round is one transaction, unless it takes or hands over something. Who leads more targets than its share,
such as the first of several replicas, hands over one that is at rest, and waits until another one leads it.

A thread, since nothing else that this process waits for may keep a renewal waiting. What is held is known by
the machine's own clock, counted from before the renewal began: it ends here no later than at the server.
"""

from __future__ import annotations

import math
import random
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from reconciler.engine.clock import uptime, utc_now
from reconciler.engine.leadership import SHARED, LeaseSnapshot, led_thing
from reconciler.errors import StateError, StateLockedError
from reconciler.log import log
from reconciler.times import shown_time

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from reconciler.state.leases import SqlLeases

BEAT = 1.0
"""Seconds between two beats of the thread that does the work."""

_LOOK = 0.2  # seconds between two looks at whether a leader is alive
_AFTER = 0.02  # seconds from the end of a lease to the look that finds it ended


class _Held(NamedTuple):
    epoch: int
    until: float


@dataclass(slots=True)
class Campaign:
    """Implements `reconciler.engine.leadership.Leadership` by leases. May be asked from several threads.

    Attributes:
        renew: seconds between two renewals.
        on_change: called in the thread when this process has gained or lost a lease.
        on_snapshot: called in the thread with the leases of all targets.
        at_rest: whether nothing is under way in a target, so that it may be handed over; asked from the
            thread.
        clock: seconds that only ever grow, also while the machine is suspended.
        wall_clock: this machine's time, until the server has told its own.
        offer: seconds for which what is handed over is left to others.
        look: seconds between two looks at what others lead, which come sooner where a lease ends sooner.
    """

    leases: SqlLeases
    targets: tuple[str, ...]
    renew: float = 2.0
    on_change: Callable[[], None] = lambda: None
    on_snapshot: Callable[[LeaseSnapshot], None] = lambda _: None
    at_rest: Callable[[str], bool] = lambda _: True
    chance: Callable[[], float] = random.random
    clock: Callable[[], float] = uptime
    wall_clock: Callable[[], datetime] = utc_now
    offer: float = 5.0
    look: float = 1.0
    problem: str | None = None
    _beat: float = math.inf
    _held: Mapping[str, _Held] = field(default_factory=dict)
    _renewed_at: float = -math.inf
    _next_end: float = math.inf
    _offered: str | None = None
    _declined: frozenset[str] = frozenset()
    _replicas: int = 0
    _time: tuple[datetime, float] | None = None
    _ended: threading.Event = field(default_factory=threading.Event)
    _round: threading.Lock = field(default_factory=threading.Lock)
    _thread: threading.Thread | None = None

    # asked from anywhere

    def leads(self, target: str) -> bool:
        """Whether the lease is held for certain."""
        return self.epoch(target) is not None

    def epoch(self, target: str) -> int | None:
        """Of the lease that is held; None without."""
        held = self._held.get(target)
        return held.epoch if held is not None and self.clock() < held.until else None

    def holds(self, target: str, epoch: int | None) -> bool:
        """Whether that epoch goes on for certain."""
        return epoch is not None and self.epoch(target) == epoch

    def beat(self) -> None:
        """Says that the thread that does the work is able to: after the first call, calls have to go on.

        A process that waits for a connection that was lost renews what it leads, and takes nothing more.
        """
        self._beat = self.clock()

    def now(self) -> datetime:
        """The server's time, which is the same for all replicas, whatever their own clocks say."""
        if self._time is None:
            return self.wall_clock()
        server_time, at = self._time
        return server_time + timedelta(seconds=self.clock() - at)

    # called in the thread that opened it

    def start(self) -> None:
        """Campaigns from now on. The first round is over on return, whatever came of it."""
        self._try()
        self._thread = threading.Thread(target=self._run, name="campaign", daemon=True)
        self._thread.start()

    def take_all(self, targets: Collection[str]) -> None:
        """Takes the lease of each of these targets, or none of them; then keeps them, as `start` does.

        A lease that is not renewed any more is waited for: its holder died. Raises StateLockedError.
        """
        seen: dict[str, datetime] = {}
        while True:
            self._take(targets)
            if all(map(self.leads, targets)):
                break
            self._release()
            snapshot = self.leases.snapshot()
            for lease in filter(None, map(snapshot.leader, targets)):
                if seen.setdefault(lease.target, lease.expires_at) != lease.expires_at:
                    raise StateLockedError.of(
                        f"{lease.leader} since {shown_time(lease.since)}, which leads "
                        f"{led_thing(lease.target)}"
                    )
            time.sleep(_LOOK)
        self.start()

    def give_back(self) -> None:
        """Lets the next leader in at once, and campaigns no more; safe to call twice.

        What is in flight ends as it would have: its answers are journalled, and the next leader settles
        what gets none.
        """
        self._ended.set()
        self._release()

    def close(self) -> None:
        """Gives back what is held, as far as the server can be reached, and ends the thread."""
        with suppress(StateError):
            self.give_back()
        if self._thread is not None:
            self._thread.join()

    # in the thread

    def _run(self) -> None:
        while not self._ended.wait(self._pause()):
            self._try()

    def _pause(self) -> float:
        due = self._renewed_at + self.renew - self.clock()
        if self.problem is None and all(map(self.leads, self.targets)):
            return max(0.0, due)
        return max(0.0, min(due, self.look, self._next_end - self.clock()))

    def _try(self) -> None:
        before = {target: held.epoch for target, held in self._held.items() if self.leads(target)}
        try:
            with self._round:
                if not self._ended.is_set():
                    self._go_round()
        except StateError as error:
            if self.problem is None:
                log.warning("leases could not be renewed; tried again at once", error=str(error))
            self.problem = str(error)
        else:
            if self.problem is not None:
                log.info("leases are renewed again")
            self.problem = None
        after = {target: held.epoch for target, held in self._held.items() if self.leads(target)}
        if after != before:
            self._tell(before, after)
            self.on_change()

    def _go_round(self) -> None:
        began, self._next_end = self.clock(), math.inf  # a round that fails is not tried again at once
        is_able = began - self._beat < self.renew + BEAT
        is_due = began - self._renewed_at >= self.renew * 0.9 or any(
            held.until - began < self.leases.term / 2 for held in self._held.values()
        )
        snapshot = self._renewed(began, campaigns=is_able) if is_due else self.leases.snapshot()
        self._time = (snapshot.now, self.clock())
        if is_able:
            me, term = self.leases.holder, self.leases.term
            free = [t for t in self.targets if not self.leads(t) and snapshot.is_free(t, me, term)]
            if free:
                self._campaign(snapshot, free)
                snapshot = self.leases.snapshot()
            elif self._hand_over(snapshot):
                snapshot = self.leases.snapshot()
        self._next_end = self._first_end(snapshot)
        self.on_snapshot(snapshot)

    def _renewed(self, began: float, *, campaigns: bool) -> LeaseSnapshot:
        self._renewed_at = began
        epochs = {target: held.epoch for target, held in self._held.items()}
        snapshot = self.leases.renew(epochs, campaigns=campaigns)
        until, me = began + self.leases.term, self.leases.holder
        self._held = {
            target: _Held(epoch, until)
            for target, epoch in epochs.items()
            if snapshot.holds(me, target, epoch)
        }
        return snapshot

    def _campaign(self, snapshot: LeaseSnapshot, free: Collection[str]) -> None:
        """Takes what is free: up to its share at once, and more only when no other replica has taken it."""
        shared = [target for target in free if target == SHARED]
        apart = [target for target in free if target != SHARED]
        start = int(self.chance() * len(apart))  # so that replicas do not all reach for the same ones
        apart = apart[start:] + apart[:start]
        under = max(0, self._share(snapshot) - len(self._led_apart()))
        self._take([*shared, *apart[:under]])
        rest = apart[under:]
        self._take([target for target in rest if target != self._offered], free_for=self.renew)
        self._take([target for target in rest if target == self._offered], free_for=self.offer)
        if self._offered is not None and self.leads(self._offered):
            # no other replica took it: the others campaign for other targets
            self._declined, self._offered = self._declined | {self._offered}, None

    def _hand_over(self, snapshot: LeaseSnapshot) -> bool:
        """Gives back one target of those above its share, once the one before is led; whether it did.

        A target that no other took is not offered again before there are more replicas, or fewer.
        """
        self._offered, mine = None, self._led_apart()
        if snapshot.replicas != self._replicas:
            self._replicas, self._declined = snapshot.replicas, frozenset()
        if len(mine) <= self._share(snapshot) or any(snapshot.leader(t) is None for t in self.targets):
            return False
        resting = [target for target in mine if target not in self._declined and self.at_rest(target)]
        if not resting:
            return False
        target = self._offered = resting[int(self.chance() * len(resting))]
        given = self._held[target]
        self._held = {name: held for name, held in self._held.items() if name != target}
        self.leases.give_back({target: given.epoch}, campaigns=True)
        return True

    def _share(self, snapshot: LeaseSnapshot) -> int:
        return math.ceil(sum(t != SHARED for t in self.targets) / max(1, snapshot.replicas))

    def _led_apart(self) -> list[str]:
        return [target for target in self.targets if target != SHARED and self.leads(target)]

    def _first_end(self, snapshot: LeaseSnapshot) -> float:
        """When the first lease of another ends unless it is renewed, by this clock."""
        others = (snapshot.leader(target) for target in self.targets if not self.leads(target))
        ends = (one.expires_at for one in others if one is not None)
        left = min(((end - snapshot.now).total_seconds() for end in ends), default=math.inf)
        return self.clock() + left + _AFTER

    def _take(self, targets: Iterable[str], free_for: float = 0.0) -> None:
        names = tuple(targets)
        if not names:
            return
        until = self.clock() + self.leases.term
        taken = self.leases.take(names, free_for)
        self._held = {**self._held, **{target: _Held(epoch, until) for target, epoch in taken.items()}}

    def _release(self) -> None:
        with self._round:
            held, self._held = self._held, {}
            self.leases.give_back({target: one.epoch for target, one in held.items()})

    def _tell(self, before: Mapping[str, int], after: Mapping[str, int]) -> None:
        taken = sorted(target for target in after if after[target] != before.get(target))
        lost = sorted(before.keys() - after.keys())
        for target in taken:
            log.info("leading", target=target or "messages", epoch=after[target])
        for target in lost:
            if target == self._offered:
                log.info("handed over: others lead less than their share", target=target)
                continue
            log.warning("not leading any more", target=target or "messages", epoch=before[target])
