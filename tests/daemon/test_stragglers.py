"""A target whose registry hangs holds up no other, nor an import whose call hangs."""

from __future__ import annotations

import asyncio
import json
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
                assert "the other targets go on" in daemon.lines_of("tick failed")[0]["error"]
                answers.set()
                await until(lambda: _names(relay, "slow") == {"mnist", "first", "second"})

        asyncio.run(work())
    assert sum(request.method == "POST" for request in relay.requests) == 6


def test_an_import_whose_call_hangs_holds_up_no_other_and_is_journalled_when_it_ends(fleet: Fleet) -> None:
    """What is committed meanwhile is imported, here and into another target; a stop waits for its answer."""
    hung: dict[str, threading.Event] = {name: threading.Event() for name in ("first", "last")}

    def meddle(request: Request, forward: Callable[[], Answer]) -> Answer:
        name = json.loads(request.body)["model_name"] if request.method == "POST" else None
        if name in hung:
            assert hung[name].wait(60)
        return forward()

    def sent(relay: Relay, name: str) -> bool:
        return any(r.method == "POST" and name.encode() in r.body for r in relay.requests)

    with relayed() as relay:
        relay.meddle = meddle
        other = modelarts(relay.url, name="other", path="other").replace(FOLLOW, "")
        fleet.declare("mnist@1.0.0", folder="other")
        fleet.configure(SELDOM + OFTEN + other + modelarts(relay.url).replace(FOLLOW, ""))

        async def work() -> None:
            async with inside(fleet) as daemon:

                async def commit(name: str, *folders: str) -> None:
                    for folder in folders:
                        fleet.declare(f"{name}@1.0.0", folder=folder)
                    daemon.send(signal.SIGHUP)

                await until(lambda: "mnist" in _names(relay, "other"))
                await commit("first", "models.d")
                await until(lambda: sent(relay, "first"))
                await commit("second", "models.d", "other")
                await until(lambda: "second" in _names(relay, "prod") & _names(relay, "other"))
                assert "first" not in _names(relay, "prod")
                hung["first"].set()
                await daemon.tells("published", model="first@1.0.0")

                await commit("last", "models.d")
                await until(lambda: sent(relay, "last"))
                await commit("third", "models.d")
                await until(lambda: "third" in _names(relay, "prod"))
                daemon.send(signal.SIGTERM)
                await daemon.tells("stopping after the call in flight")
                hung["last"].set()
                await daemon.tells("stopped")
                assert daemon.lines_of("imported", model="last@1.0.0")

        asyncio.run(work())
    sent_once = [(request.target, request.body) for request in relay.requests if request.method == "POST"]
    assert len(sent_once) == len(set(sent_once)) == 7
