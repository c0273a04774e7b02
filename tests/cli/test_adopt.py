"""`adopt`: what is registered becomes manifests that change nothing."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.app.adoption import Adopted
from reconciler.cli.adopt import progress
from reconciler.contract.catalogue import EDITIONS
from tests.git_repository import GitRepository
from tests.program import Program, manifest, modelarts
from tests.relay import relayed, said

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.program import Fleet
    from tests.relay import Answer, Relay, Request

_CONFIG = {
    "model_algorithm": "object_detection",
    "model_type": "TensorFlow",
    "metrics": {"f1": 0.5, "recall": 0.25, "precision": 0.5, "accuracy": 0.75},
}
_RICH = {
    "description": "no: 1.0",
    "initial_config": json.dumps(_CONFIG),
    "model_metrics": json.dumps(_CONFIG["metrics"]),
    "dependencies": [
        {
            "installer": "pip",
            "packages": [{"package_name": "numpy", "package_version": "1.5.0", "restraint": "ATLEAST"}],
        }
    ],
    "model_docs": [{"doc_name": "guide", "doc_url": "https://example.com/guide"}],
}


@pytest.mark.parametrize("where", ["", "a"])
@pytest.mark.parametrize("inside", [False, True])
def test_nothing_is_adopted_through_a_link(fleet: Fleet, tmp_path: Path, where: str, inside: bool) -> None:
    """No commit would have it: the target's directory or one below it, within the repository or not."""
    with relayed() as relay:
        _day_one(fleet, relay, "seed-2019")
        _add(relay, "a@1.0.0")
        elsewhere = (fleet.folder if inside else tmp_path) / "elsewhere"
        elsewhere.mkdir()
        link = fleet.folder / "models.d" / where
        if not where:
            shutil.rmtree(link, ignore_errors=True)
        link.parent.mkdir(exist_ok=True)
        link.symlink_to(elsewhere)
        done = fleet("adopt")
        assert (done.code, done.out) == (1, "adopted 0: 0 to import, 0 drifted\n")
        assert f"{link} is a symbolic link" in done.err
        assert list(elsewhere.iterdir()) == []


@pytest.mark.parametrize("edition", EDITIONS)
def test_adopting_changes_nothing_in_any_edition(fleet: Fleet, edition: str) -> None:
    """What others imported is adopted and committed, and a plan has nothing to do; nothing was sent."""
    with relayed(edition=edition) as relay:
        _day_one(fleet, relay, edition)
        _add(relay, "Rich_1@1.0.10", **_RICH)
        _add(relay, "a@1.0.0")
        _add(relay, "a@2.0.0", description="true")
        done = fleet("adopt")
        assert (done.code, done.out) == (0, "adopted 3: 0 to import, 0 drifted\n")
        paths = ["models.d/Rich_1/1.0.10.yaml", "models.d/a/1.0.0.yaml", "models.d/a/2.0.0.yaml"]
        before = fleet.files()
        assert sorted(path for path in before if path.endswith(".yaml")) == paths
        again = fleet("adopt")
        assert (again.code, again.out) == (0, "adopted 0: 0 to import, 0 drifted\n")
        assert fleet.files() == before
        fleet.commit({path: (fleet.folder / path).read_bytes() for path in paths})
        assert fleet.json("plan").verdicts == dict.fromkeys(
            ("Rich_1@1.0.10", "a@1.0.0", "a@2.0.0"), "in-sync"
        )
        states = {field["field"]: field["state"] for field in _fields(fleet, "Rich_1@1.0.10")}
        assert {states[name] for name in _RICH} == {"equal"}
        assert fleet("adopt").out == "adopted 0: 0 to import, 0 drifted\n"
    assert relay.posts == 0


def test_a_model_that_cannot_be_adopted_is_left_out_and_said(fleet: Fleet) -> None:
    """A description too long for the edition, a file that is there: exit code 1; the rest is written."""
    with relayed() as relay:
        _day_one(fleet, relay)
        for model in ("a@1.0.0", "b@1.0.0", "_c@1.0.0"):
            _add(relay, model)
        relay.meddle = _with_description("b", "x" * 200)
        (fleet.folder / "models.d" / "a").mkdir(parents=True)
        own = fleet.folder / "models.d" / "a" / "1.0.0.yaml"
        own.write_text("mine", "utf-8")
        done = fleet.json("adopt")
    assert (done.code, own.read_text("utf-8"), relay.posts) == (1, "mine", 0)
    assert [item["model_name"] for item in done.json["adopted"]] == ["_c"]
    assert {item["model_name"]: item["reason"].partition(": ")[2][:11] for item in done.json["left_out"]} == {
        "a": "is there al",
        "b": "description",
    }
    assert list((fleet.folder / "models.d").glob("c/1.0.0-*.yaml"))


