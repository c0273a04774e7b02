"""From the detail of a registered model to a request that declares it: the way back of an import."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reconciler.contract.canonical import field, opened
from reconciler.contract.drift import restricted
from reconciler.contract.echo import Echo, echoes
from reconciler.contract.fields import OneOf
from reconciler.contract.structs import struct_in

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.contract.editions.edition import Edition

_FIRST = ("model_name", "model_version", "model_type")
_UNTOLD = frozenset({Echo.NEVER, Echo.DERIVED, Echo.JSON_TEXT})
_NOTHING: tuple[object, ...] = (None, "", [], {})


@dataclass(frozen=True, slots=True)
class Adoptable:
    """What can be declared of a registered model.

    Attributes:
        request: the fields to declare, names first; without defaults and what says nothing.
        untold: fields of the edition that a detail does not show, or shows as the service derived them.
    """

    request: dict[str, Any]
    untold: tuple[str, ...]


def adoptable(detail: Mapping[str, Any], edition: Edition) -> Adoptable:
    """The request that declares the model of this detail, as far as the edition may send it."""
    names = (*_FIRST, *(name for name in edition.fields if name not in _FIRST))
    fields = {name: _told(name, detail, edition) for name in names}
    request = {name: value for name, value in fields.items() if value not in _NOTHING}
    return Adoptable(request, tuple(name for name in names if echoes()[name].echo in _UNTOLD))


def _told(name: str, detail: Mapping[str, Any], edition: Edition) -> Any:  # noqa: ANN401 - any JSON
    """What the detail says of the field; None for nothing, a default, or what cannot be told."""
    echo, raw = echoes()[name].echo, detail.get(name)
    if echo in _UNTOLD:
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
    shown, struct = opened(raw), struct_in(edition.model.model_fields[name].annotation)
    if not isinstance(shown, dict) or struct is None:
        return None
    return {key: value for key, value in shown.items() if key in struct.model_fields and value is not None}


def _spelt(edition: Edition, name: str, raw: object) -> object:
    """The edition's spelling of a word that a detail may show in letters of another case."""
    for mark in edition.model.model_fields[name].metadata:
        if isinstance(mark, OneOf):
            return next((word for word in mark.words if word.casefold() == str(raw).casefold()), raw)
    return raw
