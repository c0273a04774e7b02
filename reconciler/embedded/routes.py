"""The operations of the API: the vendor's, path for path, and what tells of the registry itself.

Literal paths stand before `{model_id}`, which would take them.
"""

from __future__ import annotations

import re
import sqlite3
from typing import TYPE_CHECKING, Any

from starlette.responses import HTMLResponse

from reconciler.embedded.answers import IN_USE, NO_SUCH_MODEL, UNAVAILABLE, Code, VendorError, answer, written
from reconciler.embedded.listing import DeleteQuery, ListQuery, PageQuery
from reconciler.embedded.model import arrive, general_code, read_request
from reconciler.embedded.router import Operation
from reconciler.embedded.serializers import detail

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.responses import Response

    from reconciler.embedded.router import Call
    from reconciler.embedded.settings import EmbeddedSettings

_MODEL_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_SWAGGER = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Embedded model registry</title>
<link rel="stylesheet" href="https://cdn.jsdelivr.net/npm/swagger-ui-dist@5/swagger-ui.css">
<div id="api"></div>
<script src="https://cdn.jsdelivr.net/npm/swagger-ui-dist@5/swagger-ui-bundle.js"></script>
<script>SwaggerUIBundle({url: "openapi.json", dom_id: "#api"})</script></html>
"""


async def import_model(call: Call) -> Response:
    """Registers one version of a model and answers at once; the import goes on until the status is final."""
    parts = call.parts
    model = arrive(
        read_request(call.body, parts.rules, parts.settings),
        call.body,
        project_id=call.path["project_id"],
        caller=call.caller,
        request_id=call.request_id,
        settings=parts.settings,
        defaults=parts.rules.defaults,
    )
    await parts.store.add(model)
    return answer({"model_id": model.model_id})


async def list_models(call: Call) -> Response:
    """One page of a workspace's models, newest first unless asked otherwise."""
    parts, query = call.parts, call.query
    listing = query.listing(call.path["project_id"], parts.settings)
    page = await parts.store.page(listing, parts.milliseconds())
    total = page.total if parts.settings.total_count == "right" else 0
    return written(f'{{"total_count":{total},"count":{page.count},"models":{page.models}}}')


async def list_runtimes(call: Call) -> Response:
    """The engines and runtimes this edition of the documents names."""
    settings = call.parts.settings
    engines = [_engine(*one) for one in _BY_EDITION.get(settings.edition, _LONG).items()]
    skip = call.query.skip(settings)
    shown = engines[skip : skip + call.query.limit]
    return answer({"count": len(shown), "total_count": len(engines), "engine_runtimes": shown})


async def list_templates(_: Call) -> Response:
    """The templates a model may be made from: none here; any template_id is taken as it is."""
    return answer({"count": 0, "total_count": 0, "templates": []})


async def show_model(call: Call) -> Response:
    """Everything the API tells about one model; some fields come back renamed, re-typed or filled in."""
    parts, model_id = call.parts, call.path["model_id"]
    _check_id(model_id, parts.settings)
    standing = await parts.store.find(call.path["project_id"], model_id, parts.milliseconds())
    return answer(detail(standing, parts.settings, parts.rules.defaults))


async def delete_model(call: Call) -> Response:
    """Deletes one model; with cascade also other versions of its name, 20 in all.

    The status is 200 also where a model was not deleted: both lists of the answer must be read.
    """
    parts, model_id = call.parts, call.path["model_id"]
    _check_id(model_id, parts.settings)
    deleted, used = await parts.store.delete(
        call.path["project_id"], model_id, cascade=call.query.cascade, now=parts.milliseconds()
    )
    wording = "error_message" if parts.settings.edition == "cn-2021" else "error_msg"
    reason = {"error_code": IN_USE.code, wording: "a service uses the model: delete the service first"}
    failed = [{"model_id": model_id} | reason for model_id in used]
    return answer({"delete_success_list": deleted, "delete_failed_list": failed})


def _check_id(model_id: str, settings: EmbeddedSettings) -> None:
    """Raises VendorError where an id that cannot be one is a wrong value: nobody publishes whether it is."""
    if settings.malformed_id != NO_SUCH_MODEL.status and not _MODEL_ID.fullmatch(model_id):
        code = Code(settings.malformed_id, general_code(settings).code)
        raise VendorError(code, f"model_id {model_id} is not the id of a model")


