from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from tests.program import FOLLOW, manifest, modelarts
from tests.relay import CUT, Answer, honest, relayed, said

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.program import Fleet
    from tests.relay import Relay, Request

pytestmark = pytest.mark.long

UNUSABLE = {
    "HTML": Answer(200, b"<html><body>Log in</body></html>", "text/html"),
    "no JSON": Answer(200, b"{'models': }"),
    "half a body": Answer(200, b'{"models": [', promised=4000),
    "nothing": Answer(200, b""),
    "a line that is cut": CUT,
    "a list for a table": said(200, []),
    "text for a list": said(200, {"models": "none", "total_count": 0}),
    "a server error": Answer(500, b"oops", "text/plain"),
    "a redirect": Answer(302, b"", "text/html"),
}


@pytest.mark.parametrize("name", UNUSABLE)
def test_a_registry_that_talks_nonsense_is_told_and_nothing_is_imported(
    fleet: Fleet, relay: Relay, name: str
) -> None:
    """Exit code 3, one line about the target, and a next apply that works."""
    fleet.configure(modelarts(relay.url, more='timeout = "2s"'))
    relay.meddle = lambda *_: UNUSABLE[name]
    done = fleet("apply")
    assert (done.code, done.out) == (3, "")
    assert done.err.startswith("error: target prod: ")
    assert len(done.err.splitlines()) == 1
    assert relay.posts == 0
    relay.meddle = honest
    assert fleet.json("apply").json["summary"]["in-sync"] == 2


@pytest.mark.parametrize("name", [*UNUSABLE])
def test_an_answer_to_an_import_that_cannot_be_understood_never_makes_a_second_model(
    fleet: Fleet, relay: Relay, name: str
) -> None:
    """The import was made: it is found, and adopted."""

    def meddle(request: Request, forward: Callable[[], Answer]) -> Answer:
        answer = forward()
        return UNUSABLE[name] if request.method == "POST" else answer

    relay.meddle = meddle
    fleet("apply")
    relay.meddle = honest
    after = fleet.json("apply")
    assert after.json["summary"]["in-sync"] == 2
    assert sorted(model["model_name"] for model in relay.models()) == ["a", "b"]


@pytest.mark.parametrize("name", ["a line that is cut", "HTML", "a server error"])
def test_an_import_that_was_not_made_and_not_answered_is_made_in_the_end(
    fleet: Fleet, relay: Relay, name: str
) -> None:
    """Looked for until it could not be made any more, then sent again; one model each."""
    fleet.configure(modelarts(relay.url, more='timeout = "2s"'))
    lost: set[bytes] = set()

    def meddle(request: Request, forward: Callable[[], Answer]) -> Answer:
        if request.method == "POST" and request.body not in lost:
            lost.add(request.body)
            return UNUSABLE[name]
        return forward()

    relay.meddle = meddle
    done = fleet.json("apply")
    assert sorted(model["model_name"] for model in relay.models()) == ["a", "b"]
    assert done.json["summary"]["in-sync"] == 2


def test_a_registry_that_is_down_is_told(fleet: Fleet) -> None:
    """Exit code 3, the host and what to look at; plan, apply and doctor say the same."""
    fleet.configure(modelarts("http://127.0.0.1:9"))
    for command in ("plan", "apply"):
        done = fleet(command)
        assert done.code == 3
        assert "no connection to 127.0.0.1:9: check endpoint, network and proxy" in done.err
    done = fleet("doctor")
    assert done.code == 3
    assert "127.0.0.1" in done.out


def test_a_row_that_cannot_be_read_is_nobodys(fleet: Fleet, relay: Relay) -> None:
    """Numbers for names: the other rows still count."""
    fleet("apply")
    odd = {"model_id": 5, "model_name": 7, "model_version": {}}

    def meddle(_: Request, forward: Callable[[], Answer]) -> Answer:
        answer = forward()
        document = json.loads(answer.body)
        return (
            said(200, document | {"models": [odd, *document["models"]]}) if "models" in document else answer
        )

    relay.meddle = meddle
    assert fleet.json("apply").json["summary"]["in-sync"] == 2
    assert relay.posts == 2


def test_a_slow_registry_is_not_waited_for_longer_than_its_deadline(fleet: Fleet, relay: Relay) -> None:
    """`timeout` of the target, for each call."""

    def slow(_: Request, forward: Callable[[], Answer]) -> Answer:
        time.sleep(5)
        return forward()

    relay.meddle = slow
    fleet.configure(modelarts(relay.url, more='timeout = "500ms"'))
    done = fleet("apply")
    assert (done.code, relay.posts) == (3, 0)
    assert "target prod" in done.err


