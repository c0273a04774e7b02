"""Comparing a request with what a registry reports, on ground that is fair to both.

The registry fills in, renames, re-types and drops fields (section 3 of the API reference): what it does by
itself must never look like drift, and what a person changed must.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.contract.canonical import canonical, field, numbers, opened

if TYPE_CHECKING:
    from collections.abc import Mapping

_ECHOED = frozenset(
    (
        "model_name", "model_version", "source_location", "description", "model_algorithm", "runtime",
        "execution_code", "workspace_id", "dependencies", "model_docs", "install_type", "cmd",
    )
)  # fmt: skip
_MAY_BE_DROPPED = ("source_job_id", "source_job_version", "source_type")
_PROBES = frozenset({"health", "readiness_health", "startup_health"})
_MEMBERS = {
    "dependencies": frozenset({"installer", "packages", "package_name", "package_version", "restraint"}),
    "model_docs": frozenset({"doc_name", "doc_url"}),
}


def comparable(
    request: Mapping[str, Any], detail: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The declared and the registered side, reduced to what can be compared; equal means no drift.

    Only what the request says is compared, and only where the registry says something about it: a detail
    (or a list item, which knows less) that lacks a field proves nothing. `input_params` and `output_params`
    are derived anew by the service and `template`, `deployment_constraints` and `extra` fields are never
    returned, so a change of those cannot be seen here.
    """
    declared = canonical(request)
    theirs = _theirs(request, declared, detail)
    ours = {key: value for key, value in declared.items() if key in theirs}
    if isinstance(ours.get("initial_config"), dict):
        ours["initial_config"] = _probes_told(ours["initial_config"], _config_of(detail))
    return ours, theirs


def _theirs(
    request: Mapping[str, Any], declared: Mapping[str, Any], detail: Mapping[str, Any]
) -> dict[str, Any]:
    theirs: dict[str, Any] = {}
    for key, value in declared.items():
        try:
            same = key in _ECHOED and detail.get(key) == request[key]
            registered = value if same else _registered(key, value, declared, detail)
        except RecursionError:
            registered = "nested too deeply to be compared"
        if registered is not None:
            theirs[key] = registered
    return theirs


def _registered(key: str, value: Any, declared: Mapping[str, Any], detail: Mapping[str, Any]) -> Any:  # noqa: ANN401 - any JSON
    """The registry's side of one field, in the declared field's form, or None when it cannot be compared."""
    if key == "initial_config":
        return _config(value, detail)
    raw = detail.get(key)
    if raw is None:
        return None
    if key in _ECHOED:
        told = field(key, raw)
        return _restricted(told, _MEMBERS[key]) if key in _MEMBERS else told
    if key in _MAY_BE_DROPPED:
        return raw or None
    if key == "source_copy":
        return _source_copy(raw) if declared.get("model_type") == "Image" else None
    read = _READ.get(key)
    return read(value, raw) if read else None


def _model_type(value: Any, raw: object) -> object:  # noqa: ANN401 - any JSON
    return value if str(raw).casefold() == str(value).casefold() else raw


def _apis(value: Any, raw: object) -> Any:  # noqa: ANN401 - any JSON
    told = numbers(opened(raw))
    return projected(value, told) if isinstance(told, list) else None


def _config(value: Any, detail: Mapping[str, Any]) -> Any:  # noqa: ANN401 - any JSON
    told = _config_of(detail)
    return _probes_told(projected(value, told), told) if told and isinstance(value, dict) else None


def _config_of(detail: Mapping[str, Any]) -> dict[str, Any]:
    """The registered configuration file, with the health probe that a detail tells beside it."""
    told = field("initial_config", detail.get("config", detail.get("initial_config")))
    if not isinstance(told, dict):
        return {}
    return told if "health" in told else {**told, "health": detail.get("health")}


def _probes_told(config: dict[str, Any], told: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration with only those members of its probes that the registry tells, all as text."""
    kept = dict(config)
    for probe in _PROBES & config.keys():
        ours, theirs = config[probe], told.get(probe)
        if isinstance(ours, dict) and isinstance(theirs, dict):
            kept[probe] = {key: str(value) for key, value in ours.items() if key in theirs}
        else:
            del kept[probe]
    return kept


def _source_copy(raw: object) -> str | None:
    told = str(raw).lower()
    return told if told in ("true", "false") else None


def _metrics(value: Any, raw: object) -> Any:  # noqa: ANN401 - any JSON
    """None where the registry has only the zeros that it fills in by itself."""
    told = numbers(opened(raw))
    if not isinstance(told, dict) or not any(told.values()):
        return None
    return projected(value, told)


_READ = {"model_type": _model_type, "apis": _apis, "model_metrics": _metrics}


def _restricted(told: Any, members: frozenset[str]) -> Any:  # noqa: ANN401 - any JSON
    """`told`, with documented members only."""
    if isinstance(told, dict):
        return {key: _restricted(inner, members) for key, inner in told.items() if key in members}
    return [_restricted(inner, members) for inner in told] if isinstance(told, list) else told


def projected(value: Any, told: Any) -> Any:  # noqa: ANN401 - any JSON
    """`told`, without the members that `value` does not have, at any depth."""
    if isinstance(value, dict) and isinstance(told, dict):
        return {key: projected(inner, told[key]) for key, inner in value.items() if key in told}
    if isinstance(value, list) and isinstance(told, list) and len(value) == len(told):
        return [projected(inner, other) for inner, other in zip(value, told, strict=True)]
    return told