async def about(call: Call) -> Response:
    """What this is."""
    return answer(
        {
            "name": "embedded model registry",
            "edition": call.parts.settings.edition,
            "models": _MODELS,
            "documentation": "/docs",
        }
    )


async def health(call: Call) -> Response:
    """Whether the registry and its database answer."""
    try:
        await call.parts.database.read(call.parts.database.check)
    except sqlite3.Error as error:
        raise VendorError(UNAVAILABLE, f"the registry's database says: {error}") from error
    return answer({"status": "ok"})


async def described(call: Call) -> Response:
    """The OpenAPI document."""
    from reconciler.embedded.openapi import document  # noqa: PLC0415 - with a class for every shape

    return answer(document(call.parts))


async def shown(_: Call) -> Response:
    """The document for people, as Swagger UI has it."""
    return HTMLResponse(_SWAGGER)


_MODELS = "/v1/{project_id}/models"
_MODEL = f"{_MODELS}/{{model_id}}"
OPERATIONS = [
    Operation("POST", _MODELS, import_model, "Import a model", body="Import", shape="Imported"),
    Operation("GET", _MODELS, list_models, "List models", query=ListQuery, shape="ModelList"),
    Operation(
        "GET",
        f"{_MODELS}/ai-engine-runtimes",
        list_runtimes,
        "List engines",
        query=PageQuery,
        shape="Runtimes",
    ),
    Operation("GET", f"{_MODELS}/template", list_templates, "List templates", shape="Templates"),
    Operation("GET", _MODEL, show_model, "Show a model", shape="Detail"),
    Operation("DELETE", _MODEL, delete_model, "Delete a model", query=DeleteQuery, shape="Deleted"),
    Operation("GET", "/healthz", health, "Look whether all is well", "health", is_guarded=False),
    Operation("GET", "/", about, is_guarded=False),
    Operation("GET", "/openapi.json", described, is_guarded=False),
    Operation("GET", "/docs", shown, is_guarded=False),
]


# --- the engines and runtimes that the documents name --------------------------------------------------

_PYTHON = ("python2.7", "python3.6")
_SHORT = {
    "TensorFlow": (*_PYTHON, "tf1.13-python3.6-cpu", "tf1.13-python3.6-gpu", "tf2.1-python3.7"),
    "MXNet": (*_PYTHON, "python3.7"),
    "Caffe": (*_PYTHON, "python3.7"),
    "Spark_MLlib": _PYTHON,
    "Scikit_Learn": _PYTHON,
    "XGBoost": _PYTHON,
    "PyTorch": (*_PYTHON, "python3.7", "pytorch1.4-python3.7"),
}
_LONG = {
    "TensorFlow": ("tensorflow_2.1.0-cuda_10.1-py_3.7-ubuntu_18.04-x86_64",),
    "PyTorch": ("pytorch_1.8.0-cuda_10.2-py_3.7-ubuntu_18.04-x86_64",),
}
_BY_EDITION: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "seed-2019": dict.fromkeys(_SHORT, _PYTHON),
    "cn-2021": _SHORT,
}


def _engine(name: str, runtimes: tuple[str, ...]) -> dict[str, Any]:
    """One engine with parallel lists: position i of every list is about runtime i."""

    def each(value: object) -> list[object]:
        return [value] * len(runtimes)

    return {
        "ai_engine": name,
        "runtimes": list(runtimes),
        "request_mode": each("sync"),
        "accelerators": [_accelerator(runtime) for runtime in runtimes],
        "arch": each("x86_64"),
        "status_list": each("normal"),
        "image_source": each("base_image"),
    }


def _accelerator(runtime: str) -> dict[str, str]:
    _, accelerator, rest = runtime.partition("cuda_")
    if accelerator:
        return {"type": "gpu", "name": "nvidia", "cuda_version": rest.split("-")[0]}
    kind = "gpu" if runtime.endswith("-gpu") else "none"
    return {"type": kind, "name": "", "cuda_version": ""}
