from __future__ import annotations

import json
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from uuid import UUID

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.contract.documents import param
from tests.effort import examples
from tests.embedded.samples import SEED, add, detail, names, project_of, refused, request
from tests.plain_http import NO_TLS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.embedded.conftest import Serve


def test_the_vendors_example_is_accepted_and_answered_with_an_id(serve: Serve) -> None:
    """Status 200 and nothing but a model_id."""
    answer = serve().post("/models", json=SEED)
    assert answer.status_code == 200
    assert list(answer.json()) == ["model_id"]
    assert UUID(answer.json()["model_id"])
    assert answer.headers["X-request-id"]


def test_a_request_is_stored_as_it_was_received(serve: Serve, tmp_path: Path) -> None:
    """Byte for byte, blanks and all, with the id of the call that brought it."""
    body = json.dumps(SEED, indent=3).encode()
    answer = serve(database=tmp_path / "r.db").post("/models", content=body)
    connection = sqlite3.connect(tmp_path / "r.db")
    stored = connection.execute("SELECT request, request_id FROM models").fetchall()
    connection.close()
    assert stored == [(body.decode(), answer.headers["X-request-id"])]


def test_a_taken_pair_is_refused_and_another_version_is_not(serve: Serve) -> None:
    """Contract cases 10 and 11."""
    client = serve()
    first = add(client, "m", "1.0.0")
    assert refused(client.post("/models", json=request("m", "1.0.0"))) == (409, "ModelArts.3002")
    assert add(client, "m", "1.0.1") != first
    assert names(client) == ["m", "m"]


@pytest.mark.parametrize(("unique_within", "status"), [("workspace", 200), ("project", 409)])
def test_whether_another_workspace_may_use_a_taken_pair_is_a_setting(
    serve: Serve, unique_within: str, status: int
) -> None:
    """Nobody publishes the scope."""
    client = serve(unique_within=unique_within)
    add(client)
    assert client.post("/models", json=request(workspace_id="7")).status_code == status


def test_projects_do_not_see_each_other(serve: Serve) -> None:
    """The same pair in two projects; neither lists, shows nor deletes the other's."""
    client = serve()
    model_id = add(client)
    other = str(client.base_url).replace(f"{project_of(client)}/", "other")
    assert client.post(f"{other}/models", json=request()).status_code == 200
    assert client.get(f"{other}/models").json()["count"] == 1
    assert refused(client.get(f"{other}/models/{model_id}")) == (404, "ModelArts.3001")
    assert refused(client.delete(f"{other}/models/{model_id}")) == (404, "ModelArts.3001")


def test_one_of_many_concurrent_imports_of_a_pair_wins(serve: Serve, tmp_path: Path) -> None:
    """32 connections at once: one 200, 31 times 409, one row."""
    client = serve(database=tmp_path / "r.db")

    def post(_: int) -> int:
        return httpx.post(f"{client.base_url}models", json=request(), verify=NO_TLS).status_code

    with ThreadPoolExecutor(32) as pool:
        statuses = list(pool.map(post, range(32)))
    assert sorted(statuses) == [200] + [409] * 31
    assert names(client) == ["m"]


def test_a_project_takes_no_more_models_than_its_quota(serve: Serve) -> None:
    """The code of an insufficient model quota; a deletion makes room."""
    client = serve(quota=1)
    model_id = add(client, "a")
    assert refused(client.post("/models", json=request("b"))) == (400, "ModelArts.3578")
    client.delete(f"/models/{model_id}")
    add(client, "b")


_PACKAGES = [{"installer": "pip", "packages": [{"package_name": "numpy", "package_version": "1"}]}]
_TEMPLATE = {"infer_format": "0", "template_id": "t", "template_inputs": []}


@pytest.mark.parametrize(
    ("edition", "fields", "code"),
    [
        ("seed-2019", {"model_name": None}, "ModelArts.3036"),
        ("seed-2019", {"model_name": "a b"}, "ModelArts.3037"),
        ("seed-2019", {"model_name": "n" * 65}, "ModelArts.3037"),
        ("seed-2019", {"model_name": 7}, "ModelArts.3037"),
        ("seed-2019", {"model_version": "01.0.0"}, "ModelArts.3037"),
        ("seed-2019", {"model_type": "ONNX"}, "ModelArts.3037"),
        ("seed-2019", {"description": "x" * 101}, "ModelArts.3037"),
        ("seed-2019", {"source_location": None}, "ModelArts.3036"),
        ("seed-2019", {"source_location": "https://a b"}, "ModelArts.3017"),
        ("seed-2019", {"initial_config": "{"}, "ModelArts.3015"),
        ("seed-2019", {"initial_config": '{"\\ud800": 1}'}, "ModelArts.3015"),
        ("seed-2019", {"initial_config": '{"\\ud800": null}'}, "ModelArts.3015"),
        ("seed-2019", {"initial_config": '{"health": {"\\ud800": 1}}'}, "ModelArts.3015"),
        ("seed-2019", {"initial_config": f'{{"port": {"9" * 310}}}'}, "ModelArts.3015"),
        ("seed-2019", {"initial_config": f'{{"port": {"9" * 5000}}}'}, "ModelArts.3015"),
        ("seed-2019", {"model_metrics": '{"\\ud800": 1}'}, "ModelArts.3037"),
        ("seed-2019", {"model_metrics": f'{{"f1": {"9" * 310}}}'}, "ModelArts.3037"),
        ("seed-2019", {"apis": '[{"\\ud800": 1}]'}, "ModelArts.3037"),
        ("seed-2019", {"apis": [{"input_params": 10**310}]}, "ModelArts.3037"),
        ("seed-2019", {"input_params": param(min=10**310)}, "ModelArts.3037"),
        ("seed-2019", {"dependencies": _PACKAGES}, "ModelArts.3041"),
        ("current", {"model_type": "Template", "source_location": None}, "ModelArts.3034"),
        ("current", {"model_type": "Template", "template": {"template_inputs": []}}, "ModelArts.3029"),
        (
            "current",
            {
                "model_type": "Template",
                "template": _TEMPLATE | {"template_inputs": [{"input": "a", "input_id": "i"}] * 2},
            },
            "ModelArts.3039",
        ),
    ],
)
def test_a_wrong_request_is_refused_with_the_vendors_code_and_the_field(
    serve: Serve, edition: str, fields: dict[str, Any], code: str
) -> None:
    """Error tables of 2021 and 2025; the message names the field at fault; nothing is registered."""
    client = serve(edition=edition)
    body = {name: value for name, value in (request() | fields).items() if value is not None}
    answer = client.post("/models", json=body)
    assert refused(answer) == (400, code)
    assert any(name in answer.json()["error_msg"] for name in fields)
    assert names(client) == []


