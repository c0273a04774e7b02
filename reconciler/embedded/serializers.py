"""A stored model as the vendor's list and detail pages show it: fewer, renamed and re-typed fields.

Sources: the list and detail pages of the editions, and answers of the real service that others recorded.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_URL, uuid5

from reconciler.embedded.model import STATUS, configuration

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.embedded.model import StoredModel
    from reconciler.embedded.settings import EmbeddedSettings

# What list and detail have in common: the member's name, and the column it shows.
_SHARED = {
    "model_id": "model_id",
    "model_name": "model_name",
    "model_version": "model_version",
    "model_type": "model_type",
    "description": "description",
    "source_type": "source_type",
    "workspace_id": "workspace_id",
    "tenant": "tenant",
    "project": "project_id",
    "owner": "owner",
    "create_at": "created_at",
}
_STATUS = f"coalesce(nullif({STATUS}, 'publishing'), :pending_status)"
_SOURCE = "CASE source_type WHEN 'auto' THEN 'auto' ELSE 'custom' END"
_TRUE, _FALSE = "json('true')", "json('false')"

_ZERO_METRICS = {"f1": 0.0, "recall": 0.0, "precision": 0.0, "accuracy": 0.0}
_ADDED_CONFIG = {"model_source": "custom", "tunable": False, "downloadable_flag": True}
_EMPTY_PACKAGE = {"package_version": "", "restraint": ""}
_ECHOED = ("source_location", "source_job_id", "source_job_version", "execution_code")

# Period, delay and failures are the console's defaults; the vendor sends all of them as text.
_HEALTH = {
    "protocol": "http",
    "url": "/health",
    "check_method": "HTTP",
    "command": "",
    "initial_delay_seconds": "12",
    "period_seconds": "5",
    "timeout_seconds": "10",
    "failure_threshold": "12",
}


def list_item(settings: EmbeddedSettings) -> str:
    """A model as the list shows it: an SQL expression that gives JSON.

    It is over the columns of `models`, `:now` (milliseconds since the epoch) and `:pending_status`.
    """
    members = _SHARED | {"model_size": "model_size", "market_flag": _FALSE, "publishable_flag": _TRUE}
    members |= {"subscription_id": "''", "extra": "''", "specification": "json('{}')", "tunable": _FALSE}
    optional = _when_given("source_copy", "json_quote(source_copy)")
    if not settings.sparse_items:
        members |= {"model_status": _STATUS, "model_source": _SOURCE}
        optional += f" || {_when_given('install_type', 'install_type')}"
    always = ", ".join(f"'{name}', {value}" for name, value in members.items())
    return f"'{{' || {optional} || substr(json_object({always}), 2)"


def _when_given(column: str, as_json: str) -> str:
    """A member that only models with such a value have, and the comma after it."""
    return f"CASE WHEN {column} IS NULL THEN '' ELSE '\"{column}\":' || {as_json} || ',' END"


def detail(
    standing: StoredModel, settings: EmbeddedSettings, defaults: Mapping[str, object]
) -> dict[str, Any]:
    """A model as the detail page shows it."""
    model = standing.model
    request = json.loads(model.request)
    config = configuration(request)
    given = config | {
        name: value for name, value in request.items() if value
    }  # a field of its own counts first
    apis = _apis(request, config, model.model_id)
    shown = {shown: getattr(model, column) for shown, column in _SHARED.items()}
    shown |= {name: request.get(name) or "" for name in _ECHOED}
    shown |= {
        "model_status": settings.pending_status if standing.status == "publishing" else standing.status,
        "model_size": model.model_size,
        "runtime": given.get("runtime") or defaults.get("runtime") or "python2.7",
        "model_algorithm": given.get("model_algorithm") or "",
        "model_metrics": _plain(request.get("model_metrics") or config.get("metrics") or _ZERO_METRICS),
        "model_docs": request.get("model_docs") or [],
        "dependencies": _dependencies(given.get("dependencies") or []),
        "apis": _json(apis),
        "input_params": _params(apis, "input_params", "request") or given.get("input_params") or [],
        "output_params": _params(apis, "output_params", "response") or given.get("output_params") or [],
        "config": _config(config, settings),
        "model_source": "auto" if model.source_type == "auto" else "custom",
        "tunable": False,
        "market_flag": False,
        "publishable_flag": True,
        "model_labels": [],
        "labels_map": {"labels": []},
        "specification": {},
        "schema_doc": "",
        "image_address": "",
        "ai_project": "default-ai-project",
    }
    return shown | _optional(standing, settings, request, config)


def _optional(
    standing: StoredModel, settings: EmbeddedSettings, request: Mapping[str, Any], config: Mapping[str, Any]
) -> dict[str, Any]:
    """The members a detail has only for some models."""
    model = standing.model
    shown: dict[str, Any] = {}
    if model.install_type is not None:
        kinds = json.loads(model.install_type)
        shown["install_type"] = [settings.install_spelling if kind == "real-time" else kind for kind in kinds]
    if model.source_copy is not None:
        shown["source_copy"] = model.source_copy
    if request.get("cmd"):
        shown["cmd"] = request["cmd"]
    if isinstance(config.get("health"), dict):
        shown["health"] = _HEALTH | {name: _plain(value) for name, value in config["health"].items()}
    if standing.status == model.outcome and model.outcome_reason:
        shown["x_failure_reason"] = model.outcome_reason  # not the vendor's: nothing there says why
    return shown


def _apis(request: Mapping[str, Any], config: Mapping[str, Any], model_id: str) -> list[Any]:
    """The APIs as a list, with the members the service adds to each."""
    given = request.get("apis")
    given = (json.loads(given) if isinstance(given, str) and given else given) or config.get("apis")
    if not isinstance(given, list):
        return []
    return [_api(api, f"{model_id}/{position}") for position, api in enumerate(given)]


def _api(api: object, name: str) -> object:
    if not isinstance(api, dict):
        return api
    body = api.get("request")
    content_type = body.get("Content-type") if isinstance(body, dict) else None
    return {
        "id": str(uuid5(NAMESPACE_URL, name)),
        "content_type": content_type or "application/json",
        "protocol": "https",
        "url": "/",
        "method": "post",
    } | api


def _params(apis: list[Any], request_name: str, config_name: str) -> list[dict[str, Any]]:
    """The parameters derived from the APIs, in either dialect: one entry an API, holding the whole schema."""
    derived = []
    for api in apis:
        schema = _schema(api, request_name, config_name) if isinstance(api, dict) else None
        if schema is not None:
            place = {name: api[name] for name in ("url", "method", "protocol")}
            kind = schema.get("type", "object") if isinstance(schema, dict) else "object"
            derived.append(place | {"param_name": "data", "param_type": kind, "param_desc": _plain(schema)})
    return derived


def _schema(api: Mapping[str, Any], request_name: str, config_name: str) -> object:
    if api.get(request_name) is not None:
        return api[request_name]
    body = api.get(config_name)
    return body.get("data") if isinstance(body, dict) else None


def _dependencies(given: list[Any]) -> list[Any]:
    """As sent, with the empty text the service puts for what a package leaves out."""
    return [
        dependency | {"packages": [_EMPTY_PACKAGE | _present(package) for package in dependency["packages"]]}
        for dependency in given
    ]


def _present(package: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in package.items() if value is not None}


def _config(config: Mapping[str, Any], settings: EmbeddedSettings) -> str:
    """`initial_config` under its other name: equal JSON, other text; JSON also where none was given."""
    added = _ADDED_CONFIG if settings.config_keys == "added" else {}
    return json.dumps(added | dict(config), ensure_ascii=False, sort_keys=True)


def _plain(value: object) -> str:
    return value if isinstance(value, str) else _json(value)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
