"""A service that no longer offers the list of models, or the import, is one clear error of the target."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.daemon.running import SELDOM, inside
from tests.daemon.waiting import until
from tests.program import modelarts
from tests.relay import Answer, honest, said

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.program import Fleet
    from tests.relay import Relay, Request

NO_API = {"error_code": "APIG.0101", "error_msg": "The API does not exist or has not been published."}
WITHDRAWN = {
    "404 of the gateway": said(404, NO_API),
    "400 of the gateway": said(400, {"error_code": "APIGW.0106", "error_msg": "Orchestration error."}),
    "404 of the service": said(404, {"error_code": "ModelArts.3001", "error_msg": "does not exist"}),
    "404 of a web server": Answer(404, b"<html>nginx</html>", "text/html"),
    "404 without a word": Answer(404),
    "410": said(410, {"error_msg": "gone"}),
    "410 without a word": Answer(410),
}
TOLD = "this service no longer offers the list of models at this address"


def without_a_list(answer: Answer) -> Callable[[Request, Callable[[], Answer]], Answer]:
    """Answers each list so, and passes on the rest."""

    def meddle(request: Request, forward: Callable[[], Answer]) -> Answer:
        is_list = request.method == "GET" and request.target.partition("?")[0].endswith("/models")
        return answer if is_list else forward()

    return meddle


@pytest.mark.parametrize("name", WITHDRAWN)
def test_a_list_that_is_no_longer_offered_is_an_error_and_never_an_empty_registry(
    fleet: Fleet, relay: Relay, name: str
) -> None:
    """Exit 3 and one line; nothing is missing, nothing is imported; with the list back, all goes on."""
    assert fleet("apply").code == 0
    fleet.declare("new@1.0.0")
    relay.requests.clear()
    relay.meddle = without_a_list(WITHDRAWN[name])
    for command in (("apply",), ("plan", "--refresh"), ("apply", "--refresh")):
        done = fleet(*command)
        assert (done.code, done.out) == (3, "")
        (line,) = done.err.splitlines()
        assert line.startswith(f"error: target prod: {TOLD}; ")
        assert "check endpoint and project_id of the target" in line
    assert relay.posts == 0
    verdicts = fleet.json("status").verdicts
    assert (verdicts["a@1.0.0"], verdicts["b@2.0.0"]) == ("in-sync", "in-sync")
    relay.meddle = honest
    assert fleet.json("apply", "--refresh").json["summary"]["in-sync"] == 3


@pytest.mark.parametrize("name", ["404 of the gateway", "410"])
def test_the_loop_says_so_each_tick_and_imports_nothing_until_the_list_is_back(
    fleet: Fleet, relay: Relay, name: str
) -> None:
    """No model is called missing meanwhile, and the loop stays alive."""

    async def work() -> None:
        async with inside(fleet) as daemon:
            line = await daemon.tells("tick failed")
            assert TOLD in line["error"]
            assert relay.posts == 0
            verdicts = fleet.json("status").verdicts
            assert "missing" not in verdicts.values()
            relay.meddle = honest
            fleet.declare("newer@1.0.0")
            await until(lambda: len(relay.models()) == len("abnn"))

    assert fleet("apply").code == 0
    relay.requests.clear()
    fleet.configure(modelarts(relay.url) + SELDOM)
    fleet.declare("new@1.0.0")
    relay.meddle = without_a_list(WITHDRAWN[name])
    asyncio.run(work())
    assert sorted(model["model_name"] for model in relay.models()) == ["a", "b", "new", "newer"]


@pytest.mark.parametrize("name", WITHDRAWN)
def test_an_import_that_is_no_longer_offered_stops_the_target_and_holds_no_model(
    fleet: Fleet, relay: Relay, name: str
) -> None:
    """A site may keep the list and lose the import: another attempt is scheduled, none is `failed`."""

    def meddle(request: Request, forward: Callable[[], Answer]) -> Answer:
        return WITHDRAWN[name] if request.method == "POST" else forward()

    relay.meddle = meddle
    done = fleet("apply")
    assert done.code == 3
    assert "this service no longer offers the import of models at this address" in done.err
    relay.meddle = honest
    assert set(fleet.json("apply").verdicts.values()) <= {"waiting", "in-sync"}


def test_a_list_with_an_error_in_place_of_models_is_not_empty(fleet: Fleet, relay: Relay) -> None:
    """Some gateways answer 200 with an error inside."""
    assert fleet("apply").code == 0
    relay.meddle = without_a_list(said(200, NO_API | {"count": 0, "total_count": 0}))
    done = fleet("apply", "--refresh")
    assert (done.code, done.out) == (3, "")
    assert "an error in place of a list of models" in done.err


@pytest.mark.parametrize(("status", "code"), [(403, "0108"), (401, "0201"), (401, "0203")])
def test_a_refusal_of_the_service_itself_shows_the_services_own_words(
    fleet: Fleet, relay: Relay, status: int, code: str
) -> None:
    """Behind the gateway nobody repeats the signed request, so nothing secret can be in them."""
    answer = said(status, {"error_code": f"ModelArts.{code}", "error_msg": "Domain 7 lacks a delegation."})
    relay.meddle = lambda *_: answer
    done = fleet("apply")
    assert done.code == 3
    assert "the registry says: Domain 7 lacks a delegation." in done.err
