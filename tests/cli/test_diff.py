"""`diff`: both sides of a model, field by field, in every target."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from reconciler.embedded import EmbeddedSettings, running
from tests.program import EMBEDDED, FOLLOW, manifest, modelarts
from tests.relay import Answer, relayed

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.program import Fleet
    from tests.relay import Request

DIFF = ["version", "commit", "failures", "items"]
ITEM = [
    *("target", "model_name", "model_version", "result", "verdict", "path", "line", "model_id"),
    *("model_status", "reasons", "diff", "fields"),
]
FIELD = ["field", "declared", "registered", "state"]


def test_equal_sides_are_exit_code_0_with_each_field(fleet: Fleet) -> None:
    """What both say, what only the manifest says, and what the service filled in."""
    fleet.commit({"models.d/a-1.0.0.yaml": manifest("a@1.0.0", input_params=[], description="one")})
    fleet("apply")
    done = fleet.json("diff", "a@1.0.0")
    assert (done.code, done.err, list(done.json)) == (0, "", DIFF)
    (item,) = done.json["items"]
    assert list(item) == ITEM
    assert (item["result"], item["verdict"], item["diff"]) == ("equal", "in-sync", [])
    assert (item["path"], item["line"], item["model_status"]) == ("models.d/a-1.0.0.yaml", 1, "published")
    assert {tuple(field) for field in item["fields"]} == {tuple(FIELD)}
    states = {field["field"]: field["state"] for field in item["fields"]}
    assert states["description"] == "equal"
    assert states["runtime"] == "not-declared"
    shown = fleet("diff", "a@1.0.0").out
    assert shown.startswith(
        "a@1.0.0  (local): equal\n  declared in models.d/a-1.0.0.yaml:1\n  registered as "
    )
    assert "  = description      one\n" in shown
    assert "  + runtime          python2.7 (registered only)\n" in shown


def test_a_field_taken_out_of_a_manifest_differs(fleet: Fleet) -> None:
    """What is registered alone is told as the other side of it."""
    fleet.commit({"models.d/a-1.0.0.yaml": manifest("a@1.0.0", description="one")})
    fleet("apply")
    fleet.commit({"models.d/a-1.0.0.yaml": manifest("a@1.0.0")})
    (item,) = fleet.json("diff", "a@1.0.0").json["items"]
    assert (item["result"], item["verdict"]) == ("differs", "drifted")
    assert item["diff"] == [{"field": "description", "declared": None, "registered": "one"}]
    description = {field["field"]: field for field in item["fields"]}["description"]
    assert (description["declared"], description["registered"], description["state"]) == (
        None,
        "one",
        "differs",
    )


def test_differing_sides_are_exit_code_1_down_to_the_value(fleet: Fleet) -> None:
    """With the advice that a plan gives, and the same differences."""
    config = {"model_algorithm": "x", "metrics": {"f1": 0.5}}
    fleet.commit({"models.d/a-1.0.0.yaml": manifest("a@1.0.0", initial_config=config)})
    fleet("apply")
    config["metrics"] = {"f1": 0.75}
    fleet.commit({"models.d/a-1.0.0.yaml": manifest("a@1.0.0", initial_config=config, description="new")})
    done = fleet.json("diff", "a@1.0.0")
    (item,) = done.json["items"]
    assert (done.code, item["result"], item["verdict"]) == (1, "differs", "drifted")
    assert item["diff"] == fleet.json("plan", "a@1.0.0").items["a@1.0.0"]["diff"]
    assert {change["field"] for change in item["diff"]} == {"description", "initial_config.metrics.f1"}
    shown = fleet("diff", "a@1.0.0").out
    assert '  ~ description      new in git, "" in the registry\n' in shown
    assert "      initial_config.metrics.f1: 0.75 in git, 0.5 in the registry\n" in shown
    assert "declare the new content as version 1.0.1" in shown


def test_a_failed_model_with_other_content_differs(fleet: Fleet) -> None:
    """The planner says failed, and does not compare; this command does."""
    fleet.configure(EMBEDDED)
    with running(EmbeddedSettings(publish_seconds=0, fail_pattern="a")) as url:
        fleet.configure(modelarts(url))
        fleet("apply")
        assert fleet("diff", "a@1.0.0").code == 0
        fleet.commit({"models.d/a-1.0.0.yaml": manifest("a@1.0.0", description="new")})
        (item,) = fleet.json("diff", "a@1.0.0").json["items"]
    assert (item["result"], item["verdict"]) == ("differs", "failed")


def test_an_absent_side_is_exit_code_1(fleet: Fleet) -> None:
    """Declared only, registered only, declared twice, neither."""
    (item,) = fleet.json("diff", "a@1.0.0").json["items"]
    assert (fleet("diff", "a@1.0.0").code, item["result"]) == (1, "not-registered")
    assert {field["state"] for field in item["fields"]} == {"not-registered"}
    fleet("apply")
    fleet.commit({"models.d/a-1.0.0.yaml": None, "models.d/b.yaml": manifest("b@2.0.0")})
    runs = {name: fleet.json("diff", name) for name in ("a@1.0.0", "b@2.0.0", "c@1.0.0")}
    assert {done.code for done in runs.values()} == {1}
    assert [done.json["items"][0]["result"] for done in runs.values()] == [
        "not-declared",
        "unusable",
        "absent",
    ]
    assert "is declared 2 times" in fleet("diff", "b@2.0.0").out


def test_every_target_has_a_section_and_one_without_the_model_is_no_difference(fleet: Fleet) -> None:
    """Promotion: declared for the first target alone, and equal there."""
    fleet.configure(
        f'[targets.one]\nkind = "embedded"\npublish_seconds = 0\n'
        f'[targets.two]\nkind = "embedded"\npublish_seconds = 0\npath = "two.d"\n{FOLLOW}'
    )
    fleet.declare("b@1.0.0", folder="two.d")
    fleet("apply")
    done = fleet.json("diff", "a@1.0.0")
    assert (done.code, [(i["target"], i["result"]) for i in done.json["items"]]) == (
        0,
        [("one", "equal"), ("two", "absent")],
    )
    assert fleet("diff", "a@1.0.0", "--target", "two").code == 1
    titles = [line for line in fleet("diff", "b").out.splitlines() if not line.startswith(" ") and line]
    assert titles == ["b@2.0.0  (one): equal", "b@1.0.0  (two): equal"]


def test_a_registry_that_gives_no_detail_is_exit_code_3(fleet: Fleet) -> None:
    """A message, and no section that would look like an answer."""
    with relayed() as relay:
        fleet.configure(modelarts(relay.url))
        fleet("apply")
        relay.meddle = _no_detail
        done = fleet.json("diff", "a@1.0.0")
    assert (done.code, done.json["items"], len(done.json["failures"])) == (3, [], 1)
    assert "error: target prod: permission is refused" in done.err


def test_diff_writes_nothing_and_sends_nothing_but_reads(fleet: Fleet) -> None:
    """Also where there is no state yet."""
    before = fleet.files()
    fleet("diff", "a@1.0.0")
    assert fleet.files() == before
    assert fleet("diff", "@1.0.0").code == 2
    assert fleet("diff", "nobody").err == "error: nobody: no such model is declared or remembered\n"


def _no_detail(request: Request, forward: Callable[[], Answer]) -> Answer:
    answer = forward()
    is_detail = (
        request.method == "GET" and b'"model_id"' in answer.body and "models" not in json.loads(answer.body)
    )
    return Answer(403, b"{}") if is_detail else answer
