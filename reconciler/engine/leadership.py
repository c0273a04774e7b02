"""Who may start imports into which target: a lease, with an epoch that fences.

    standby ──taken──▶ leader of an epoch ──renewed──▶ …
       ▲                      │
       └── lost, given back ──┘      the next leader's epoch is greater

A lease is a row in the database that holds the intents, and its time is that server's. Where a file lock
makes one process the only writer, the lock is the lease: of every target, and without an epoch.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

SHARED = ""
"""What is led beside the targets: whatever there is once for all of them, such as sending messages."""

LONGEST = 10.0
"""How many terms a lease may last from now on; another replica's may be longer, while settings change.

One that lasts longer is from before the server's clock was set back, and would keep everybody waiting for as
long if its holder died. From a holder that lives nothing is taken but the lead: the fence stands.
"""


def led_thing(target: str) -> str:
    """What a lease of that name is about, for people."""
    return "the messages" if target == SHARED else f"target {target}"


class Leadership(Protocol):
    """What this process leads at the moment. May be asked from several threads."""

    def leads(self, target: str) -> bool:
        """Whether imports into this target may be started here."""

    def epoch(self, target: str) -> int | None:
        """Of the lease of this target, to be asked before anything is looked at for a cycle; None without."""

    def holds(self, target: str, epoch: int | None) -> bool:
        """Whether that epoch goes on for certain, by a clock of this machine: asked right before a call."""


@dataclass(frozen=True, slots=True)
class SoleWriter:
    """The leadership of a process that is the only writer of its state: all of it, as long as it lives."""

    def leads(self, target: str) -> bool:  # noqa: ARG002 - as the port says
        """Always."""
        return True

    def epoch(self, target: str) -> int | None:  # noqa: ARG002
        """None: there is no other writer that would have to be told from this one."""
        return None

    def holds(self, target: str, epoch: int | None) -> bool:  # noqa: ARG002
        """Always: the lock is looked at with each write."""
        return True


@dataclass(frozen=True, slots=True)
class Lease:
    """Who leads one target.

    Attributes:
        holder: names process and machine; unique to a process.
        epoch: of the newest holder.
        expires_at: when it ends unless it is renewed; in the past when nobody leads.
    """

    target: str
    holder: str
    epoch: int
    since: datetime
    expires_at: datetime

    @property
    def leader(self) -> str:
        """The holder's process and machine, for people."""
        return self.holder.partition(" (")[0]


@dataclass(frozen=True, slots=True)
class LeaseSnapshot:
    """Who leads what at one moment by the clock of the server, as far as a campaign needs it.

    Attributes:
        now: the server's clock.
        leases: of all targets that were ever led.
        revision: another text whenever something was journalled, reported or asked for.
    """

    now: datetime
    leases: Sequence[Lease]
    replicas: int
    revision: str

    def lease(self, target: str) -> Lease | None:
        """The lease of one target, expired or not."""
        return next((lease for lease in self.leases if lease.target == target), None)

    def leader(self, target: str) -> Lease | None:
        """The lease of one target, unless it has expired."""
        lease = self.lease(target)
        return lease if lease is not None and lease.expires_at > self.now else None

    def is_free(self, target: str, holder: str, term: float) -> bool:
        """Whether this holder may take it, as `SqlLeases.take` says; `term` in seconds."""
        lease = self.leader(target)
        if lease is None or lease.holder == holder:
            return True
        return lease.expires_at - self.now > timedelta(seconds=term * LONGEST)

    def holds(self, holder: str, target: str, epoch: int) -> bool:
        """Whether this holder leads the target by this epoch."""
        lease = self.leader(target)
        return lease is not None and (lease.holder, lease.epoch) == (holder, epoch)