def test_a_slow_answer_to_an_import_is_settled_and_not_sent_twice(fleet: Fleet, relay: Relay) -> None:
    """It was made after the client had given up."""

    def slow(request: Request, forward: Callable[[], Answer]) -> Answer:
        answer = forward()
        if request.method == "POST":
            time.sleep(3)
        return answer

    relay.meddle = slow
    fleet.configure(modelarts(relay.url, more='timeout = "2s"'))
    done = fleet.json("apply")
    assert (done.code, done.json["summary"]["in-sync"]) == (0, 2)
    assert (relay.posts, len(relay.models())) == (2, 2)


def test_a_pair_that_is_taken_is_compared_and_adopted(fleet: Fleet, relay: Relay) -> None:
    """409: somebody registered it between the look and the import."""

    def meddle(request: Request, forward: Callable[[], Answer]) -> Answer:
        if request.method == "POST":
            forward()
        return forward()

    relay.meddle = meddle
    done = fleet.json("apply")
    assert (done.code, done.json["summary"]["in-sync"]) == (0, 2)
    assert (relay.posts, len(relay.models())) == (2, 2)
    assert [e["event"] for e in fleet.json("history", "a").json[0]["events"]][:2] == [
        "import-requested",
        "adopted",
    ]


def test_a_pair_that_is_taken_with_other_content_is_drifted(fleet: Fleet, relay: Relay) -> None:
    """409, and the model is not ours."""

    def meddle(request: Request, forward: Callable[[], Answer]) -> Answer:
        if request.method == "POST" and b'"a"' in request.body:
            relay.add(
                {
                    "model_name": "a",
                    "model_version": "1.0.0",
                    "model_type": "TensorFlow",
                    "source_location": "https://models.obs.cn-north-4.myhuaweicloud.com/other",
                }
            )
        return forward()

    relay.meddle = meddle
    done = fleet.json("apply")
    assert (done.code, done.verdicts) == (1, {"a@1.0.0": "drifted", "b@2.0.0": "in-sync"})
    assert len(relay.models()) == 2
    assert fleet.json("apply").verdicts == done.verdicts


def test_a_project_that_does_not_exist_is_told(fleet: Fleet) -> None:
    """Exit code 3; nothing is held against the manifests."""
    with relayed(projects={"known": "known-project"}) as relay:
        fleet.configure(modelarts(relay.url))
        done = fleet("apply")
        assert (done.code, relay.posts) == (3, 0)
        assert "project" in done.err
        fleet.configure(modelarts(relay.url).replace("project-prod", "known-project"))
        assert fleet.json("plan", RECONCILER_STATE__DIR="other").code == 0


def test_a_refused_credential_stops_the_target_at_once(fleet: Fleet, relay: Relay) -> None:
    """The vendor locks a key after five: it is not tried again and again."""
    relay.meddle = lambda *_: said(401, {"error_code": "APIG.0301", "error_msg": "bad signature"})
    given = "auth = { method = 'aksk', access_key = 'AK', secret_key = 'SK' }"
    fleet.configure(modelarts(relay.url, more=given))
    done = fleet("apply")
    assert (done.code, len(relay.requests)) == (3, 1)
    assert "target prod" in done.err


def test_a_rejected_import_is_held_and_the_others_go_on(fleet: Fleet, relay: Relay) -> None:
    """The registry's own words are the reason."""

    def meddle(request: Request, forward: Callable[[], Answer]) -> Answer:
        if request.method == "POST" and b'"a"' in request.body:
            return said(400, {"error_code": "ModelArts.3017", "error_msg": "bucket \u001b[2J is not there"})
        return forward()

    relay.meddle = meddle
    done = fleet.json("apply")
    assert (done.code, done.verdicts) == (1, {"a@1.0.0": "failed", "b@2.0.0": "in-sync"})
    reason = done.items["a@1.0.0"]["reasons"][0]
    assert reason["code"] == "ModelArts.3017"
    assert "is not there" in reason["message"]
    for arguments in (["plan"], ["status"], ["history"], ["apply"]):
        shown = fleet(*arguments)
        assert "\x1b" not in shown.out + shown.err
    assert relay.posts == 2


def test_a_model_that_fails_while_it_is_followed_is_told(fleet: Fleet) -> None:
    """Exit code 1, and how to go on."""
    with relayed(fail_pattern="b", publish_seconds=0.2) as relay:
        fleet.configure(modelarts(relay.url))
        done = fleet("apply")
        assert done.code == 1
        assert "b@2.0.0: failed" in done.err
        assert "reconciler retry b@2.0.0" in done.out


