"""From the detail of a registered model to a request that declares it: the way back of an import."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reconciler.contract.canonical import field, opened
from reconciler.contract.drift import echoes, restricted
from reconciler.contract.fields import OneOf
from reconciler.contract.structs import Echo, struct_in

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.contract.editions.edition import Edition

_FIRST = ("model_name", "model_version", "model_type")
_NOT_SHOWN = frozenset({Echo.NEVER, Echo.DERIVED, Echo.JSON_TEXT})
_NOTHING: tuple[object, ...] = (None, "", [], {})
_FILLED_IN = frozenset(
    {"execution_code", "model_algorithm", "runtime", "source_type", "dependencies", "install_type"}
)
"""Fields that the service fills in by rules of its own, or from the configuration (reference, section 3)."""
_ADDED_TO_CONFIG = frozenset({"model_source", "tunable", "downloadable_flag", "algorithm"})
"""Keys that the service adds to a configuration by itself (reference, section 3)."""


@dataclass(frozen=True, slots=True)
class Adoptable:
    """What can be declared of a registered model.

    Attributes:
        request: the fields to declare, names first; without defaults and what says nothing.
        untold: fields of the edition that a detail does not show, or shows as the service made them.
    """

    request: dict[str, Any]
    untold: tuple[str, ...]


def adoptable(detail: Mapping[str, Any], edition: Edition) -> Adoptable:
    """The request that declares the model of this detail, as far as the edition may send it.

    What the edition refuses was never sent: in a field that the service fills in, it is the service's.
    """
    names = (*_FIRST, *(name for name in edition.fields if name not in _FIRST))
    fields = {name: _shown(name, detail, edition) for name in names}
    request = {name: value for name, value in fields.items() if value not in _NOTHING}
    problems = edition.parse(request).problems
    refused = {problem.loc[0] for problem in problems if problem.severity == "error" and problem.loc}
    filled_in = _FILLED_IN & refused
    return Adoptable(
        {name: value for name, value in request.items() if name not in filled_in},
        tuple(name for name in names if name in filled_in or echoes()[name].echo in _NOT_SHOWN),
    )


def _shown(name: str, detail: Mapping[str, Any], edition: Edition) -> Any:  # noqa: ANN401 - any JSON
    """What the detail says of the field; None for nothing, a default, or what cannot be told."""
    echo, raw = echoes()[name].echo, detail.get(name)
    if echo in _NOT_SHOWN:
        return None
    if echo is Echo.CONFIG:
        return _documented(edition, name, detail.get("config", raw))
    if echo is Echo.METRICS:
        metrics = _documented(edition, name, raw)
        return metrics if metrics and any(metrics.values()) else None
    if echo is Echo.ANY_CASE:
        return _spelt(edition, name, raw)
    return _value(name, raw, detail, edition)


def _value(name: str, raw: Any, detail: Mapping[str, Any], edition: Edition) -> Any:  # noqa: ANN401 - any JSON
    """A field that is shown as it was sent."""
    echoed, value = echoes()[name], field(name, raw)
    hidden = echoed.echo is Echo.IMAGES_ONLY and str(detail.get("model_type")).casefold() != "image"
    default = "0" if name == "workspace_id" else field(name, edition.defaults.get(name))
    if hidden or value == default:
        return None
    return restricted(value, echoed.members) if echoed.members else value


def _documented(edition: Edition, name: str, raw: object) -> dict[str, Any] | None:
    """JSON text as a mapping, without the keys that the service adds; None where it is no mapping."""
    shown, struct = opened(raw), struct_in(edition.struct.members[name].annotation)
    if not isinstance(shown, dict) or struct is None:
        return None
    members = struct.members.keys() - _ADDED_TO_CONFIG
    return {key: value for key, value in shown.items() if key in members and value is not None}


def _spelt(edition: Edition, name: str, raw: object) -> object:
    """The edition's spelling of a word that a detail may show in letters of another case."""
    for mark in edition.struct.members[name].marks:
        if isinstance(mark, OneOf):
            return next((word for word in mark.words if word.casefold() == str(raw).casefold()), raw)
    return raw
