from __future__ import annotations

import json
import sqlite3
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.contract import comparable
from tests.embedded.samples import SEED, add, detail, project_of, request

if TYPE_CHECKING:
    from pathlib import Path

    from tests.embedded.conftest import Clock, Serve

_CONFIG = {
    "model_type": "TensorFlow",
    "model_algorithm": "image_classification",
    "runtime": "python3.6",
    "metrics": {"f1": 0.5, "recall": 0.25, "precision": 0.5, "accuracy": 1},
    "apis": [
        {
            "protocol": "https",
            "url": "/",
            "method": "post",
            "request": {"Content-type": "multipart/form-data", "data": {"type": "object"}},
            "response": {"Content-type": "application/json", "data": {"type": "object"}},
        }
    ],
    "dependencies": [{"installer": "pip", "packages": [{"package_name": "numpy"}]}],
}


def test_the_vendors_example_comes_back_field_for_field(serve: Serve, clock: Clock) -> None:
    """What is echoed, renamed, re-typed, derived and added, by the detail page and recorded answers."""
    client = serve(publish_seconds=5)
    model_id = add(client, **SEED)
    shown = detail(client, model_id)
    echoed = (
        "model_name model_version source_location source_job_id source_job_version model_type runtime"
        " description execution_code dependencies model_algorithm model_metrics"
    )
    assert {name: shown[name] for name in echoed.split()} == {name: SEED[name] for name in echoed.split()}
    (api,) = json.loads(shown["apis"])
    assert {name: api[name] for name in SEED["apis"][0]} == SEED["apis"][0]
    assert set(api) - set(SEED["apis"][0]) == {"id", "content_type"}
    place = {"url": "/v1/xxx/image", "method": "post", "protocol": "http"}
    (entry,) = shown["input_params"]
    assert json.loads(entry.pop("param_desc")) == SEED["apis"][0]["input_params"]
    assert entry == place | {"param_name": "data", "param_type": "object"}
    assert json.loads(shown["output_params"][0]["param_desc"]) == SEED["apis"][0]["output_params"]
    added = {
        "model_id": model_id,
        "model_status": "publishing",
        "create_at": int(clock.now * 1000),
        "project": project_of(client),
        "workspace_id": "0",
        "source_type": "",
        "model_source": "custom",
        "config": "{}",
        "model_docs": [],
        "model_labels": [],
        "labels_map": {"labels": []},
        "ai_project": "default-ai-project",
    }
    assert {name: shown[name] for name in added} == added
    assert len(shown["tenant"]) == len(shown["owner"]) == 32
    assert "install_type" not in shown
    assert "source_copy" not in shown


def test_what_was_not_given_is_filled_in(serve: Serve) -> None:
    """The default runtime, also for an image, zero metrics, empty lists and texts."""
    client = serve()
    shown = detail(client, add(client, model_type="Image"))
    assert shown["runtime"] == "python2.7"
    assert json.loads(shown["model_metrics"]) == {"f1": 0, "recall": 0, "precision": 0, "accuracy": 0}
    assert (shown["description"], shown["dependencies"], shown["apis"]) == ("", [], "[]")


def test_the_configuration_comes_back_as_text_under_another_name_and_fills_in_fields(serve: Serve) -> None:
    """`initial_config` is `config`; its APIs, packages, metrics, runtime and algorithm appear as fields."""
    client = serve()
    shown = detail(client, add(client, initial_config=json.dumps(_CONFIG)))
    assert json.loads(shown["config"]) == _CONFIG
    assert "initial_config" not in shown
    assert (shown["runtime"], shown["model_algorithm"]) == ("python3.6", "image_classification")
    assert json.loads(shown["model_metrics"]) == _CONFIG["metrics"]
    (package,) = shown["dependencies"][0]["packages"]
    assert package == {"package_name": "numpy", "package_version": "", "restraint": ""}
    assert json.loads(shown["apis"])[0]["content_type"] == "multipart/form-data"
    assert shown["input_params"][0]["param_desc"] == '{"type":"object"}'


def test_the_server_may_add_keys_to_the_configuration(serve: Serve) -> None:
    """Unknown of the real service, so a setting; what was sent is never changed."""
    client = serve(config_keys="added")
    config = json.loads(detail(client, add(client, initial_config=json.dumps(_CONFIG)))["config"])
    assert config.items() >= _CONFIG.items()
    assert set(config) - set(_CONFIG) == {"model_source", "tunable", "downloadable_flag"}


def test_an_image_shows_its_health_check_as_texts_and_its_source_copy(serve: Serve) -> None:
    """Both only in editions and for types that have them."""
    client = serve(edition="current")
    config = json.dumps({"health": {"url": "/ping", "period_seconds": "7"}})
    shown = detail(client, add(client, model_type="Image", initial_config=config, cmd="run"))
    assert shown["health"]["url"] == "/ping"
    assert shown["health"]["period_seconds"] == "7"
    assert all(isinstance(value, str) for value in shown["health"].values())
    assert (shown["source_copy"], shown["cmd"]) == ("true", "run")
    fast = add(client, "fast", model_type="Image", source_copy="false")
    assert detail(client, fast)["source_copy"] == "false"


@pytest.mark.parametrize("spelling", ["real-time", "realtime"])
def test_the_install_type_is_spelt_as_told_and_defaults_to_the_editions(serve: Serve, spelling: str) -> None:
    """The vendor's detail example and its real answers differ."""
    client = serve(edition="cn-2021", install_spelling=spelling)
    assert detail(client, add(client))["install_type"] == [spelling, "edge", "batch"]
    only = add(client, "only", install_type=["batch"])
    assert detail(client, only)["install_type"] == ["batch"]


def test_a_template_is_not_shown(serve: Serve) -> None:
    """No edition returns template or deployment_constraints."""
    client = serve(edition="current")
    template = {"infer_format": "0", "template_id": "t", "template_inputs": []}
    body = request(model_type="Template", template=template)
    del body["source_location"]
    answer = client.post("/models", json=body)
    assert answer.status_code == 200, answer.text
    assert not {"template", "deployment_constraints"} & set(detail(client, answer.json()["model_id"]))


@pytest.mark.parametrize("config_keys", ["sent", "added"])
@pytest.mark.parametrize(
    "fields",
    [
        SEED,
        request(),
        request(model_docs=[{"doc_name": "a", "doc_url": "https://a"}], description="说明"),
        request(initial_config=json.dumps(_CONFIG)),
        request(dependencies=[{"installer": "pip", "packages": [{"package_name": "numpy"}]}]),
    ],
)
def test_nothing_the_server_does_to_a_request_looks_like_drift(
    serve: Serve, fields: dict[str, Any], config_keys: str
) -> None:
    """The comparison of the contract, which was written from the same documents, finds them equal."""
    client = serve(config_keys=config_keys)
    declared, registered = comparable(fields, detail(client, add(client, **fields)))
    assert declared == registered


def test_a_description_changed_behind_the_registrys_back_is_shown(serve: Serve, tmp_path: Path) -> None:
    """In the list and in the detail: there is one place to change."""
    client = serve(database=tmp_path / "r.db")
    model_id = add(client, description="before")
    connection = sqlite3.connect(tmp_path / "r.db")
    with connection:
        connection.execute("UPDATE models SET description = 'after'")
    connection.close()
    assert detail(client, model_id)["description"] == "after"
    assert client.get("/models").json()["models"][0]["description"] == "after"
