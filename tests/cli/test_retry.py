from __future__ import annotations

import json
import os
import pty
from typing import TYPE_CHECKING

import pytest

from reconciler.cli.acting import actor
from tests.forked import own_terminal
from tests.program import FOLLOW, Fleet, manifest, modelarts
from tests.relay import CUT, Relay, relayed, said

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.relay import Answer, Request


@pytest.fixture
def relay() -> Iterator[Relay]:
    """A registry in which imports of `fail…` end as failed."""
    with relayed(fail_pattern="fail*") as registry:
        yield registry


@pytest.fixture
def fleet(tmp_path: Path, relay: Relay) -> Fleet:
    """A repository that declares `a@1.0.0` and `fail@1.0.0`."""
    made = Fleet(tmp_path / "fleet")
    made.configure(modelarts(relay.url))
    made.declare("a@1.0.0", "fail@1.0.0")
    return made


def _refusing(request: Request, forward: Callable[[], Answer]) -> Answer:
    if request.method == "POST":
        return said(400, {"error_code": "ModelArts.3017", "error_msg": "no such bucket"})
    return forward()


def test_history_says_who_retried(fleet: Fleet) -> None:
    """User and host, whatever the environment claims; with the deletion, the release and the new import."""
    fleet("apply", LOGNAME="mallory", USER="mallory")
    fleet("retry", "fail@1.0.0", "--yes", LOGNAME="mallory", USER="mallory")
    events = fleet.json("history", "fail").json[0]["events"]
    by_apply, by_retry = f"asked for by {actor('apply')}", f"asked for by {actor('retry')}"
    assert [by_retry in (event["detail"] or "") for event in events] == [False] * 3 + [True] * 4
    assert [by_apply in (event["detail"] or "") for event in events] == [True] * 3 + [False] * 4
    deleted = next(event for event in events if event["event"] == "deleted")
    assert deleted["detail"] == f"the failed model was removed by `retry`; {by_retry}"
    assert "mallory" not in fleet("history").out
    assert f"; {by_retry}" in fleet("history", "fail").out
    exported = fleet("state", "export").out.splitlines()
    assert {json.loads(line)["actor"] for line in exported} == {actor("apply"), actor("retry")}


def test_a_failed_model_is_held_and_says_how_to_go_on(fleet: Fleet, relay: Relay) -> None:
    """A second apply sends nothing; the reason names the command."""
    assert fleet("apply").code == 1
    posts = relay.posts
    held = fleet.json("apply")
    assert held.verdicts == {"a@1.0.0": "in-sync", "fail@1.0.0": "failed"}
    assert "reconciler retry fail@1.0.0" in held.items["fail@1.0.0"]["reasons"][0]["message"]
    assert relay.posts == posts


def test_a_failed_model_is_not_deleted_unless_somebody_agrees(fleet: Fleet, relay: Relay) -> None:
    """Without a terminal to ask: exit code 2, --yes is named, nothing is deleted."""
    fleet("apply")
    done = fleet("retry", "fail@1.0.0")
    assert (done.code, done.out) == (2, "")
    assert "--yes" in done.err
    assert len(relay.models()) == 2
    assert not any(request.method == "DELETE" for request in relay.requests)


def test_with_yes_the_failed_model_is_deleted_and_imported_again(fleet: Fleet, relay: Relay) -> None:
    """One delete, one import, and nothing else is touched; the report is about that model."""
    fleet("apply")
    before = {model["model_name"]: model["model_id"] for model in relay.models()}
    done = fleet.json("retry", "fail@1.0.0", "--yes")
    after = {model["model_name"]: model["model_id"] for model in relay.models()}
    assert (done.code, done.verdicts) == (1, {"fail@1.0.0": "failed"})
    assert done.items["fail@1.0.0"]["model_id"] == after["fail"] != before["fail"]
    assert after["a"] == before["a"]
    assert [r.method for r in relay.requests].count("DELETE") == 1
    events = [event["event"] for event in fleet.json("history", "fail").json[0]["events"]]
    assert events.count("deleted") == 1
    assert events.count("import-requested") == 2


@pytest.mark.parametrize(("answer", "deletes"), [("y\n", 1), ("n\n", 0), ("\x03", 0)])
def test_on_a_terminal_it_asks(fleet: Fleet, relay: Relay, answer: str, deletes: int) -> None:
    """Yes goes on; no, and Ctrl-C, leave everything as it is."""
    fleet("apply")
    parent, child = pty.openpty()
    try:
        with fleet.spawn(
            "retry", "fail@1.0.0", stdin=child, start_new_session=True, preexec_fn=own_terminal
        ) as process:
            assert process.stderr is not None
            assert "Delete the failed model" in process.stderr.read(60)
            os.write(parent, answer.encode())
            process.communicate(timeout=30)
    finally:
        os.close(parent)
        os.close(child)
    assert [r.method for r in relay.requests].count("DELETE") == deletes
    assert process.returncode != 0


