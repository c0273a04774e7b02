"""The OpenAPI document, made of the operations, the shapes of the API here, and the edition's rules.

Answers are not passed through the shapes.
"""

from __future__ import annotations

import json
import re
from inspect import getdoc
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr
from pydantic.json_schema import models_json_schema

from reconciler import __version__
from reconciler.embedded.router import PROJECT_ID

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from reconciler.embedded.router import Operation, Parts


class Shape(BaseModel):
    """A JSON object that may have more members than are described."""

    model_config = ConfigDict(extra="allow", protected_namespaces=())


class ErrorShape(Shape):
    """The vendor's error envelope."""

    error_code: str = Field(min_length=8, max_length=36, examples=["ModelArts.3002"])
    error_msg: str = Field(min_length=2, max_length=512)


class Imported(Shape):
    """The answer to an import call."""

    model_id: str


class ListItem(Shape):
    """One model of a list; most members may be left out."""

    model_id: str
    model_name: str
    model_version: str
    model_type: str
    model_status: str | None = None
    description: str
    create_at: int = Field(description="milliseconds since the epoch")
    workspace_id: str
    tenant: str
    project: str
    owner: str
    model_size: int = Field(description="bytes")


class ModelList(Shape):
    """One page of models."""

    total_count: int = Field(description="matches without paging")
    count: int = Field(description="models in this page")
    models: list[ListItem]


class Detail(Shape):
    """Everything the API tells about one model."""

    model_id: str
    model_name: str
    model_version: str
    model_type: str
    model_status: str
    description: str
    create_at: int = Field(description="milliseconds since the epoch")
    source_location: str
    runtime: str
    workspace_id: str
    apis: str = Field(description="JSON in a string")
    config: str = Field(description="initial_config: JSON in a string")
    model_metrics: str = Field(description="JSON in a string")
    dependencies: list[Shape]
    input_params: list[Shape]
    output_params: list[Shape]
    model_docs: list[Shape]


class NotDeleted(Shape):
    """Why a model was not deleted."""

    model_id: str
    error_code: str


class Deleted(Shape):
    """The answer to a delete call: 200 also when nothing was deleted."""

    delete_success_list: list[str]
    delete_failed_list: list[NotDeleted]


class Runtimes(Shape):
    """The engines and their runtimes."""

    count: int
    total_count: int
    engine_runtimes: list[Shape]


class Templates(Shape):
    """The templates a model may be made from."""

    count: int
    total_count: int
    templates: list[Shape]


class Named(Shape):
    """Something by its name or id."""

    name: str | None = None
    id: str | None = None


class LoginUser(Shape):
    """An IAM user with a password."""

    name: str
    password: SecretStr
    domain: Named


class LoginPassword(Shape):
    """The password method's part."""

    user: LoginUser


class Identity(Shape):
    """How the user proves who it is."""

    methods: list[str]
    password: LoginPassword


class Scope(Shape):
    """What the token shall be good for."""

    project: Named | None = None
    domain: Named | None = None


class Auth(Shape):
    """An identity and a scope."""

    identity: Identity
    scope: Scope | None = None


class Login(Shape):
    """A request for a token."""

    auth: Auth


# --- the document ------------------------------------------------------------------------------------------

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


def document(parts: Parts) -> dict[str, Any]:
    """What the registry answers to, in OpenAPI 3.1."""
    secured = parts.authenticator is not None
    described = [one for one in parts.operations if one.summary is not None]
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
    shapes = {shape.__name__: shape for shape in Shape.__subclasses__()}
    _, made = models_json_schema(
        [(shapes[name], "validation") for name in sorted({"ErrorShape", *filter(None, names)})],
        ref_template=f"{_SHAPES}/{{model}}",
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
