from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.engine.values import Verdict
from tests.program import Fleet, manifest, modelarts
from tests.relay import Answer, Relay, relayed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.relay import Request

GUARDED = "[guards]\nmax_disappearances = 1\n"


class Clock:
    """The registry's clock."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        """Seconds since the epoch."""
        return self.now


def _busy(request: Request, forward: Callable[[], Answer]) -> Answer:
    if request.method == "POST" and b'"waiting"' in request.body:
        return Answer(429, b"{}", retry_after=600)
    return forward()


@pytest.fixture
def clock() -> Clock:
    """Stands still until it is moved."""
    return Clock()


@pytest.fixture
def relay(clock: Clock) -> Iterator[Relay]:
    """A registry that takes ten of its own seconds to publish, is busy for one model and fails another."""
    with relayed(publish_seconds=10.0, clock=clock, fail_pattern="failed") as server:
        server.meddle = _busy
        yield server


@pytest.fixture
def fleet(tmp_path: Path, relay: Relay) -> Fleet:
    """A repository with nothing in it yet."""
    made = Fleet(tmp_path / "fleet")
    made.configure(modelarts(relay.url) + GUARDED)
    return made


def _one_of_each(fleet: Fleet, relay: Relay, clock: Clock) -> None:
    fleet.declare(*(f"{name}@1.0.0" for name in ("in-sync", "failed", "drifted", "missing", "refused")))
    fleet("apply", "--no-wait")
    clock.now += 20
    fleet("apply", "--no-wait")
    relay.delete("missing")
    relay.delete("refused")
    fleet("apply", "--no-wait")
    fleet("retry", "refused@1.0.0")
    fleet.declare("publishing@1.0.0", "waiting@1.0.0")
    fleet("apply", "--no-wait")
    relay.add({"model_name": "unmanaged", "model_version": "1.0.0", "model_type": "TensorFlow",
               "source_location": "https://models.obs.cn-north-4.myhuaweicloud.com/x"})  # fmt: skip
    fleet.commit(
        {
            "models.d/import.yaml": manifest("import@1.0.0"),
            "models.d/drifted-1.0.0.yaml": manifest("drifted@1.0.0", description="new"),
            "models.d/conflict.yaml": manifest("conflict@1.0.0"),
            "models.d/again.yaml": "\n\n" + manifest("conflict@1.0.0"),
            "models.d/invalid.yaml": manifest("invalid@01.0.0"),
        }
    )


def test_one_case_of_each_verdict_at_once(fleet: Fleet, relay: Relay, clock: Clock) -> None:
    """Every word of the design, each with a reason where there is something to say."""
    _one_of_each(fleet, relay, clock)
    plan = fleet.json("plan")
    assert plan.code == 4
    assert plan.json["summary"] == dict.fromkeys((verdict.value for verdict in Verdict), 1)
    assert plan.verdicts == {
        f"{verdict}@{'01.0.0' if verdict is Verdict.INVALID else '1.0.0'}": verdict.value
        for verdict in Verdict
    }
    silent = {title for title, item in plan.items.items() if not item["reasons"]}
    assert silent == {"import@1.0.0", "in-sync@1.0.0", "publishing@1.0.0"}
    reasons = {
        item["verdict"]: item["reasons"][0]["message"] for item in plan.json["items"] if item["reasons"]
    }
    assert "next attempt at" in reasons["waiting"]
    assert "reconciler retry failed@1.0.0" in reasons["failed"]
    assert "version 1.0.1" in reasons["drifted"]
    assert "models.d/conflict.yaml:1" in reasons["conflict"]
    assert "models.d/again.yaml:3" in reasons["conflict"]
    assert "must not start with 0" in reasons["invalid"]
    assert "reconciler retry missing@1.0.0" in reasons["missing"]
    assert "declared nowhere" in reasons["unmanaged"]
    assert "guards.max_disappearances" in reasons["refused"]


def test_the_same_words_in_every_form(fleet: Fleet, relay: Relay, clock: Clock) -> None:
    """Text, Markdown, and what status remembers after an apply."""
    _one_of_each(fleet, relay, clock)
    text, markdown = fleet("plan", "--verbose"), fleet("plan", "--output", "markdown")
    for verdict in Verdict:
        assert f" {verdict} " in text.out
        if verdict is not Verdict.IN_SYNC:
            assert f"| {verdict} |" in markdown.out
    applied = fleet.json("apply", "--no-wait")
    assert applied.verdicts["import@1.0.0"] == "publishing"
    assert fleet.json("status").verdicts == applied.verdicts
    assert fleet("status").code == applied.code == 4


def test_a_changed_manifest_is_drifted_with_the_difference_and_the_next_free_version(
    fleet: Fleet, relay: Relay, clock: Clock
) -> None:
    """Nothing is sent, whatever is asked; restoring the manifest is enough."""
    fleet.declare("m@1.0.0", "m@1.0.1", "m@1.0.2")
    fleet("apply", "--no-wait")
    clock.now += 20
    fleet.commit({"models.d/m-1.0.0.yaml": manifest("m@1.0.0", description="better")})
    for arguments in (["plan"], ["apply"], ["apply", "--refresh"], ["plan"]):
        done = fleet.json(*arguments)
        item = done.items["m@1.0.0"]
        assert (done.code, item["verdict"]) == (1, "drifted")
        assert item["diff"] == [{"field": "description", "declared": "better", "registered": ""}]
        assert "version 1.0.3" in item["reasons"][0]["message"]
    assert relay.posts == 3
    fleet.declare("m@1.0.0")
    assert fleet.json("apply").verdicts["m@1.0.0"] == "in-sync"
    assert relay.posts == 3


def test_two_manifests_for_one_pair_are_both_named_and_neither_is_imported(
    fleet: Fleet, relay: Relay
) -> None:
    """Also when they say the same; the others go on."""
    fleet.declare("a@1.0.0", "b@1.0.0")
    fleet.commit({"models.d/z.yaml": manifest("a@1.0.0")})
    done = fleet.json("apply", "--no-wait")
    assert (done.code, done.verdicts) == (1, {"a@1.0.0": "conflict", "b@1.0.0": "publishing"})
    assert [(reason["path"], reason["line"]) for reason in done.items["a@1.0.0"]["reasons"]] == [
        ("models.d/a-1.0.0.yaml", 1),
        ("models.d/z.yaml", 1),
    ]
    assert [model["model_name"] for model in relay.models()] == ["b"]


def test_one_bad_manifest_changes_nothing_for_any_other(fleet: Fleet, relay: Relay, clock: Clock) -> None:
    """The good ones are imported; the bad one is imported once it is corrected."""
    fleet.declare("a@1.0.0", "b@1.0.0")
    fleet.commit({"models.d/bad.yaml": "model_name: c\nmodel_vesion: 1.0.0\n"})
    done = fleet.json("apply", "--no-wait")
    assert (done.code, done.json["summary"]["publishing"], done.json["summary"]["invalid"]) == (1, 2, 1)
    fleet.commit({"models.d/bad.yaml": manifest("c@1.0.0")})
    clock.now += 20
    assert fleet.json("apply", "--no-wait").verdicts == {
        "a@1.0.0": "in-sync",
        "b@1.0.0": "in-sync",
        "c@1.0.0": "publishing",
    }
    assert relay.posts == 3


def test_a_busy_registry_is_asked_again_only_when_it_said(fleet: Fleet, relay: Relay) -> None:
    """`Retry-After` is honoured; new content starts anew."""
    fleet.declare("waiting@1.0.0")
    for _ in range(2):
        done = fleet.json("apply", "--no-wait")
        assert done.verdicts == {"waiting@1.0.0": "waiting"}
        assert relay.posts == 1
    fleet.commit({"models.d/waiting-1.0.0.yaml": manifest("waiting@1.0.0", description="x")})
    fleet("apply", "--no-wait")
    assert relay.posts == 2
