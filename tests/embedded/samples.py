"""Requests that the tests send."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import httpx

PROJECT = "77b6a44cba5143ab91d13ab9a8ff44fd"

_API = {
    "url": "/v1/xxx/image",
    "protocol": "http",
    "method": "post",
    "input_params": {"type": "object", "properties": {"image_url": {"type": "string"}}},
    "output_params": {"type": "object", "properties": {"face_location": {"type": "box"}}},
}

SEED: dict[str, Any] = {
    "model_name": "mnist",
    "model_version": "1.0.0",
    "source_location": "https://models.obs.myhwclouds.com/mnist",
    "source_job_id": "55",
    "source_job_version": "V100",
    "model_type": "TensorFlow",
    "runtime": "python2.7",
    "description": "mnist model",
    "execution_code": "https://testmodel.obs.myhwclouds.com/customize_service.py",
    "input_params": [
        {
            "url": "/v1/xxx/image",
            "protocol": "http",
            "method": "post",
            "param_name": "image_url",
            "param_type": "string",
            "min": 0,
            "max": 9,
            "param_desc": "http://test/test.jpeg",
        }
    ],
    "output_params": [
        {
            "url": "/v1/xxx/image",
            "protocol": "http",
            "method": "post",
            "param_name": "face_location",
            "param_type": "box",
            "param_desc": "face_location param value description",
        }
    ],
    "dependencies": [
        {
            "installer": "pip",
            "packages": [{"package_name": "numpy", "package_version": "1.5.0", "restraint": "ATLEAST"}],
        }
    ],
    "model_algorithm": "object_detection",
    "model_metrics": '{"f1":0.52381,"recall":0.666667,"precision":0.466667,"accuracy":0.625}',
    "apis": [_API],
}
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
