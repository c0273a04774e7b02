"""Each field says with itself what a registry shows of it, and comparing goes by that alone."""

import json
from typing import Annotated, Any

import httpx
import pytest

from reconciler.contract import EDITIONS, comparable, edition
from reconciler.contract.detail import echoes
from reconciler.contract.editions.current import CurrentRequest
from reconciler.contract.structs import Echo, optional, struct_in
from reconciler.embedded import EmbeddedSettings, running
from tests.contract.documents import TEMPLATE, minimal, packages, param
from tests.plain_http import NO_TLS

EVERYTHING: dict[str, Any] = minimal(
    description="d", runtime="python3.6", model_algorithm="a", source_type="auto", source_job_id="55",
    source_job_version="V1", execution_code="https://b/model/customize_service.py", workspace_id="1",
    dependencies=packages(), apis=[{"url": "/"}], model_metrics='{"f1":0.5}', input_params=param(),
    output_params=param(), model_docs=[{"doc_name": "d", "doc_url": "https://x"}],
    initial_config='{"model_algorithm":"a","health":{"url":"/health"}}', install_type=["batch"],
    template=TEMPLATE, source_copy="true", cmd="go", deployment_constraints={"cpu_type": "x86"},
)  # fmt: skip
"""A request with every field of any edition."""

OTHERWISE: dict[str, Any] = {
    "description": "e", "runtime": "python2.7", "model_algorithm": "b", "source_type": "",
    "source_job_id": "6",
    "source_job_version": "V2", "execution_code": "https://c/model/customize_service.py", "workspace_id": "2",
    "dependencies": packages(package_name="h5py"), "apis": [{"url": "/other"}], "model_metrics": '{"f1":0.2}',
    "input_params": param(param_name="y"), "output_params": [],
    "model_docs": [{"doc_name": "d", "doc_url": "https://y"}],
    "initial_config": '{"model_algorithm":"b"}', "install_type": ["real-time"],
    "template": {"template_id": "t", "template_inputs": []}, "source_copy": "false", "cmd": "stop",
    "deployment_constraints": {"cpu_type": "arm"}, "model_name": "other", "model_version": "2.0.0",
    "model_type": "PyTorch", "source_location": "https://elsewhere/mnist",
}  # fmt: skip
"""Another value for each."""

FIELDS = sorted({field for name in EDITIONS for field in edition(name).fields})
NOT_COMPARED = {Echo.DERIVED, Echo.NEVER}


@pytest.mark.parametrize("name", EDITIONS)
def test_every_field_of_an_edition_says_once_what_a_registry_shows_of_it(name: str) -> None:
    """With itself: a new field of any edition fails here, until its author has said so."""
    for field, declared in edition(name).struct.members.items():
        assert sum(isinstance(mark, Echo) for mark in declared.marks) == 1, field
        assert field in echoes()


def test_a_field_that_does_not_say_so_is_an_error_of_the_first_comparison() -> None:
    """Rather than a field that is silently never compared."""

    class Newer(CurrentRequest):
        """An edition with a field that nobody taught to the comparison."""

        colour: str | None = None
        size: Annotated[str | None, Echo.SAME] = optional("Bytes.")

    from reconciler.contract import detail  # noqa: PLC0415 - its private part is what is tried

    assert detail._echoed("size", Newer.members["size"]).echo is Echo.SAME
    with pytest.raises(TypeError, match=r"colour of newer: annotate it with one Echo"):
        detail._echoed("colour of newer", Newer.members["colour"])


def test_the_documented_members_of_a_struct_are_compared_without_being_listed_anywhere() -> None:
    """All of them, at any depth: a new member of a struct is compared because it is declared."""
    for field in ("dependencies", "model_docs"):
        names: set[str] = set()
        struct = struct_in(edition("current").struct.members[field].annotation)
        while struct is not None:
            names |= set(struct.members)
            struct = next((s for f in struct.members.values() if (s := struct_in(f.annotation))), None)
        assert names <= echoes()[field].members


@pytest.mark.parametrize("field", FIELDS)
def test_a_field_is_compared_exactly_when_it_says_that_it_is_shown(field: str) -> None:
    """Another value in the registry's answer is a difference, unless the field says that none can be seen."""
    assert set(FIELDS) == set(EVERYTHING) == set(OTHERWISE)
    request = EVERYTHING | ({"model_type": "Image"} if field == "source_copy" else {})
    detail = {**request, "config": request["initial_config"], "health": {"url": "/health"}}
    same, shown = comparable(request, detail)
    assert same == shown
    name = "config" if field == "initial_config" else field
    changed = {**detail, name: OTHERWISE[field] or "other"}
    declared, theirs = comparable(request, changed)
    differs = {key for key in declared if declared[key] != theirs.get(key)}
    assert differs == (set() if echoes()[field].echo in NOT_COMPARED else {field})


@pytest.mark.parametrize("name", EDITIONS)
def test_the_embedded_registry_shows_each_field_as_it_says(name: str) -> None:
    """Over a socket: what says that it is shown is there, what says that it is not is absent."""
    fields = edition(name).fields
    body = {key: value for key, value in EVERYTHING.items() if key in fields}
    body |= {"model_type": "Image", "workspace_id": "0"}
    del body["dependencies"]
    with running(EmbeddedSettings(edition=name, publish_seconds=0)) as url:
        made = httpx.post(f"{url}/v1/p/models", json=body, verify=NO_TLS)
        assert made.status_code == 200, made.text
        detail = httpx.get(f"{url}/v1/p/models/{made.json()['model_id']}", verify=NO_TLS).json()
    for field in fields:
        shown = "config" if echoes()[field].echo is Echo.CONFIG else field
        assert (shown in detail) is (echoes()[field].echo is not Echo.NEVER), field
    assert json.loads(detail["config"]).items() >= {"model_algorithm": "a"}.items()
    declared, theirs = comparable(body, detail)
    assert declared == theirs
    assert set(declared) == {field for field in body if echoes()[field].echo not in NOT_COMPARED} - {
        "workspace_id"
    }