def test_a_rejected_model_is_released_without_deleting(fleet: Fleet, relay: Relay) -> None:
    """It was never made; what the registry said is told until then."""
    relay.meddle = _refusing
    rejected = fleet.json("apply")
    assert (rejected.code, rejected.verdicts["a@1.0.0"]) == (1, "failed")
    assert "no such bucket" in rejected.items["a@1.0.0"]["reasons"][0]["message"]
    posts = relay.posts
    relay.meddle = lambda _, forward: forward()
    assert fleet.json("apply").verdicts["a@1.0.0"] == "failed"
    assert relay.posts == posts
    released = fleet.json("retry", "a@1.0.0")
    assert (released.code, released.verdicts) == (0, {"a@1.0.0": "in-sync"})
    assert relay.posts == posts + 1


def test_a_rejected_model_is_tried_again_when_its_manifest_changes(fleet: Fleet, relay: Relay) -> None:
    """New content is a new attempt, without any command."""
    relay.meddle = _refusing
    fleet("apply")
    relay.meddle = lambda _, forward: forward()
    fleet.commit({"models.d/a-1.0.0.yaml": manifest("a@1.0.0", description="corrected")})
    assert fleet.json("apply").verdicts["a@1.0.0"] == "in-sync"


def test_a_missing_model_is_imported_again(fleet: Fleet, relay: Relay) -> None:
    """Deleted in the registry: reported, left alone, and imported on request."""
    fleet("apply")
    relay.delete("a")
    posts = relay.posts
    assert fleet.json("apply").verdicts["a@1.0.0"] == "missing"
    assert relay.posts == posts
    done = fleet.json("retry", "a@1.0.0")
    assert (done.code, done.verdicts) == (0, {"a@1.0.0": "in-sync"})
    assert relay.posts == posts + 1


def test_a_model_that_has_not_failed_is_left_alone(fleet: Fleet, relay: Relay) -> None:
    """Exit code 1, and what to do with new content."""
    fleet("apply")
    requests = len(relay.requests)
    done = fleet("retry", "a@1.0.0")
    assert (done.code, done.out) == (1, "")
    assert "nothing to retry" in done.err
    assert {request.method for request in relay.requests[requests:]} == {"GET"}


def test_a_name_that_nobody_declares_is_a_mistake(fleet: Fleet) -> None:
    """Exit code 2; nothing is deleted that would not be imported again."""
    fleet("apply")
    fleet.commit({"models.d/fail-1.0.0.yaml": None})
    for name in ("nobody@1.0.0", "a@9.9.9", "fail@1.0.0"):
        done = fleet("retry", name, "--yes")
        assert (done.code, "no manifest declares it" in done.err) == (1, True)


def test_a_model_that_is_declared_and_cannot_be_imported_is_told_why(fleet: Fleet) -> None:
    """In conflict, or invalid: exit code 1, as of any other command, with place and cause."""
    odd = manifest("odd@1.0.0").replace("TensorFlow", "Nonsense")
    fleet.commit({"models.d/again.yaml": manifest("a@1.0.0"), "models.d/odd.yaml": odd})
    conflict, invalid = fleet("retry", "a@1.0.0"), fleet("retry", "odd@1.0.0")
    assert (conflict.code, invalid.code) == (1, 1)
    assert "models.d/again.yaml:1" in conflict.err
    assert "a@1.0.0 is declared 2 times" in conflict.err
    assert "models.d/odd.yaml:3: model_type" in invalid.err


def test_a_model_that_was_never_tried_is_simply_imported(fleet: Fleet, relay: Relay) -> None:
    """Only that one."""
    assert fleet.json("retry", "a@1.0.0").verdicts == {"a@1.0.0": "in-sync"}
    assert [model["model_name"] for model in relay.models()] == ["a"]


def test_an_import_with_an_unknown_outcome_is_settled_and_not_repeated(fleet: Fleet, relay: Relay) -> None:
    """It was made, although the answer was lost and the registry was away: found, not sent again."""

    def losing(request: Request, forward: Callable[[], Answer]) -> Answer:
        lost = request.method == "POST" and b'"a"' in request.body
        if lost:
            forward()
        return CUT if lost or relay.posts else forward()

    fleet.commit({"models.d/fail-1.0.0.yaml": None})
    fleet.configure(modelarts(relay.url, more='timeout = "2s"'))
    relay.meddle = losing
    fleet("apply")
    relay.meddle = lambda _, forward: forward()
    assert fleet.json("retry", "a@1.0.0").verdicts == {"a@1.0.0": "in-sync"}
    assert (relay.posts, len(relay.models())) == (1, 1)


def test_only_the_target_that_holds_the_model_back_is_concerned(fleet: Fleet, relay: Relay) -> None:
    """In sync in one, failed in the other."""
    both = modelarts(relay.url) + modelarts(relay.url, name="test").replace(FOLLOW, "")
    fleet.configure(both)
    fleet("apply")
    relay.delete("a", "test")
    fleet("apply")
    done = fleet.json("retry", "a@1.0.0")
    assert {(item["target"], item["verdict"]) for item in done.json["items"]} == {
        ("prod", "in-sync"),
        ("test", "in-sync"),
    }
    assert len(relay.models("test")) == 2
