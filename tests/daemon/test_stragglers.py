"""A target whose registry hangs holds up no other."""

from __future__ import annotations

import asyncio
import signal
import threading
from typing import TYPE_CHECKING

from tests.daemon.running import FOLLOW as OFTEN
from tests.daemon.running import SELDOM, inside
from tests.daemon.waiting import until
from tests.program import FOLLOW, modelarts
from tests.relay import relayed

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.program import Fleet
    from tests.relay import Answer, Relay, Request


def _names(relay: Relay, target: str) -> set[str]:
    return {model["model_name"] for model in relay.models(target)}


def _asked(relay: Relay, target: str) -> int:
    return sum(f"/project-{target}/" in request.target for request in relay.requests)


def test_a_new_commit_is_imported_by_one_target_while_the_registry_of_another_hangs(fleet: Fleet) -> None:
    """In the tick that meets it and in those that follow; what it declares is imported once it answers."""
    answers = threading.Event()
    answers.set()

    def meddle(request: Request, forward: Callable[[], Answer]) -> Answer:
        if "/project-slow/" in request.target and not answers.is_set():
            assert answers.wait(60)
        return forward()

    with relayed() as relay:
        relay.meddle = meddle
        fleet.declare("mnist@1.0.0", folder="slow")
        slow = modelarts(relay.url, name="slow", path="slow").replace(FOLLOW, "")
        fleet.configure(SELDOM + OFTEN + slow + modelarts(relay.url).replace(FOLLOW, ""))

        async def work() -> None:
            async with inside(fleet) as daemon:

                async def commit(name: str) -> None:
                    fleet.declare(f"{name}@1.0.0")
                    fleet.declare(f"{name}@1.0.0", folder="slow")
                    daemon.send(signal.SIGHUP)
                    await until(lambda: name in _names(relay, "prod"))

                await until(lambda: {"mnist"} == _names(relay, "prod") == _names(relay, "slow"))
                answers.clear()
                await commit("first")
                await daemon.tells("tick failed")
                asked = _asked(relay, "slow")
                await commit("second")
                assert (answers.is_set(), _asked(relay, "slow")) == (False, asked)
                assert "the other targets go on" in daemon.told("tick failed")[0]["error"]
                answers.set()
                await until(lambda: _names(relay, "slow") == {"mnist", "first", "second"})

        asyncio.run(work())
    assert sum(request.method == "POST" for request in relay.requests) == 6