def test_an_unknown_key_of_the_configuration_is_refused_by_a_strict_registry_only(serve: Serve) -> None:
    """3016 is documented, and the vendor's own samples have such keys: a switch decides."""
    body = request(initial_config='{"nonsense": 1}')
    assert serve().post("/models", json=body).status_code == 200
    assert refused(serve(strict=True).post("/models", json=body)) == (400, "ModelArts.3016")


def test_all_faults_of_a_request_are_named_at_once(serve: Serve) -> None:
    """Nobody has to send it again to learn of the next."""
    answer = serve().post("/models", json=request("a b", "1", model_type="ONNX"))
    for field in ("model_name", "model_version", "model_type"):
        assert field in answer.json()["error_msg"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'"text"',
        b"\xff\xfe",
        b"\xef\xbb\xbf{}",
        b'{"model_name": NaN}',
        b'{"x": 1e999}',
        b'{"model_name": "\\ud800"}',
        b'{"x":' * 50_000,
        b'{"x":' + b"[" * 100 + b"]" * 100 + b"}",
        b'{"x":' + b"9" * 5000 + b"}",
    ],
)
def test_a_body_that_is_no_json_object_is_refused(serve: Serve, body: bytes) -> None:
    """Code 4105, whatever is wrong with it."""
    assert refused(serve().post("/models", content=body)) == (400, "ModelArts.4105")


def test_a_body_over_12_mebibytes_is_refused_and_one_at_the_limit_is_read(serve: Serve) -> None:
    """Code 4104 with 413; the limit is the vendor's."""
    client = serve()
    limit = 12 * 1024 * 1024
    assert refused(client.post("/models", content=b" " * (limit + 1))) == (413, "ModelArts.4104")
    assert refused(client.post("/models", content=b" " * limit)) == (400, "ModelArts.4105")


def test_fields_nobody_documents_are_accepted_unless_strict(serve: Serve) -> None:
    """Others send `prebuild`, and the service takes it."""
    assert serve().post("/models", json=request(prebuild=True)).status_code == 200
    strict = serve(strict=True).post("/models", json=request(prebuild=True))
    assert refused(strict) == (400, "ModelArts.3037")


def test_what_the_example_does_against_its_tables_is_refused_only_when_strict(serve: Serve) -> None:
    """`box`, and bounds on a string (case 21)."""
    assert serve().post("/models", json=SEED).status_code == 200
    assert serve(strict=True).post("/models", json=SEED).status_code == 400


def test_chinese_names_count_in_characters_where_the_edition_has_them(serve: Serve) -> None:
    """Contract case 3."""
    body = request("手" * 64)
    assert serve().post("/models", json=body).status_code == 200
    assert refused(serve(edition="otc-2024").post("/models", json=body))[0] == 400


_HALF = st.just("\ud800")
_ODD = _HALF | st.sampled_from([10**310, -(10**4000)])
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | _ODD,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text() | _HALF, inner, max_size=3),
    max_leaves=8,
)
_MUTATIONS = st.dictionaries(
    st.sampled_from([*SEED, "initial_config", "workspace_id", "model_docs", "template", "cmd", "health"]),
    _JSON | _JSON.map(json.dumps),
    min_size=1,
    max_size=3,
)


@given(mutation=_MUTATIONS, edition=st.sampled_from(["seed-2019", "current"]))
@settings(
    max_examples=examples(150), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_no_request_brings_the_registry_down(
    registries: dict[str, httpx.Client], mutation: dict[str, Any], edition: str
) -> None:
    """Any JSON in any field is accepted, and then shown, or refused; never an internal error."""
    client = registries[edition]
    answer = client.post("/models", content=json.dumps(SEED | mutation))
    if answer.status_code == 200:
        model_id = answer.json()["model_id"]
        assert detail(client, model_id)["model_id"] == model_id
        assert client.delete(f"/models/{model_id}").status_code == 200
    else:
        assert refused(answer)[0] == 400


@pytest.fixture
def registries(serve: Serve) -> dict[str, httpx.Client]:
    """One registry an edition, used by all examples of a test."""
    return {edition: serve(edition=edition) for edition in ("seed-2019", "current")}
