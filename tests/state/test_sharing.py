"""Replicas share the targets: one that comes late is handed its share, one target after the other."""

from __future__ import annotations

import threading
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from reconciler.daemon.campaign import Campaign
from reconciler.state import open_state

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.engine.leadership import LeaseSnapshot
    from tests.state.conftest import NewUrl

_TERM, _RENEW = timedelta(minutes=10), 0.05  # nothing expires here; rounds come quickly
_PATIENCE = 60.0
_AFTERWARDS = 10  # rounds in which nothing may change any more


@dataclass
class _Seen:
    """What the campaigns of one state saw, for somebody who waits."""

    epochs: dict[str, int] = field(default_factory=dict)
    rounds: int = 0
    condition: threading.Condition = field(default_factory=threading.Condition)

    def __call__(self, snapshot: LeaseSnapshot) -> None:
        with self.condition:
            self.epochs = {lease.target: lease.epoch for lease in snapshot.leases}
            self.rounds += 1
            self.condition.notify_all()

    def until(self, true: Callable[[], bool]) -> None:
        with self.condition:
            assert self.condition.wait_for(true, _PATIENCE), self.epochs

    def rest(self) -> dict[str, int]:
        """The epochs, some rounds later."""
        last_round = self.rounds + _AFTERWARDS
        self.until(lambda: self.rounds >= last_round)
        return self.epochs


@pytest.fixture
def url(new_postgres_url: NewUrl) -> str:
    """The URL of a new state on a server."""
    state_url = new_postgres_url()
    open_state(state_url, writer=True).close()
    return state_url


def _campaign(url: str, stack: ExitStack, targets: str, seen: _Seen, offer: float = 3600.0) -> Campaign:
    ledger = stack.enter_context(open_state(url, writer=True, term=_TERM))
    assert ledger.leases is not None
    campaign = Campaign(ledger.leases, ("", *targets), _RENEW, on_snapshot=seen, offer=offer)
    campaign.chance = lambda: 0.0
    stack.enter_context(closing(campaign))
    campaign.start()
    return campaign


def _led(campaign: Campaign) -> set[str]:
    return {target for target in campaign.targets if target and campaign.leads(target)}


def test_a_late_replica_is_handed_targets_until_it_has_its_share_and_nothing_moves_then(url: str) -> None:
    """Of four targets two, each by one new epoch."""
    with ExitStack() as stack:
        seen = _Seen()
        first = _campaign(url, stack, "abcd", seen)
        assert _led(first) == set("abcd")
        late = _campaign(url, stack, "abcd", seen)
        seen.until(lambda: (len(_led(first)), len(_led(late))) == (2, 2))
        epochs = seen.rest()
        assert _led(first) | _led(late) == set("abcd")
        assert sorted(epochs[target] for target in "abcd") == [1, 1, 2, 2]
        assert {epochs[target] for target in _led(late)} == {2}


def test_what_nobody_wants_comes_back_and_is_offered_once(url: str) -> None:
    """Another replica is there for one target alone, and takes it if it is quick."""
    with ExitStack() as stack:
        seen = _Seen()
        first = _campaign(url, stack, "abcd", seen, offer=0.2)
        late = _campaign(url, stack, "d", seen)
        seen.until(lambda: _led(first) >= set("abc") and seen.epochs["d"] == 2)
        assert seen.rest() == {"": 1, "a": 2, "b": 2, "c": 2, "d": 2}
        assert _led(first) | _led(late) == set("abcd")


def test_a_target_in_which_something_is_under_way_is_not_handed_over(url: str) -> None:
    """It is once that has ended."""
    with ExitStack() as stack:
        seen, resting = _Seen(), set[str]()
        first = _campaign(url, stack, "ab", seen)
        first.at_rest = resting.__contains__
        late = _campaign(url, stack, "ab", seen)
        assert seen.rest() == {"": 1, "a": 1, "b": 1}
        resting.add("b")
        seen.until(lambda: _led(late) == {"b"})
        assert _led(first) == {"a"}
