"""The table of vendor codes: the document is what the code decides by, and what it says is what happens."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.embedded import EmbeddedSettings, Faults, running
from reconciler.registry.codes import ERROR_RULES, Action
from tests.vendor.code_table import document
from tests.vendor.logins import NOBODY, QUICK, fleet_of, target

if TYPE_CHECKING:
    from tests.program import Fleet

DOCUMENT = Path(__file__).parents[2] / "docs" / "vendor-errors.md"


def test_the_document_is_what_the_code_decides_by() -> None:
    """Made anew by `python -m tests.vendor.code_table`, it is the same."""
    assert DOCUMENT.read_text("utf-8") == document()


def test_every_code_and_action_has_its_row() -> None:
    """None is left out, none has an empty meaning, and each action is explained."""
    rows = [line.strip("| ").split(" | ") for line in document().splitlines() if line.startswith("| ")]
    firsts = [row[0] for row in rows]
    assert set(ERROR_RULES) <= set(firsts)
    assert {f"`{action}`" for action in Action} <= set(firsts)
    assert all(row[1] for row in rows)


SEEN = [
    (Action.REJECT, 400, "ModelArts.3037", "failed", 1),
    (Action.REJECT, 500, "ModelArts.3043", "failed", 1),
    (Action.WAIT, 429, "APIG.0308", "waiting", 5),
    (Action.WAIT, 503, "ModelArts.4302", "waiting", 5),
    (Action.LATER, 500, "ModelArts.3065", "waiting", 5),
    (Action.STOP_TARGET, 403, "ModelArts.0108", "waiting", 3),
    (Action.RENEW, 401, "ModelArts.0202", "waiting", 3),
    (Action.WRONG_ENDPOINT, 404, "APIG.0101", "waiting", 3),
]


@pytest.mark.parametrize("seen", SEEN, ids=lambda seen: f"{seen[0]} {seen[2]}")
def test_an_import_refused_with_a_code_ends_as_the_table_says(
    seen: tuple[Action, int, str, str, int], tmp_path: Path
) -> None:
    """Refused before it is carried out: held, left to later, or the target stopped; the code is told."""
    action, status, code, verdict, exit_code = seen
    assert ERROR_RULES[code].action is action
    rule: dict[str, Any] = {"method": "POST", "action": "reply", "moment": "before", "status": status}
    with running(_failing(rule | {"code": code})) as url:
        fleet = _fleet(tmp_path, url)
        done = fleet("apply", "--output", "json")
        verdicts = fleet("status", "--output", "json").verdicts
    assert done.code == exit_code, done.err
    assert verdicts == {"a@1.0.0": verdict}
    assert code in done.out + done.err


@pytest.mark.parametrize(
    ("status", "code"), [(500, "ModelArts.0010"), (500, "ModelArts.3006"), (504, "APIG.0201")]
)
@pytest.mark.parametrize("moment", ["before", "after"])
def test_an_import_whose_fate_a_code_leaves_open_is_settled_by_looking(
    status: int, code: str, moment: str, tmp_path: Path
) -> None:
    """Carried out or not: looked for, then adopted or sent again; registered once, and nobody is needed."""
    rule = {"method": "POST", "action": "reply", "moment": moment, "status": status, "code": code, "times": 1}
    with running(_failing(rule)) as url:
        fleet = _fleet(tmp_path, url)
        done = fleet("apply", "--output", "json")
        (row,) = fleet("history", "--output", "json").json
    assert (done.code, done.verdicts) == (0, {"a@1.0.0": "in-sync"})
    sent = sum(event["event"] == "import-requested" for event in row["events"])
    assert sent == (1 if moment == "after" else 2)


def _failing(rule: dict[str, Any]) -> EmbeddedSettings:
    return EmbeddedSettings(publish_seconds=0, faults=Faults.model_validate({"rules": [rule]}))


def _fleet(folder: Path, url: str) -> Fleet:
    fleet = fleet_of(folder / "repository", url, NOBODY)
    fleet.configure(target(url, NOBODY, more='timeout = "4s"') + QUICK)
    fleet.declare("a@1.0.0")
    return fleet