def test_names_are_chosen_by_pattern_and_shown_without_a_file(fleet: Fleet) -> None:
    """`unmanaged` names the command; --stdout is valid YAML documents, and writes nothing."""
    with relayed() as relay:
        _day_one(fleet, relay)
        for model in ("cat-1@1.0.0", "dog@1.0.0"):
            _add(relay, model)
        before = fleet.files()
        done = fleet("adopt", "cat-*", "--stdout", "--quiet")
        assert (done.code, fleet.files(), done.err) == (0, before, "adopted 1: 0 to import, 0 drifted\n")
        fleet.commit({"models.d/cats.yaml": done.out})
        items = fleet.json("plan").items
        assert items["cat-1@1.0.0"]["verdict"] == "in-sync"
        assert "`reconciler adopt`" in items["dog@1.0.0"]["reasons"][0]["message"]
        assert fleet("adopt", "--stdout", "--out", "x").code == 2
        assert "a name like 'bird-*'" in fleet("adopt", "bird-*").err
        assert fleet("adopt", "--out", "elsewhere").code == 0
        assert (fleet.folder / "elsewhere/dog/1.0.0.yaml").is_file()


@pytest.mark.parametrize(("took", "more"), [(25.0, "; about 8 min more"), (3.0, "")])
def test_a_long_run_says_how_much_is_left(took: float, more: str) -> None:
    """By what it took so far; minutes are told, and less than one is not."""
    batch = Adopted("prod", "models.d", [], {}, done=500, total=10_000, took=took)
    assert progress(batch) == f"prod: 500 of 10000 models looked at{more}"


def test_adopting_comes_before_the_first_commit_too(tmp_path: Path) -> None:
    """`init`, `adopt`, one commit: the plan has nothing to do."""
    program = Program(tmp_path)
    repository = GitRepository(tmp_path)
    with relayed() as relay:
        program.configure(modelarts(relay.url))
        _add(relay, "a@1.0.0")
        assert program("init").code == 0
        done = program("adopt")
        assert (done.code, done.out) == (0, "adopted 1: 0 to import, 0 drifted\n")
        repository.git("add", "--all")
        repository.git("commit", "--quiet", "--message", "Begin")
        assert program.json("plan").verdicts == {"a@1.0.0": "in-sync"}
    assert relay.posts == 0


def test_nothing_is_adopted_while_a_manifest_cannot_be_read(fleet: Fleet) -> None:
    """It could declare any of them."""
    with relayed() as relay:
        _day_one(fleet, relay)
        _add(relay, "a@1.0.0")
        fleet.commit({"models.d/broken.yaml": "model_name: [\n"})
        done = fleet("adopt")
    assert (done.code, done.out) == (1, "")
    assert "models.d/broken.yaml: cannot be read" in done.err


def _with_description(name: str, text: str) -> Callable[[Request, Callable[[], Answer]], Answer]:
    def meddle(_request: Request, forward: Callable[[], Answer]) -> Answer:
        answer = forward()
        body = json.loads(answer.body)
        return said(answer.status, body | {"description": text}) if body.get("model_name") == name else answer

    return meddle


def _fields(fleet: Fleet, model: str) -> list[dict[str, Any]]:
    (item,) = fleet.json("diff", model).json["items"]
    fields: list[dict[str, Any]] = item["fields"]
    return fields


def _day_one(fleet: Fleet, relay: Relay, edition: str = "seed-2019") -> None:
    """A repository that declares nothing yet."""
    fleet.configure(modelarts(relay.url, more=f'edition = "{edition}"'))
    fleet.commit({"models.d/a-1.0.0.yaml": None, "models.d/b-2.0.0.yaml": None})


def _add(relay: Relay, model: str, **fields: Any) -> None:
    relay.add({key: json.loads(value) for key, _, value in _lines(model, fields)})


def _lines(model: str, fields: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [line.partition(": ") for line in manifest(model, **fields).splitlines()]
