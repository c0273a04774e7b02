from __future__ import annotations

from typing import TYPE_CHECKING
from unittest import mock

import httpx
import pytest

from tests.program import EMBEDDED, FOLLOW, Fleet, manifest, modelarts
from tests.relay import relayed

if TYPE_CHECKING:
    from pathlib import Path

    from tests.relay import Relay


def _table(url: str, name: str, path: str) -> str:
    return modelarts(url, name=name, path=path).replace(FOLLOW, "")


def test_each_target_has_its_own_directory_registry_and_project(fleet: Fleet, relay: Relay) -> None:
    """One process promotes through three environments; the same pair may stand in each."""
    fleet.commit({"models.d/a-1.0.0.yaml": None, "models.d/b-2.0.0.yaml": None})
    fleet.declare("a@1.0.0", folder="models.d/test")
    fleet.declare("a@1.0.0", "b@1.0.0", folder="models.d/prod")
    fleet.declare("c@1.0.0", folder="elsewhere")
    with relayed() as other:
        fleet.configure(
            _table(relay.url, "test", "models.d/test")
            + _table(other.url, "prod", "models.d/prod")
            + EMBEDDED.replace("[follow]", "path = 'elsewhere'\n[follow]")
        )
        done = fleet.json("apply")
        assert done.code == 0
        assert sorted((item["target"], item["model_name"]) for item in done.json["items"]) == [
            *(("local", "c"), ("prod", "a"), ("prod", "b"), ("test", "a"))
        ]
        assert len(other.models("prod")) == 2
    assert len(relay.models("test")) == 1
    assert relay.models("prod") == []


def test_one_target_that_is_down_does_not_stop_the_other(fleet: Fleet, relay: Relay) -> None:
    """The other's models are imported; exit code 3, and standard error says which target and why."""
    fleet.declare("c@1.0.0", folder="other")
    fleet.configure(_table("http://127.0.0.1:9", "down", "other") + modelarts(relay.url))
    done = fleet.json("apply")
    assert done.code == 3
    assert {(item["target"], item["verdict"]) for item in done.json["items"]} == {("prod", "in-sync")}
    assert "error: target down: " in done.err
    assert len(relay.models()) == 2
    text = fleet("plan")
    assert (text.code, "could not be reconciled" in text.out) == (3, True)
    assert fleet.json("plan", "--target", "prod").code == 0


def test_a_target_whose_directory_is_not_committed_is_told_and_the_other_goes_on(
    fleet: Fleet, relay: Relay
) -> None:
    """Its models are not called unmanaged because of it."""
    fleet.configure(_table(relay.url, "new", "models.new") + modelarts(relay.url))
    relay.add(
        {
            "model_name": "x",
            "model_version": "1.0.0",
            "model_type": "TensorFlow",
            "source_location": "https://models.obs.cn-north-4.myhuaweicloud.com/x",
        },
        "new",
    )
    done = fleet.json("apply")
    assert (done.code, {item["target"] for item in done.json["items"]}) == (3, {"prod"})
    assert "targets.new.path" in done.err
    assert len(relay.models()) == 2


@pytest.mark.parametrize(
    ("command", "goes_on"),
    [
        (("plan",), "a@1.0.0"),
        (("apply",), "a@1.0.0"),
        (("diff", "a"), "a@1.0.0"),
        (("doctor",), "registry (local)"),
        (("adopt",), ""),
        (("retry", "a@1.0.0"), ""),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_a_crash_in_one_target_is_its_failure_and_no_traceback(
    fleet: Fleet, relay: Relay, command: tuple[str, ...], goes_on: str
) -> None:
    """A library raises what nobody expects: what can be told of the other target is told."""
    fleet.configure(modelarts(relay.url) + EMBEDDED.replace(FOLLOW, ""))
    crash = RuntimeError("boom")
    with mock.patch.object(httpx.AsyncHTTPTransport, "handle_async_request", side_effect=crash):
        done = fleet(*command)
    assert done.code == 3
    assert "unexpected RuntimeError: boom" in done.out + done.err
    assert "prod" in next(line for line in (done.out + done.err).splitlines() if "unexpected" in line)
    assert "Traceback" not in done.out + done.err
    assert goes_on in done.out


def test_a_model_moves_to_the_next_environment_by_a_commit(fleet: Fleet, relay: Relay) -> None:
    """Copying the manifest is the promotion."""
    fleet.declare("m@1.0.0", folder="test")
    fleet.configure(_table(relay.url, "test", "test") + modelarts(relay.url))
    fleet("apply")
    fleet.commit({"models.d/m.yaml": manifest("m@1.0.0")}, "Promote m")
    done = fleet("apply")
    assert (done.code, "m@1.0.0 (prod): importing" in done.err, "(test)" in done.err) == (0, True, False)
    rows = fleet.json("history", "m@1.0.0").json
    assert {(row["target"], row["subject"]) for row in rows} == {("test", "Change"), ("prod", "Promote m")}
    assert sum(event["event"] == "imported" for row in rows for event in row["events"]) == 2


def test_a_target_that_was_renamed_is_told_where_its_memory_is(fleet: Fleet, relay: Relay) -> None:
    """By what looks first, until a cycle has given it a memory of its own; everything is adopted."""
    fleet("apply")
    fleet.configure(modelarts(relay.url, name="live").replace("project-live", "project-prod"))
    notice = "2 models of its registry under prod, a target that is not configured any more"
    assert notice in fleet("status").err
    for command in ("plan", "apply"):
        done = fleet(command)
        assert (done.code, notice in done.out) == (0, True)
    assert notice not in fleet("plan").out + fleet("status").err
    assert (len(relay.models()), relay.posts) == (2, 2)


def test_the_history_of_a_target_goes_on_after_it_was_removed(fleet: Fleet, relay: Relay) -> None:
    """What it imported is still registered: everything that its models are asked by leads to the commit."""
    fleet.declare("c@1.0.0", folder="gone.d")
    both = EMBEDDED + _table(relay.url, "gone", "gone.d")
    fleet.configure(both)
    fleet("apply")
    asked = [(), ("c@1.0.0",), ("--commit", "HEAD"), ("--model-id", relay.models("gone")[0]["model_id"])]
    before = [row for row in fleet.json("history").json if row["target"] == "gone"]
    assert before
    fleet.configure(EMBEDDED)
    for question in (*asked, ("--target", "gone")):
        done = fleet.json("history", *question)
        assert (done.code, [row for row in done.json if row["target"] == "gone"]) == (0, before), question
    unknown = fleet("history", "--target", "gnoe")
    assert (unknown.code, "did you mean 'gone'" in unknown.err) == (2, True)


def test_a_state_is_not_used_for_another_registry(fleet: Fleet, relay: Relay, tmp_path: Path) -> None:
    """A target that points elsewhere is told, not guessed at."""
    fleet("apply")
    with relayed() as other:
        fleet.configure(modelarts(other.url))
        done = fleet("apply")
        assert (done.code, done.out) == (3, "")
        assert other.posts == 0
        assert other.url in done.err or "another registry" in done.err
    assert len(relay.models()) == 2
    assert tmp_path.exists()
