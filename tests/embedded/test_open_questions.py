"""What the documents leave open is a setting, and each of its values is an answer of its own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import structlog

from reconciler.embedded import AccountKeys, EmbeddedSettings
from reconciler.errors import ConfigurationError
from tests.embedded.samples import add, detail, names, refused, request

if TYPE_CHECKING:
    from tests.embedded.conftest import Clock, Serve

WITH_IMAGE = request(model_type="Image", dependencies=[{"installer": "pip", "packages": []}])


@pytest.mark.parametrize(
    ("settings", "body", "answer"),
    [
        ({}, request(version="0.0.0"), None),
        ({"zero_version": "refused"}, request(version="0.0.0"), (400, "ModelArts.3037")),
        ({"zero_version": "refused"}, request(version="0.0.1"), None),
        ({}, request(model_type="ONNX"), (400, "ModelArts.3037")),
        ({"type_code": "3053"}, request(model_type="ONNX"), (500, "ModelArts.3053")),
        ({"type_code": "3053"}, request(model_type=7), (400, "ModelArts.3037")),
        ({"field_codes": "0101"}, request(name=""), (400, "ModelArts.0101")),
        ({"field_codes": "0104"}, {"model_name": "m"}, (400, "ModelArts.0104")),
        ({"field_codes": "0107"}, request(version="1"), (400, "ModelArts.0107")),
        ({"field_codes": "0107"}, request(initial_config="{"), (400, "ModelArts.3015")),
        ({}, WITH_IMAGE, None),
        ({"content_errors": "at-once"}, WITH_IMAGE, (400, "ModelArts.3015")),
        ({"content_errors": "at-once"}, request(), None),
    ],
)
def test_an_import_is_answered_as_the_setting_says(
    serve: Serve, settings: dict[str, Any], body: dict[str, Any], answer: tuple[int, str] | None
) -> None:
    """Accepted, or refused with that status and code."""
    said = serve(**settings).post("/models", json=body)
    assert (None if said.status_code == 200 else refused(said)) == answer


def test_a_boolean_source_copy_is_refused_only_when_strict(serve: Serve) -> None:
    """The tables type it as text."""
    body = request(model_type="Image", source_copy=True)
    assert serve(edition="current").post("/models", json=body).status_code == 200
    strict = serve(edition="current", strict=True)
    assert refused(strict.post("/models", json=body)) == (400, "ModelArts.3037")


@pytest.mark.parametrize(("status", "code"), [(404, "ModelArts.3001"), (400, "ModelArts.0107")])
def test_an_id_that_cannot_be_one_is_unknown_or_wrong(serve: Serve, status: int, code: str) -> None:
    """To show and to delete."""
    client = serve(malformed_id=status)
    assert refused(client.get("/models/nonsense")) == (status, code)
    assert refused(client.delete("/models/nonsense")) == (status, code)
    assert refused(client.get(f"/models/{'0' * 8}-0000-0000-0000-{'0' * 12}"))[0] == 404


@pytest.mark.parametrize("order", ["oldest", "newest"])
def test_a_cascade_begins_at_either_end(serve: Serve, order: str) -> None:
    """Twenty in all, the named one among them."""
    client = serve(cascade_order=order)
    ids = [add(client, "m", f"1.0.{number}") for number in range(22)]
    client.delete(f"/models/{ids[10]}", params={"cascade": "true"})
    left = [item["model_version"] for item in client.get("/models", params={"order": "asc"}).json()["models"]]
    assert left == (["1.0.20", "1.0.21"] if order == "oldest" else ["1.0.0", "1.0.1"])


def test_an_import_under_way_may_be_called_anything(serve: Serve, clock: Clock) -> None:
    """Until it is final."""
    client = serve(pending_status="foo", publish_seconds=10.0)
    model_id = add(client)
    assert detail(client, model_id)["model_status"] == "foo"
    assert client.get("/models").json()["models"][0]["model_status"] == "foo"
    clock.now += 11
    assert detail(client, model_id)["model_status"] == "published"
    assert names(client) == ["m"]


@pytest.mark.parametrize("name", ["offset_mode", "zero_version", "malformed_id", "cascade_order"])
def test_an_answer_that_is_none_is_refused(name: str) -> None:
    """With those that there are."""
    settings: dict[str, Any] = {name: "x"}
    with pytest.raises(ConfigurationError, match=f"{name} is 'x': give .* or "):
        EmbeddedSettings(**settings)


def test_every_answer_tells_the_registrys_time_once(serve: Serve, clock: Clock) -> None:
    """Its own clock's, refusals included."""
    client = serve()
    for path in ("/models", "/models/nonsense"):
        (date,) = client.get(path).headers.get_list("date")
        assert re.fullmatch(r"\w{3}, \d{2} \w{3} 2027 \d\d:\d\d:\d\d GMT", date), (date, clock.now)


def test_a_refusal_because_of_who_asks_is_logged(serve: Serve) -> None:
    """Request id, status and code; nothing that was sent."""
    with structlog.testing.capture_logs() as lines:
        client = serve(auth=AccountKeys(access_keys={"AK": "SK"}))
        said = client.get("/models", headers={"X-Auth-Token": "canary"})
        assert httpx.codes.is_client_error(said.status_code)
        client.get("/nonsense")
    (line,) = lines
    assert line["event"] == f"request {said.headers['X-request-id']} refused: 401 ModelArts.0203"
