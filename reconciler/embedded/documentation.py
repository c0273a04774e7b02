"""What FastAPI cannot put into the OpenAPI document: bodies that the routes read as bytes, and auth."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from reconciler.embedded import schemas

if TYPE_CHECKING:
    from collections.abc import Mapping

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


def complete(document: dict[str, Any], manifest_schema: Mapping[str, Any], *, secured: bool) -> None:
    """Adds to FastAPI's document, in place, the import body, the login body and how to authenticate.

    Args:
        document: made by FastAPI.
        manifest_schema: the edition's JSON Schema of a manifest; a request is one without its local keys.
        secured: whether credentials are needed.
    """
    paths, components = document["paths"], document["components"]
    _add_body(
        components, paths["/v1/{project_id}/models"]["post"], "Import", _request_schema(manifest_schema)
    )
    if not secured:
        return
    _add_body(components, paths["/v3/auth/tokens"]["post"], "Login", schemas.Login.model_json_schema())
    components["securitySchemes"] = _SECURITY
    for path, operations in paths.items():
        if path.startswith("/v1/") or path.endswith("/projects"):
            for operation in operations.values():
                operation["security"] = [{name: []} for name in _SECURITY]


def _request_schema(manifest_schema: Mapping[str, Any]) -> dict[str, Any]:
    properties = {
        name: schema for name, schema in manifest_schema["properties"].items() if name not in _NOT_SENT
    }
    kept = {
        name: value
        for name, value in manifest_schema.items()
        if name not in ("$schema", "additionalProperties")
    }
    title = {"title": "Import request", "description": "One model version to be imported."}
    return kept | title | {"properties": properties}


def _add_body(
    components: dict[str, Any], operation: dict[str, Any], name: str, schema: Mapping[str, Any]
) -> None:
    place = f"#/components/schemas/{name}"
    moved = json.dumps(schema).replace('"#/$defs/', f'"{place}/$defs/')
    components["schemas"][name] = json.loads(moved)
    content = {"application/json": {"schema": {"$ref": place}}}
    operation["requestBody"] = {"required": True, "content": content}
