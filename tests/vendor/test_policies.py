"""The policies of docs/modelarts.md allow exactly the calls that the commands of a role make."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.program import Fleet, modelarts
from tests.relay import relayed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.relay import Relay, Request

_DOCUMENT = Path(__file__).parents[2] / "docs" / "modelarts.md"
_POLICY = re.compile(r"^```json\n(\{.*?^\})\n```$", re.MULTILINE | re.DOTALL)
_ACTIONS = {
    ("GET", False): "modelarts:model:list",
    ("GET", True): "modelarts:model:get",
    ("POST", False): "modelarts:model:create",
    ("DELETE", True): "modelarts:model:delete",
}
"""By method, and by whether the path names one model: "Model Management Permissions" of the vendor."""


def _policies() -> list[dict[str, Any]]:
    return [json.loads(text) for text in _POLICY.findall(_DOCUMENT.read_text("utf-8"))]


def _actions(requests: list[Request]) -> set[str]:
    asked = [(request.method, request.target.partition("?")[0]) for request in requests]
    paths = [(method, path) for method, path in asked if path != "/"]  # `doctor` looks who is there
    return {_ACTIONS[method, not path.endswith("/models")] for method, path in paths}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[set[str]]]:
    """The actions of each role in the order of the document: who looks, who imports, who tries again."""
    with relayed(fail_pattern="bad") as relay:
        fleet = Fleet(tmp_path_factory.mktemp("policies") / "fleet")
        fleet.configure(modelarts(relay.url))
        fleet.declare("a@1.0.0", "bad@1.0.0")
        imports = _called(relay, fleet, ["apply"])
        looks = _called(relay, fleet, ["plan", "--refresh"], ["doctor"], ["status"], ["history"])
        again = _called(relay, fleet, ["retry", "bad@1.0.0", "--yes"])
        yield [looks, imports, again]


def _called(relay: Relay, fleet: Fleet, *commands: list[str]) -> set[str]:
    relay.requests.clear()
    for command in commands:
        fleet(*command)
    return _actions(relay.requests)


@pytest.mark.parametrize("role", [0, 1, 2], ids=["look", "import", "try again"])
def test_a_policy_allows_what_its_role_calls_and_no_more(made: list[set[str]], role: int) -> None:
    """Each role may do what the one before may, too: whoever imports also plans."""
    (statement,) = _policies()[role]["Statement"]
    assert set(statement["Action"]) == set().union(*made[: role + 1])
    assert statement["Effect"] == "Allow"


def test_every_policy_is_one_of_the_vendors() -> None:
    """Version 1.1, one service each, and OBS apart since it is a global one."""
    policies = _policies()
    services = [{action.partition(":")[0] for action in p["Statement"][0]["Action"]} for p in policies]
    assert services == [{"modelarts"}] * 3 + [{"obs"}]
    assert all(set(policy) == {"Version", "Statement"} and policy["Version"] == "1.1" for policy in policies)
