"""One form for everything that means the same, so that equal meaning compares equal."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from reconciler.contract.json_values import JSON_TEXTS, read_json

if TYPE_CHECKING:
    from collections.abc import Mapping

_EMPTY: tuple[object, ...] = (None, "", [])
_STRUCT_LISTS = ("input_params", "output_params", "dependencies", "model_docs")


def digest(request: Mapping[str, Any]) -> str:
    """Hex SHA-256 of a request's canonical form: equal meaning gives an equal digest.

    Equal are: any order of keys; JSON in a string and the JSON itself; an absent optional field, null, `""`
    and `[]`; an absent workspace and `"0"`; `install_type` in any order; 1 and 1.0.
    """
    return sha256(_SORTED.encode(canonical(request)).encode("ascii")).hexdigest()


_SORTED = json.JSONEncoder(sort_keys=True, separators=(",", ":"))


def canonical(request: Mapping[str, Any]) -> dict[str, Any]:
    """The canonical form of a request."""
    reduced = {key: field(key, value) for key, value in request.items()}
    kept = {key: value for key, value in reduced.items() if not is_empty(value)}
    if kept.get("workspace_id") == "0":
        del kept["workspace_id"]
    return kept


def is_empty(value: object) -> bool:
    """Whether a field with this value says no more than one that is left out."""
    return not value and value in _EMPTY


def field(name: str, value: Any) -> Any:  # noqa: ANN401 - a field's value is any JSON
    """The canonical form of one field of a request, or of the same field in a registry's answer."""
    if name in JSON_TEXTS:
        value = opened(value)
    elif isinstance(value, str):
        return value
    if name == "install_type" and isinstance(value, list):
        return sorted({_install_type(item) for item in value})
    if name == "initial_config" and isinstance(value, dict) and "dependencies" in value:
        value = {**value, "dependencies": _structs(value["dependencies"])}
    if name == "source_copy" and isinstance(value, bool):
        return "true" if value else "false"
    return _structs(value) if name in _STRUCT_LISTS else numbers(value)


def opened(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """JSON text as JSON; what is not valid JSON stays as it is."""
    if not isinstance(value, str):
        return value
    try:
        return read_json(value)
    except ValueError:
        return value


def numbers(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """The same JSON with whole floats as integers."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return {key: numbers(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [numbers(inner) for inner in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _structs(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """A list of documented structs without the members that are null, empty text or an empty list."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        inner = {key: _structs(item) for key, item in value.items()}
        return {key: item for key, item in inner.items() if item or item not in _EMPTY}
    if isinstance(value, list):
        return [_structs(item) for item in value]
    return numbers(value)


def _install_type(item: object) -> str:
    return "real-time" if item == "realtime" else str(item)
