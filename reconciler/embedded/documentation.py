"""The OpenAPI document, made of the operations, the shapes in `schemas` and the edition's rules."""

from __future__ import annotations

import json
import re
from inspect import getdoc
from typing import TYPE_CHECKING, Any

from pydantic.json_schema import models_json_schema

from reconciler import __version__
from reconciler.embedded import schemas
from reconciler.embedded.access import PROJECT_ID

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from reconciler.embedded.access import Parts
    from reconciler.embedded.router import Operation

_SHAPES = "#/components/schemas"
_NOT_SENT = ("metadata", "initial_config_file", "extra")  # a manifest's own, in the edition's schema
_SECURITY = {
    "token": {"type": "apiKey", "in": "header", "name": "X-Auth-Token"},
    "signature": {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "AK/SK: SDK-HMAC-SHA256 over method, path, query, headers and body, with X-Sdk-Date",
    },
}
_IN_PATH = {
    "project_id": {"type": "string", "pattern": f"^{PROJECT_ID.pattern}$"},
    "model_id": {"type": "string"},
}


def document(operations: Sequence[Operation], parts: Parts) -> dict[str, Any]:
    """What the registry answers to, in OpenAPI 3.1."""
    secured = parts.authenticator is not None
    described = [one for one in operations if one.summary is not None]
    paths: dict[str, dict[str, Any]] = {}
    for one in described:
        paths.setdefault(one.path, {})[one.method.lower()] = _operation(one, secured=secured)
    components: dict[str, Any] = {
        "schemas": _shapes(described) | {"Import": _import_schema(parts.rules.json_schema())}
    }
    if secured:
        components["securitySchemes"] = _SECURITY
    info = {"title": "Embedded model registry", "version": __version__}
    return {"openapi": "3.1.0", "info": info, "paths": paths, "components": components}


def _operation(one: Operation, *, secured: bool) -> dict[str, Any]:
    responses = {str(one.status): {"description": "What was asked for", **_content(one.shape)}}
    if "{project_id}" in one.path:
        responses["default"] = {"description": "The vendor's error envelope", **_content("ErrorShape")}
    facts: dict[str, Any] = {
        "operationId": re.sub(r"\W+", "_", f"{one.answer.__name__}{one.path}").strip("_"),
        "summary": one.summary,
        "description": getdoc(one.answer),
        "tags": [one.tag],
        "parameters": list(_parameters(one)),
        "responses": responses,
    }
    if one.body:
        facts["requestBody"] = {"required": True, **_content(one.body)}
    if secured and one.is_guarded:
        facts["security"] = [{name: []} for name in _SECURITY]
    return facts


def _content(shape: str | None) -> dict[str, Any]:
    schema = {"$ref": f"{_SHAPES}/{shape}"} if shape else {}
    return {"content": {"application/json": {"schema": schema}}}


def _parameters(one: Operation) -> Iterator[dict[str, Any]]:
    for name, schema in _IN_PATH.items():
        if f"{{{name}}}" in one.path:
            yield {"name": name, "in": "path", "required": True, "schema": schema}
    if one.query is not None:
        for name, schema in one.query.model_json_schema()["properties"].items():
            described = {"description": schema["description"]} if "description" in schema else {}
            yield {"name": name, "in": "query", "required": False, **described, "schema": schema}


def _shapes(described: Iterable[Operation]) -> dict[str, Any]:
    """The schemas of all shapes that are spoken of; that of a request to import is the edition's."""
    names = {name for one in described for name in (one.shape, one.body)} - {None, "Import"}
    models = [getattr(schemas, name) for name in sorted({"ErrorShape", *filter(None, names)})]
    _, made = models_json_schema(
        [(model, "validation") for model in models], ref_template=f"{_SHAPES}/{{model}}"
    )
    return dict(made["$defs"])


def _import_schema(manifest_schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of a request: that of a manifest without its local keys."""
    properties = {
        name: schema for name, schema in manifest_schema["properties"].items() if name not in _NOT_SENT
    }
    left_out = ("$schema", "additionalProperties")
    kept = {name: value for name, value in manifest_schema.items() if name not in left_out}
    title = {"title": "Import request", "description": "One model version to be imported."}
    moved = json.dumps(kept | title | {"properties": properties})
    schema: dict[str, Any] = json.loads(moved.replace('"#/$defs/', f'"{_SHAPES}/Import/$defs/'))
    return schema
