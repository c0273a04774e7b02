"""Comparing a request with a registry's detail: the registry's own doing is never drift, a person's is."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.contract import EDITIONS, comparable, edition
from tests.contract.documents import CONFIG, TEMPLATE, VENDOR_EXAMPLE, as_text, minimal, packages, param
from tests.contract.strategies import documents, unquoted
from tests.effort import examples

PROBE_DEFAULTS = {"protocol": "http", "url": "/health", "period_seconds": "5"}


def registered(request: dict[str, Any]) -> dict[str, Any]:
    """A detail of a model made from `request`, in the manner of section 3 of the API reference."""
    detail: dict[str, Any] = {
        "model_id": "10eb0091-887f-4839-9929-cbc884f1e20e", "create_at": 1574000000000, "model_size": 1,
        "model_status": "published", "tenant": "t", "project": "p", "owner": "o", "schema_doc": "",
        "image_address": "", "market_flag": False, "tunable": False, "specification": {}, "labels_map": {},
        "description": "", "runtime": "python2.7", "workspace_id": "0", "source_type": "",
        "model_algorithm": "image_classification", "execution_code": "https://found/by/model/service.py",
        "model_metrics": '{"f1":0.0,"recall":0.0,"precision":0.0,"accuracy":0.0}',
        "install_type": ["realtime", "edge", "batch"], "dependencies": [], "config": "{}", "apis": "[]",
    }  # fmt: skip
    hidden = ("template", "deployment_constraints", "source_job_id", "initial_config", "source_copy")
    detail |= {key: value for key, value in request.items() if key not in hidden}
    detail["model_type"] = str(request["model_type"]).lower()
    detail["input_params"] = [{"param_name": "data", "param_type": "object", "param_desc": "{" + "x" * 200}]
    detail["output_params"] = detail["input_params"]
    detail["install_type"] = [
        "realtime" if way == "real-time" else way for way in reversed(detail["install_type"])
    ]
    for dependency in detail["dependencies"] if isinstance(detail["dependencies"], list) else ():
        for package in dependency["packages"]:
            package.update({key: package.get(key, "") for key in ("package_version", "restraint")})
    if request.get("model_type") == "Image" and "source_copy" in request:
        detail["source_copy"] = request["source_copy"]
    apis = request.get("apis", [])
    apis = json.loads(apis) if isinstance(apis, str) else apis
    detail["apis"] = json.dumps([{**api, "id": "a1", "content_type": "application/json"} for api in apis])
    return detail | configured(request)


def configured(request: dict[str, Any]) -> dict[str, Any]:
    """How the configuration comes back: renamed, with keys of the server's, its probe beside it."""
    config = json.loads(request.get("initial_config", "{}"))
    probe = config.pop("health", None)
    back: dict[str, Any] = {
        "config": json.dumps({"tunable": False, **config, "downloadable_flag": True}, indent=1)
    }
    return back | ({"health": PROBE_DEFAULTS | {k: str(v) for k, v in probe.items()}} if probe else {})


def copied(request: dict[str, Any]) -> dict[str, Any]:
    """The request through JSON, as a registry stores it."""
    copy: dict[str, Any] = json.loads(json.dumps(request))
    return copy