def test_following_ends_at_its_deadline(fleet: Fleet) -> None:
    """Publishing is no failure: exit code 0, and the next apply looks again."""
    with relayed(publish_seconds=3600) as relay:
        fleet.configure(modelarts(relay.url).replace(FOLLOW, FOLLOW + 'deadline = "100ms"\n'))
        done = fleet("apply")
        assert (done.code, "2 publishing" in done.out, "looks again" in done.out) == (0, True, True)


def test_hundreds_of_models_need_few_requests(fleet: Fleet, relay: Relay) -> None:
    """One list of all, one call for each import; and a second apply asks for the list alone."""
    for half in ("x", "y"):
        names = [f"{half}{number}@1.0.0" for number in range(60)]
        fleet.commit({f"models.d/{half}.yaml": "---\n".join(manifest(name) for name in names)})
    fleet.configure(
        modelarts(relay.url, more="in_flight = 32\nrate = 1000") + "[guards]\nmax_imports_per_cycle = 200\n"
    )
    assert fleet("apply", "-q").code == 0
    assert (relay.posts, len(relay.models())) == (122, 122)
    before = len(relay.requests)
    assert fleet("apply", "-q").out.startswith("Nothing to do: 122 models in sync.")
    assert len(relay.requests) - before == 1


WAITS = {
    "busy": (Answer(429, b"{}"), "http-429"),
    "away": (Answer(503, b"later", "text/plain"), "http-503"),
    "its own code": (
        said(429, {"error_code": "APIGW.0308", "error_msg": "throttled"}),
        "APIGW.0308",
    ),
    "no answer": (CUT, "no-answer"),
}


@pytest.mark.parametrize("name", WAITS)
def test_a_model_that_waits_says_why_and_until_when(fleet: Fleet, relay: Relay, name: str) -> None:
    """In the report, in what is remembered, and in text."""
    answer, code = WAITS[name]
    relay.meddle = lambda request, forward: answer if request.method == "POST" else forward()
    fleet.configure(modelarts(relay.url, more='timeout = "3s"') + "[guards]\nmax_imports_per_cycle = 2\n")
    begun = datetime.now(UTC)
    done = fleet.json("apply")
    assert done.code == 5
    for item in done.items.values():
        (reason,) = item["reasons"]
        assert (item["verdict"], reason["code"]) == ("waiting", code)
        assert "POST /v1/project-prod/models" in reason["message"]
        assert datetime.fromisoformat(item["next_attempt_at"]) > begun
    assert fleet.json("status").items == done.items
    assert "POST /v1/project-prod/models" in fleet("status").out


def test_a_guard_on_new_imports_lets_a_second_attempt_and_a_retry_through(fleet: Fleet, relay: Relay) -> None:
    """They were let through before, and they are not counted with what is new."""
    fleet.configure(modelarts(relay.url) + "[guards]\nmax_imports_per_cycle = 2\n")
    relay.meddle = lambda request, forward: (
        Answer(429, b"{}", retry_after=0) if request.method == "POST" else forward()
    )
    assert fleet("apply").code == 5
    relay.meddle = honest
    fleet.configure(modelarts(relay.url) + "[guards]\nmax_imports_per_cycle = 1\n")
    fleet.declare("c@1.0.0")
    assert fleet.json("apply").json["summary"]["in-sync"] == 3
    relay.delete("a")
    relay.delete("b")
    assert fleet.json("apply", "--refresh").json["summary"]["missing"] == 2
    fleet.configure(modelarts(relay.url) + "[guards]\nmax_imports_per_cycle = 0\n")
    assert fleet.json("retry", "a@1.0.0").verdicts == {"a@1.0.0": "in-sync"}


def test_what_is_found_in_place_of_an_import_tells_how_it_differs(fleet: Fleet, relay: Relay) -> None:
    """The list did not show it, and the import was refused because it exists."""
    source = "https://models.obs.cn-north-4.myhuaweicloud.com/"
    basic = {"model_name": "a", "model_version": "1.0.0", "model_type": "TensorFlow"}
    relay.add(basic | {"source_location": f"{source}other"})

    def hiding(request: Request, forward: Callable[[], Answer]) -> Answer:
        hidden = request.method == "GET" and not relay.posts
        return said(200, {"models": [], "total_count": 0, "count": 0}) if hidden else forward()

    relay.meddle = hiding
    done = fleet.json("apply")
    item = done.items["a@1.0.0"]
    assert (done.code, item["verdict"]) == (1, "drifted")
    assert item["diff"] == [
        {"field": "source_location", "declared": f"{source}a", "registered": f"{source}other"}
    ]
    assert fleet.json("apply").items["a@1.0.0"]["diff"] == item["diff"]
