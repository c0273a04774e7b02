"""A cycle whose lease ends while it is under way, and what the next leader makes of it."""

from __future__ import annotations

import asyncio
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from reconciler.contract import ModelKey
from reconciler.daemon.campaign import Campaign
from reconciler.engine.options import CycleOptions
from reconciler.engine.values import EventKind, Verdict
from reconciler.state import SqlLedger, open_state
from tests.engine.worlds import World, text
from tests.state.conftest import new_postgres_url, postgres_socket

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reconciler.engine.cycle import Engine
    from tests.state.conftest import NewUrl

__all__ = ["new_postgres_url", "postgres_socket"]

A = ModelKey("a", "1.0.0")


@contextmanager
def _leading(world: World) -> Iterator[tuple[Engine, Campaign]]:
    """A process that leads, as `run` does."""
    with world.process() as engine:
        assert isinstance(engine.ledger, SqlLedger)
        assert engine.ledger.leases is not None
        with closing(Campaign(engine.ledger.leases, ("local",))) as campaign:
            campaign.start()
            engine.leadership = campaign
            yield engine, campaign


def test_an_intent_whose_lease_is_given_back_before_its_call_is_withdrawn_and_nobody_waits_for_it(
    tmp_path: Path, new_postgres_url: NewUrl
) -> None:
    """SIGTERM comes between intent and call: only who wrote the intent knows that nothing was sent."""
    world = World(tmp_path, server=new_postgres_url())
    world.source.commit({"models.d/a.yaml": text("a")})
    with _leading(world) as (engine, campaign):
        engine.progress = lambda _: campaign.give_back()  # hears of the intent, before the call
        first = asyncio.run(engine.cycle(CycleOptions()))
        assert "the call was not sent" in first.failures[0].message
    assert world.registry.calls == []

    with _leading(world) as (engine, _):
        second = asyncio.run(engine.cycle(CycleOptions()))
    assert [item.verdict for item in second.items] == [Verdict.IN_SYNC]
    assert world.registry.calls == [A]
    with open_state(world.url, writer=False) as ledger:
        kinds = [event.kind for event in ledger.events("local", A)]
    sent = [EventKind.IMPORT_REQUESTED, EventKind.POSTPONED, EventKind.IMPORT_REQUESTED, EventKind.IMPORTED]
    assert kinds[: len(sent)] == sent