@pytest.mark.parametrize("name", EDITIONS)
@settings(deadline=None, max_examples=examples(120), suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_what_a_registry_does_by_itself_is_never_drift(name: str, data: st.DataObject) -> None:
    """Any valid request, and a detail as the reference describes: equal."""
    request = edition(name).parse(unquoted(data.draw(documents(name)))).request
    assert request is not None
    declared, theirs = comparable(request, registered(copied(request)))
    assert declared == theirs
    assert {"model_name", "model_version", "model_type"} <= set(declared)


def test_the_vendors_example_is_compared_in_all_that_can_be() -> None:
    """Only the derived parameters and the dropped job id stay out."""
    declared, theirs = comparable(VENDOR_EXAMPLE, registered(copied(VENDOR_EXAMPLE)))
    assert declared == theirs
    assert set(VENDOR_EXAMPLE) - set(declared) == {"input_params", "output_params", "source_job_id"}


CHANGES: list[tuple[str, object]] = [
    ("model_type", "pytorch"),
    ("source_location", "https://elsewhere/mnist"),
    ("description", "changed by hand"),
    ("description", ""),
    ("runtime", "python3.6"),
    ("model_algorithm", "predict_analysis"),
    ("execution_code", "https://x/model/customize_service.py"),
    ("workspace_id", "7"),
    ("install_type", ["batch"]),
    ("source_copy", "false"),
    ("dependencies", packages(package_name="h5py")),
    ("dependencies", packages(package_version="1.5.0", restraint="EXACT")),
    ("dependencies", []),
    ("model_docs", [{"doc_name": "d", "doc_url": "https://other"}]),
    ("model_metrics", '{"f1": 0.75}'),
    ("apis", '[{"url": "/other"}]'),
    ("apis", "[]"),
    ("source_type", "other"),
    ("cmd", "stop"),
    ("config", as_text({**CONFIG, "runtime": "python2.7"})),
    ("config", "{}"),
    ("health", {"url": "/other"}),
]


@pytest.mark.parametrize(("field", "value"), CHANGES, ids=str)
def test_what_a_person_changed_is_drift(field: str, value: object) -> None:
    """One field of the detail differs: the two sides do too, in that field."""
    request = minimal(
        model_type="Image", description="d", runtime="python2.7", model_algorithm="a", source_type="auto",
        execution_code="https://b/model/customize_service.py", workspace_id="1", source_copy="true", cmd="go",
        install_type=["real-time", "batch"], dependencies=packages(), apis=[{"url": "/"}],
        model_docs=[{"doc_name": "d", "doc_url": "https://x"}], model_metrics='{"f1":0.5}',
        initial_config=as_text({**CONFIG, "health": {"url": "/health"}}),
    )  # fmt: skip
    detail = registered(copied(request))
    assert len({*map(json.dumps, comparable(request, detail))}) == 1
    declared, theirs = comparable(request, {**detail, field: value})
    named = "initial_config" if field in ("config", "health") else field
    assert {key for key in declared if declared[key] != theirs.get(key)} == {named}


@pytest.mark.parametrize("name", EDITIONS)
def test_what_no_registry_fills_in_differs_where_nothing_is_declared(name: str) -> None:
    """A description or documents on the registered side alone were a person's, or git's once."""
    docs = [{"doc_name": "d", "doc_url": "https://x"}]
    request = minimal()
    assert {"description", "model_docs"} <= set(edition(name).fields)
    declared, theirs = comparable(request, {**request, "description": "theirs", "model_docs": docs})
    assert declared == request
    assert theirs == {**request, "description": "theirs", "model_docs": docs}
    nothing: object
    for nothing in ("", None, []):
        declared, theirs = comparable(request, {**request, "description": nothing, "model_docs": nothing})
        assert declared == theirs


def test_a_detail_nested_beyond_reading_is_not_equal() -> None:
    """A hostile registry cannot make the comparison fail."""
    nested: list[Any] = []
    for _ in range(3000):
        nested = [nested]
    declared, theirs = comparable(minimal(dependencies=packages()), minimal(dependencies=nested))
    assert declared != theirs


@pytest.mark.parametrize("value", ["", "null", "[" * 300 + "]" * 300, "[", None, 5, "{}"])
def test_a_registry_that_tells_nothing_usable_about_metrics_or_configuration_proves_nothing(
    value: object,
) -> None:
    """Neither absence nor nonsense is drift."""
    request = minimal(model_metrics='{"f1":0.5}', initial_config=as_text({"health": {"url": "/"}}), apis="[]")
    detail = {**minimal(), "model_metrics": value, "config": value, "health": None}
    declared, theirs = comparable(request, detail)
    assert declared == theirs


def test_a_list_item_that_knows_little_is_compared_in_what_it_tells() -> None:
    """Items of a list are sparse."""
    request = minimal(description="d", template=TEMPLATE, input_params=param(), prebuild=True)
    item = {"model_id": "x", "model_name": "mnist", "model_version": "1.0.0", "description": "other"}
    assert comparable(request, item) == (
        {"model_name": "mnist", "model_version": "1.0.0", "description": "d"},
        {"model_name": "mnist", "model_version": "1.0.0", "description": "other"},
    )


def test_model_type_keeps_the_spelling_of_the_manifest_when_only_case_differs() -> None:
    """A difference in words would otherwise name a difference that is none."""
    declared, theirs = comparable(minimal(), minimal(model_type="tensorflow"))
    assert declared["model_type"] == theirs["model_type"] == "TensorFlow"


def test_source_copy_is_compared_for_images_only() -> None:
    """The service keeps it for no other type."""
    assert "source_copy" not in comparable(minimal(source_copy="true"), minimal(source_copy="false"))[0]
