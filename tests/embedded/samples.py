"""Requests that the tests send."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.contract.documents import VENDOR_EXAMPLE

if TYPE_CHECKING:
    import httpx

PROJECT = "77b6a44cba5143ab91d13ab9a8ff44fd"

SEED = VENDOR_EXAMPLE
"""The example of the vendor's import page (2019), field for field."""


def project_of(client: httpx.Client) -> str:
    """The project id in a client's base URL."""
    return client.base_url.path.strip("/").rpartition("/")[2]


def request(name: str = "m", version: str = "1.0.0", **fields: Any) -> dict[str, Any]:
    """A small valid request."""
    basic = {
        "model_name": name,
        "model_version": version,
        "model_type": "TensorFlow",
        "source_location": "https://models.obs.cn-north-4.myhuaweicloud.com/m",
    }
    return basic | fields


def add(client: httpx.Client, *arguments: str, **fields: Any) -> str:
    """Imports a model that must be accepted, and gives its id."""
    answer = client.post("/models", json=request(*arguments, **fields))
    assert answer.status_code == 200, answer.text
    model_id: str = answer.json()["model_id"]
    return model_id


def names(client: httpx.Client, **query: Any) -> list[str]:
    """The names of the models a list call gives, in its order."""
    answer = client.get("/models", params=query)
    assert answer.status_code == 200, answer.text
    return [item["model_name"] for item in answer.json()["models"]]


def detail(client: httpx.Client, model_id: str) -> dict[str, Any]:
    """The detail of a model that exists."""
    answer = client.get(f"/models/{model_id}")
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


def refused(answer: httpx.Response) -> tuple[int, str]:
    """Status and vendor's code of a refusal, whose envelope and request id are checked."""
    body = answer.json()
    assert set(body) <= {"error_code", "error_msg", "request_id"}
    assert 8 <= len(body["error_code"]) <= 36
    assert 2 <= len(body["error_msg"]) <= 512
    assert body["error_msg"].isprintable()
    assert answer.headers["X-request-id"]
    return answer.status_code, body["error_code"]
