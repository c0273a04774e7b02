"""What the network did not take in time is not sent later, when nobody waits for it any more."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.errors import OutcomeUnknown
from tests.registry.driving import IMPORT, connected
from tests.registry.scripted import answer
from tests.torture.island import Island, is_possible

if TYPE_CHECKING:
    from reconciler.registry import ModelArtsRegistry
    from tests.registry.scripted import Server

_PATIENCE = 60.0  # seconds; the kernel goes on by itself for minutes
_DETAIL = answer(200, {"model_id": "m-1"})


def _unacknowledged() -> list[str]:
    """The connections of this thread's network with bytes on their way, by the kernel's own table."""
    rows = Path("/proc/thread-self/net/tcp").read_text("ascii").splitlines()[1:]
    return [row for row in rows if not row.split()[4].startswith("00000000:")]


async def _import_in_a_network_that_is_cut(island: Island) -> list[str]:
    """The methods of all requests that came, of a client that gave up an import while nothing came."""

    async def use(registry: ModelArtsRegistry, server: Server) -> list[str]:
        await registry.detail("m-1")
        island.cut()
        with pytest.raises(OutcomeUnknown):
            await registry.create(IMPORT, _at_once)
        ends = time.monotonic() + _PATIENCE
        while _unacknowledged():
            assert time.monotonic() < ends, f"the kernel would send it later: {_unacknowledged()}"
            await asyncio.sleep(0.02)
        island.heal()
        await registry.detail("m-1")
        return [request.method for request in server.requests]

    async with connected(lambda _: _DETAIL, limits={"deadline": 0.3}) as (registry, server):
        return await use(registry, server)


async def _at_once(*_: Any) -> None:
    return


@pytest.mark.skipif(not is_possible(), reason="no network namespace may be made here")
def test_an_import_that_was_given_up_while_the_network_was_cut_is_not_delivered_when_it_is_healed() -> None:
    """The kernel would send it for minutes, long after everybody may take it for not made."""
    with Island() as island:
        methods = island.run(lambda: asyncio.run(_import_in_a_network_that_is_cut(island)))
    assert methods == ["GET", "GET"]
