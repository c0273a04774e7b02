"""The embedded registry against its own OpenAPI document: whatever is sent, it does not break."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok

from reconciler.embedded import AccountKeys, EmbeddedSettings, User, running
from tests.effort import examples

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.long

SETTINGS = {
    "open": EmbeddedSettings(publish_seconds=0),
    "guarded": EmbeddedSettings(
        edition="current",
        auth=AccountKeys(access_keys={"AK": "SK"}, users=(User("robot", "pw", "acme"),)),
    ),
}
OPERATIONS = [
    "POST /v1/{project_id}/models",
    "GET /v1/{project_id}/models",
    "GET /v1/{project_id}/models/ai-engine-runtimes",
    "GET /v1/{project_id}/models/template",
    "GET /v1/{project_id}/models/{model_id}",
    "DELETE /v1/{project_id}/models/{model_id}",
    "GET /healthz",
]
LOGIN = ["POST /v3/auth/tokens", "GET /v3/projects", "GET /v3/auth/projects"]


IMPORT = "POST /v1/{project_id}/models"


@pytest.fixture(scope="module", params=SETTINGS)
def operations(request: pytest.FixtureRequest) -> Iterator[dict[str, Any]]:
    """Every operation of the document, of a registry that lets everybody in and of one that does not."""
    with running(SETTINGS[request.param]) as url:
        schema = schemathesis.openapi.from_url(f"{url}/openapi.json")
        results = [result.ok() for result in schema.get_all_operations() if isinstance(result, Ok)]
        yield {operation.label: operation for operation in results}


def hold(strategy: Any, number: int) -> None:
    """Sends so many requests of a strategy over the socket; no answer may be a server's error."""

    @hypothesis.settings(
        max_examples=examples(number),
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @hypothesis.given(strategy)
    def send(case: Any) -> None:
        case.validate_response(case.call(), checks=[not_a_server_error])

    send()


@pytest.mark.parametrize("label", [*OPERATIONS, *LOGIN])
def test_no_request_makes_a_server_error(operations: dict[str, Any], label: str) -> None:
    """Requests that fit the document, of every shape that it allows: each answer is below 500."""
    if label not in operations or (label == IMPORT and set(LOGIN) <= set(operations)):
        return  # a body is not looked at before who sends it
    hold(operations[label].as_strategy(), 2 if label == IMPORT else 10)


@pytest.mark.parametrize("label", OPERATIONS)
def test_no_request_that_breaks_the_document_makes_a_server_error(
    operations: dict[str, Any], label: str
) -> None:
    """Wrong types, missing members, odd parameters: refused, never an error of the server."""
    if label == IMPORT and set(LOGIN) <= set(operations):
        return
    strategy = operations[label].as_strategy(generation_mode=schemathesis.GenerationMode.NEGATIVE)
    with contextlib.suppress(hypothesis.errors.Unsatisfiable):  # nothing about it can be wrong
        hold(strategy, 4 if label == IMPORT else 10)


def test_no_operation_of_the_document_is_left_out(operations: dict[str, Any]) -> None:
    """A new route is noticed."""
    assert set(OPERATIONS) <= set(operations) <= {*OPERATIONS, *LOGIN}
