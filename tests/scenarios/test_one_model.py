"""What goes wrong with one model, or with one target, is the business of that one alone."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import time_machine

from tests.daemon.running import spawned
from tests.daemon.waiting import until
from tests.program import FOLLOW, Fleet, manifest, modelarts
from tests.relay import CUT, Answer, honest, relayed, said

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.relay import Relay, Request

pytestmark = pytest.mark.long

PAGE = b"<html><body>Bad gateway</body></html>"
DETAILS = {
    "500": Answer(500, b"oops", "text/plain"),
    "404 of a gateway": said(404, {"error_code": "APIG.0101", "error_msg": "no such API"}),
    "404 of the registry": said(404, {"error_code": "ModelArts.3001", "error_msg": "no such model"}),
    "a redirect": Answer(302, b"", "text/html"),
    "HTML": Answer(200, PAGE, "text/html"),
    "nonsense": said(200, ["no", "object"]),
    "odd values": said(
        200, {"model_status": 7, "dependencies": 5, "config": [1], "model_metrics": "{", "x": None}
    ),
    "a line that is cut": CUT,
}
PATIENCE = 4  # seconds: an open intent is waited for as long, and a busy machine answers any call within it
QUICK = f'timeout = "{PATIENCE}s"'


def _spoils_details_of(
    relay: Relay, name: str, answer: Answer
) -> Callable[[Request, Callable[[], Answer]], Answer]:
    """Meddles with every detail of the models of one name, and with nothing else."""

    def meddle(request: Request, forward: Callable[[], Answer]) -> Answer:
        if request.method == "GET" and "?" not in request.target:
            ids = [model["model_id"] for model in relay.models() if model["model_name"] == name]
            if any(model_id in request.target for model_id in ids):
                return answer
        return forward()

    return meddle


def _import(name: str, **fields: Any) -> dict[str, Any]:
    lines = manifest(f"{name}@1.0.0", **fields).splitlines()
    return {key: json.loads(value) for key, _, value in (line.partition(": ") for line in lines)}


@pytest.mark.parametrize("name", DETAILS)
def test_a_strangers_model_whose_detail_cannot_be_read_waits_and_new_models_are_imported(
    fleet: Fleet, relay: Relay, name: str
) -> None:
    """Once it can be read, it is adopted."""
    relay.add(_import("a"))
    fleet.configure(modelarts(relay.url, more=QUICK))
    relay.meddle = _spoils_details_of(relay, "a", DETAILS[name])
    for _ in range(2):
        done = fleet.json("apply")
        verdicts = done.verdicts
        if name != "odd values":  # what says nothing differs in nothing
            assert verdicts["a@1.0.0"] == "waiting"
            assert [reason["code"] for reason in done.items["a@1.0.0"]["reasons"]] == ["unreadable"]
        assert verdicts["b@2.0.0"] == "in-sync"
        assert done.json.get("failures", []) == []
    assert relay.posts == 1
    relay.meddle = honest
    assert fleet.json("apply").verdicts == {"a@1.0.0": "in-sync", "b@2.0.0": "in-sync"}
    assert relay.posts == 1


@pytest.mark.parametrize("name", DETAILS)
def test_an_open_intent_whose_detail_cannot_be_read_waits_and_new_models_are_imported(
    fleet: Fleet, relay: Relay, name: str
) -> None:
    """The import was made and its answer lost: it is listed, and nobody can say what it is."""
    spoilt = _spoils_details_of(relay, "a", DETAILS[name])

    def lost(request: Request, forward: Callable[[], Answer]) -> Answer:
        if request.method == "POST" and b'"a"' in request.body:
            forward()
            return CUT
        return spoilt(request, forward)

    relay.meddle = lost
    fleet.configure(modelarts(relay.url, more=QUICK))
    first = fleet.json("apply")
    assert first.verdicts["b@2.0.0"] == "in-sync"
    fleet.declare("c@1.0.0")
    second = fleet.json("apply")
    assert second.json["failures"] == []
    assert second.verdicts["c@1.0.0"] == "in-sync"
    if name != "odd values":
        assert second.verdicts["a@1.0.0"] == "waiting"
    relay.meddle = honest
    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=PATIENCE), tick=True):
        third = fleet.json("apply")
    assert set(third.verdicts.values()) == {"in-sync"}
    assert (third.code, relay.posts, len(relay.models())) == (0, 3, 3)


def test_a_row_without_a_usable_id_is_there_and_is_not_imported_again(fleet: Fleet) -> None:
    """From a registry that would take the pair twice."""
    with relayed() as relay:
        fleet.configure(modelarts(relay.url))
        fleet("apply")

        def meddle(request: Request, forward: Callable[[], Answer]) -> Answer:
            answer = forward()
            if request.method == "GET" and "?" in request.target:
                page = json.loads(answer.body)
                rows = [
                    row | {"model_id": None} if row["model_name"] == "a" else row for row in page["models"]
                ]
                return said(200, page | {"models": rows})
            return answer

        relay.meddle = meddle
        (fleet.folder / ".reconciler/state.db").unlink()
        done = fleet.json("apply")
        assert done.verdicts == {"a@1.0.0": "waiting", "b@2.0.0": "in-sync"}
        assert relay.posts == 2


@pytest.mark.parametrize("name", sorted(DETAILS.keys() - {"odd values", "404 of the registry"}))
def test_what_was_found_equal_before_and_cannot_be_compared_now_is_told(
    fleet: Fleet, relay: Relay, name: str
) -> None:
    """The verdict stands, and whoever asked for a comparison learns that there was none."""
    fleet("apply")
    relay.meddle = _spoils_details_of(relay, "a", DETAILS[name])
    for command in ("plan", "apply"):
        done = fleet.json(command, "--refresh")
        assert (done.code, set(done.verdicts.values())) == (0, {"in-sync"})
        (note,) = done.json["notes"]
        assert "1 model could not be compared now, and what was found before stands; a@1.0.0: " in note
    relay.meddle = honest
    assert fleet.json("apply", "--refresh").json["notes"] == []


def test_one_read_that_cannot_be_understood_is_repeated_once(fleet: Fleet, relay: Relay) -> None:
    """A page of a proxy in place of one list costs nothing."""
    spoilt = [Answer(200, PAGE, "text/html")]
    relay.meddle = lambda _, forward: spoilt.pop() if spoilt else forward()
    done = fleet.json("apply")
    assert (done.code, done.json["summary"]["in-sync"]) == (0, 2)


def test_an_import_that_the_endpoint_refuses_takes_no_other_with_it(fleet: Fleet, relay: Relay) -> None:
    """A gateway's 404 for one body; where it answers so to each, that is the target's failure."""

    def meddle(request: Request, forward: Callable[[], Answer]) -> Answer:
        if request.method == "POST" and b'"a"' in request.body:
            return Answer(404, PAGE, "text/html")
        return forward()

    relay.meddle = meddle
    done = fleet.json("apply")
    assert done.verdicts == {"a@1.0.0": "waiting", "b@2.0.0": "in-sync"}
    fleet.declare(*(f"m{number}@1.0.0" for number in range(9)))
    relay.meddle = lambda request, forward: Answer(404, PAGE) if request.method == "POST" else forward()
    before = relay.posts
    done = fleet.json("apply", RECONCILER_TARGETS__PROD__IN_FLIGHT="1")
    assert done.code == 3
    assert relay.posts - before == 3


def test_a_registry_whose_every_detail_fails_is_asked_for_ten_and_imports_go_on(
    fleet: Fleet, relay: Relay
) -> None:
    """It is spared the other ninety."""
    for number in range(30):
        relay.add(_import(f"m{number}"))
    fleet.declare(*(f"m{number}@1.0.0" for number in range(30)))
    fleet.configure(modelarts(relay.url, more="in_flight = 1"))
    broken = said(404, {"error_code": "APIG.0101"})
    relay.meddle = lambda r, forward: broken if r.method == "GET" and "?" not in r.target else forward()
    before = len(relay.requests)
    done = fleet.json("apply", "--no-wait")
    details = [r for r in relay.requests[before:] if r.method == "GET" and "?" not in r.target]
    assert (done.json["summary"]["waiting"], relay.posts) == (30, 2)
    assert len(details) == 10


ELSEWHERE = [
    said(409, {"error_code": "ModelArts.3002", "error_msg": "exists"}),
    said(400, {"error_code": "ModelArts.3002", "error_msg": "exists"}),
    said(400, {"error_code": "ModelArts.0103", "error_msg": "exists"}),
]


@pytest.mark.parametrize("answer", ELSEWHERE, ids=["409", "3002", "0103"])
def test_a_pair_that_exists_and_is_not_listed_is_held_and_never_sent_again_by_itself(
    fleet: Fleet, relay: Relay, answer: Answer
) -> None:
    """Exit code 1, and where to look; other content, or `retry`, sends it once more."""

    def meddle(request: Request, forward: Callable[[], Answer]) -> Answer:
        return answer if request.method == "POST" and b'"a"' in request.body else forward()

    relay.meddle = meddle
    for _ in range(3):
        done = fleet.json("apply", "--refresh")
        assert (done.code, done.verdicts) == (1, {"a@1.0.0": "failed", "b@2.0.0": "in-sync"})
        (reason,) = done.items["a@1.0.0"]["reasons"]
        assert reason["code"] == "exists-elsewhere"
        assert "other workspaces" in reason["message"]
        assert "reconciler retry a@1.0.0" in reason["message"]
    assert relay.posts == 2
    assert [e["event"] for e in fleet.json("history", "a").json[0]["events"]] == [
        "import-requested",
        "exists",
        "exists-elsewhere",
    ]
    assert fleet("status").code == 1
    assert fleet.json("retry", "a@1.0.0").verdicts == {"a@1.0.0": "failed"}
    assert relay.posts == 3
    fleet.commit({"models.d/a-1.0.0.yaml": manifest("a@1.0.0", description="other")})
    assert fleet.json("apply").verdicts["a@1.0.0"] == "failed"
    assert relay.posts == 4
    relay.meddle = honest
    relay.add(_import("a", description="other"))
    assert fleet.json("apply", "--refresh").verdicts["a@1.0.0"] == "in-sync"
    assert relay.posts == 4


def test_a_pair_of_another_workspace_is_held(fleet: Fleet) -> None:
    """The embedded registry with names that are unique in the whole project."""
    with relayed(unique_within="project") as relay:
        relay.add(_import("a", workspace_id="other"))
        fleet.configure(modelarts(relay.url))
        for _ in range(2):
            assert fleet.json("apply").verdicts == {"a@1.0.0": "failed", "b@2.0.0": "in-sync"}
        assert relay.posts == 2


def test_a_pair_that_exists_and_is_listed_late_is_adopted(fleet: Fleet, relay: Relay) -> None:
    """409 means found: the settling wait, and another look."""
    hidden = 1

    def meddle(request: Request, forward: Callable[[], Answer]) -> Answer:
        nonlocal hidden
        if request.method == "POST" and b'"a"' in request.body:
            forward()
            return forward()
        if request.method == "GET" and "model_name=a" in request.target and hidden:
            hidden -= 1
            return said(200, {"models": [], "total_count": 0, "count": 0})
        return forward()

    relay.meddle = meddle
    done = fleet.json("apply")
    assert (done.code, done.json["summary"]["in-sync"]) == (0, 2)
    events = [e["event"] for e in fleet.json("history", "a").json[0]["events"]]
    assert events[:3] == ["import-requested", "exists", "adopted"]
    assert len(relay.models()) == 2


PROXIES = {
    "socks": {"HTTPS_PROXY": "socks5://user:hunter2@127.0.0.1:1"},
    "misspelt": {"HTTPS_PROXY": "htp://user:hunter2@127.0.0.1:1"},
    "port": {"HTTPS_PROXY": "http://user:hunter2@127.0.0.1:99999999"},
    "all": {"ALL_PROXY": "ftp://user:hunter2@127.0.0.1:1"},
    "no host": {"https_proxy": "http://"},
}


@pytest.mark.parametrize("name", PROXIES)
def test_a_proxy_that_cannot_be_used_is_a_mistake_in_the_configuration_of_one_target(
    fleet: Fleet, relay: Relay, name: str
) -> None:
    """Exit code 2, no traceback, no password; the others go on."""
    fleet.declare("c@1.0.0", folder="other")
    other = modelarts("https://registry.example.com", name="far", path="other").replace(FOLLOW, "")
    fleet.configure(other + modelarts(relay.url))
    for command in (("plan",), ("apply",), ("doctor",)):
        done = fleet(*command, **PROXIES[name])
        assert done.code == 2
        assert "_PROXY" in done.err + done.out
        assert "hunter2" not in done.out + done.err
    assert len(relay.models()) == 2


def test_the_loop_reconciles_the_others_and_the_target_too_once_it_can_be_opened(
    fleet: Fleet, relay: Relay
) -> None:
    """A folder stands where the registry's database should be, for a while."""
    fleet.declare("c@1.0.0", folder="other")
    (fleet.folder / "registry.db").mkdir()
    bad = "[targets.bad]\nkind = 'embedded'\npath = 'other'\ndatabase = 'registry.db'\n"
    fleet.configure(bad + modelarts(relay.url) + '[schedule]\nevery = "1s"\n')

    async def work() -> None:
        async with spawned(fleet) as loop:
            failed = await loop.tells("tick failed")
            assert "target bad: " in failed["error"]
            await until(lambda: len(relay.models()) == 2, 40)
            (fleet.folder / "registry.db").rmdir()
            await loop.tells("tick", did_imported=1)

    asyncio.run(work())


@pytest.mark.parametrize("broken", ["database", "certificates"])
def test_a_target_that_cannot_be_opened_does_not_stop_the_others(
    fleet: Fleet, relay: Relay, broken: str, tmp_path: Any
) -> None:
    """Its mistake is told, with exit code 2 or 3."""
    tables = {
        "database": "[targets.bad]\nkind = 'embedded'\npath = 'other'\ndatabase = 'models.d'\n",
        "certificates": modelarts("https://127.0.0.1:9", name="bad", path="other").replace(FOLLOW, ""),
    }
    (tmp_path / "ca.pem").write_text("no certificate")
    fleet.environment = {"SSL_CERT_FILE": str(tmp_path / "ca.pem")} if broken == "certificates" else {}
    fleet.declare("c@1.0.0", folder="other")
    fleet.configure(tables[broken] + modelarts(relay.url))
    done = fleet.process("apply", "--output", "json")
    assert done.code in (2, 3)
    assert "error: target bad: " in done.err
    assert {item["verdict"] for item in done.json["items"] if item["target"] == "prod"} == {"in-sync"}
    assert len(relay.models()) == 2
