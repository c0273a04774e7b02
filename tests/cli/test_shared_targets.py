"""Two targets with one registry, or one with a registry a replica, are a warning wherever that is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.program import EMBEDDED, Fleet

if TYPE_CHECKING:
    from pathlib import Path

_REMOTE = """
[targets.{name}]
kind = "modelarts"
endpoint = "http://127.0.0.1:9{slash}"
project_id = "p"
workspace_id = "{workspace}"
path = "{name}.d"
"""
_FIRST = _REMOTE.format(name="a", slash="", workspace="0")
_LOCAL = '[targets.{name}]\nkind = "embedded"\ndatabase = "{database}.db"\n'

SHARED = {
    "remote": _FIRST + _REMOTE.format(name="b", slash="/", workspace="0"),
    "embedded": _LOCAL.format(name="a", database="one") + _LOCAL.format(name="b", database="one"),
}
APART = {
    "remote": _FIRST + _REMOTE.format(name="b", slash="", workspace="7"),
    "embedded": _LOCAL.format(name="a", database="one") + _LOCAL.format(name="b", database="two"),
    "one": EMBEDDED,
}


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    """A repository with a model."""
    made = Fleet(tmp_path / "fleet")
    made.declare("a@1.0.0")
    return made


@pytest.mark.parametrize("kind", SHARED)
def test_two_targets_of_one_registry_are_warned_of(fleet: Fleet, kind: str) -> None:
    """By `doctor` as a finding, and on standard error by what works with the targets."""
    fleet.configure(SHARED[kind])
    (finding,) = (f for f in fleet.json("doctor").json if f["check"] == "config" and f["level"] != "ok")
    assert finding["level"] == "warning"
    assert finding["message"].startswith("targets a and b are one project and workspace")
    for command in ("plan", "apply", "validate"):
        assert "warning: targets a and b are one project and workspace" in fleet(command).err


@pytest.mark.parametrize("kind", APART)
def test_targets_of_several_workspaces_or_databases_are_not(fleet: Fleet, kind: str) -> None:
    """Promotion through several environments is what targets are for."""
    fleet.configure(APART[kind])
    assert "one project and workspace" not in fleet("doctor").out + fleet("plan").err


def test_an_embedded_registry_of_each_replica_is_warned_of(fleet: Fleet) -> None:
    """Replicas share a state in PostgreSQL; the file of an embedded registry lies with one of them."""
    for database, warned in (("", True), ("database = 'here.db'\n", False)):
        fleet.configure(
            _LOCAL.format(name="a", database="x").partition("database")[0]
            + database
            + "[state]\nurl = 'postgresql+psycopg://reconciler@127.0.0.1:9/x'\n"
        )
        warning = "target a is an embedded registry in state.dir, and replicas may share the state"
        assert (warning in fleet("validate").err) is warned


def test_doctor_says_which_page_each_edition_follows_and_when_it_was_checked(fleet: Fleet) -> None:
    """One finding a target; and one manifest is one manifest."""
    fleet.configure(EMBEDDED)
    findings = {f["check"]: f for f in fleet.json("doctor").json}
    assert findings["edition"]["target"] == "local"
    message = "seed-2019 follows the import model page of 2019-12-10; last checked against it on 20"
    assert findings["edition"]["message"].startswith(message)
    assert findings["manifests"]["message"] == "1 manifest: 0 errors, 0 warnings"
    assert fleet("apply").code == 0
    findings = {f["check"]: f for f in fleet.json("doctor").json}
    assert findings["registry"]["message"] == "answers, and lists 1 model"
