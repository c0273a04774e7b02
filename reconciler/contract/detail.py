"""What the detail of a registered model says: beside the request that declared it, or as one that would.

The registry fills in, renames, re-types and drops fields (section 3 of the API reference): what it does by
itself must never look like drift, and what a person changed must.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from reconciler.contract.canonical import canonical, field, is_empty, numbers, opened
from reconciler.contract.catalogue import EDITIONS, edition
from reconciler.contract.fields import OneOf
from reconciler.contract.structs import Echo, struct_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from reconciler.contract.editions.edition import Edition
    from reconciler.contract.structs import Member, Struct

    Read = Callable[[Any, object], Any]
    """From the declared value and the registry's to the registry's side in the declared value's form."""

_SAME = frozenset({Echo.SAME, Echo.WHOLE})
_PROBES = frozenset({"health", "readiness_health", "startup_health"})


def comparable(
    request: Mapping[str, Any], detail: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The declared and the registered side, reduced to what can be compared; equal means no drift.

    Only what the request says is compared, and fields that no registry fills in, and only where the registry
    says something about it: a detail (or a list item, which knows less) that lacks a field proves nothing.
    How a field is shown, and that some never are, the field says itself (`Echo`); fields of `extra` are never
    compared.
    """
    declared = canonical(request)
    theirs = _theirs(request, declared, detail)
    ours = {key: value for key, value in declared.items() if key in theirs}
    if isinstance(ours.get("initial_config"), dict):
        ours["initial_config"] = _comparable_probes(ours["initial_config"], _config_of(detail))
    return ours, theirs


def _theirs(
    request: Mapping[str, Any], declared: Mapping[str, Any], detail: Mapping[str, Any]
) -> dict[str, Any]:
    theirs: dict[str, Any] = {}
    for key, value in declared.items():
        try:
            echoed = echoes().get(key)
            same = echoed is not None and echoed.echo in _SAME and detail.get(key) == request[key]
            registered = value if same else _registered(key, value, declared, detail)
        except RecursionError:
            registered = "nested too deeply to be compared"
        if registered is not None:
            theirs[key] = registered
    return theirs | dict(_undeclared(declared, detail))


def _undeclared(declared: Mapping[str, Any], detail: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """What is registered in fields that the request leaves empty, and that no registry fills in."""
    for key, echoed in echoes().items():
        if echoed.echo is Echo.WHOLE and key not in declared and not is_empty(detail.get(key)):
            yield key, _shown_same(key, echoed, detail[key])


def _registered(key: str, value: Any, declared: Mapping[str, Any], detail: Mapping[str, Any]) -> Any:  # noqa: ANN401 - any JSON
    """The registry's side of one field, in the declared field's form, or None when it cannot be compared."""
    echoed, raw = echoes().get(key), detail.get(key)
    if echoed is None:
        return None
    if echoed.echo is Echo.CONFIG:
        return _config(value, detail)
    if raw is None or (echoed.echo is Echo.IMAGES_ONLY and declared.get("model_type") != "Image"):
        return None
    if echoed.echo in _SAME:
        return _shown_same(key, echoed, raw)
    return _READ[echoed.echo](value, raw)


def _shown_same(key: str, echoed: Echoed, raw: object) -> Any:  # noqa: ANN401 - any JSON
    shown = field(key, raw)
    return restricted(shown, echoed.members) if echoed.members else shown


def _config(value: Any, detail: Mapping[str, Any]) -> Any:  # noqa: ANN401 - any JSON
    config = _config_of(detail)
    return (
        _comparable_probes(projected(value, config), config) if config and isinstance(value, dict) else None
    )


def _config_of(detail: Mapping[str, Any]) -> dict[str, Any]:
    """The registered configuration file, with the health probe that a detail tells beside it."""
    config = field("initial_config", detail.get("config", detail.get("initial_config")))
    if not isinstance(config, dict):
        return {}
    return config if "health" in config else {**config, "health": detail.get("health")}


def _comparable_probes(config: dict[str, Any], declared: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration with only those members of its probes that the registry tells, all as text."""
    kept = dict(config)
    for probe in _PROBES & config.keys():
        ours, theirs = config[probe], declared.get(probe)
        if isinstance(ours, dict) and isinstance(theirs, dict):
            kept[probe] = {key: str(value) for key, value in ours.items() if key in theirs}
        else:
            del kept[probe]
    return kept


def _text_of(value: Any, raw: object, kind: type) -> Any:  # noqa: ANN401 - any JSON
    """What JSON text says, as far as it was declared; None where it is of another kind, or all zeros."""
    shown = numbers(opened(raw))
    if not isinstance(shown, kind) or (isinstance(shown, dict) and not any(shown.values())):
        return None
    return projected(value, shown)


_READ: Mapping[Echo, Read] = {
    Echo.OR_DROPPED: lambda _value, raw: raw or None,
    Echo.ANY_CASE: lambda value, raw: value if str(raw).casefold() == str(value).casefold() else raw,
    Echo.IMAGES_ONLY: lambda _value, raw: {"true": "true", "false": "false"}.get(str(raw).lower()),
    Echo.JSON_TEXT: lambda value, raw: _text_of(value, raw, list),
    Echo.METRICS: lambda value, raw: _text_of(value, raw, dict),
    Echo.DERIVED: lambda _value, _raw: None,
    Echo.NEVER: lambda _value, _raw: None,
}


def restricted(value: Any, members: frozenset[str]) -> Any:  # noqa: ANN401 - any JSON
    """The value, with documented members only."""
    if isinstance(value, dict):
        return {key: restricted(inner, members) for key, inner in value.items() if key in members}
    return [restricted(inner, members) for inner in value] if isinstance(value, list) else value


def projected(value: Any, shape: Any) -> Any:  # noqa: ANN401 - any JSON
    """The shape, without the members that `value` does not have, at any depth."""
    if isinstance(value, dict) and isinstance(shape, dict):
        return {key: projected(inner, shape[key]) for key, inner in value.items() if key in shape}
    if isinstance(value, list) and isinstance(shape, list) and len(value) == len(shape):
        return [projected(inner, other) for inner, other in zip(value, shape, strict=True)]
    return shape


# --- what a registry shows of each field ----------------------------------------------------------------


class Echoed(NamedTuple):
    """How one field is shown.

    Attributes:
        members: the names of all documented members of its structs, at any depth; what else a registry adds
            to them is not compared.
    """

    echo: Echo
    members: frozenset[str] = frozenset()


@cache
def echoes() -> Mapping[str, Echoed]:
    """How each field of any edition is shown, by name; loads all editions.

    Raises:
        TypeError: a field does not say it, or two editions say it differently.
    """
    by_field: dict[str, Echoed] = {}
    for name in EDITIONS:
        for key, declared in edition(name).struct.members.items():
            echoed = _echoed(f"{key} of {name}", declared)
            before = by_field.get(key, echoed)
            if before.echo is not echoed.echo:
                raise TypeError(f"{key} of {name} is {echoed.echo}, and in an earlier edition {before.echo}")
            by_field[key] = Echoed(echoed.echo, before.members | echoed.members)
    return by_field


def _echoed(where: str, declared: Member) -> Echoed:
    marks = [mark for mark in declared.marks if isinstance(mark, Echo)]
    if len(marks) != 1:
        raise TypeError(f"{where}: annotate it with one Echo, so that comparing knows what a registry shows")
    return Echoed(marks[0], frozenset(_members(struct_in(declared.annotation))))


def _members(struct: type[Struct] | None) -> set[str]:
    if struct is None:
        return set()
    inner = [_members(struct_in(member.annotation)) for member in struct.members.values()]
    return set(struct.members).union(*inner)


# --- a request that declares a registered model: the way back of an import ----------------------------

_FIRST = ("model_name", "model_version", "model_type")
_NOT_SHOWN = frozenset({Echo.NEVER, Echo.DERIVED, Echo.JSON_TEXT})
_NOTHING: tuple[object, ...] = (None, "", [], {})
_FILLED_IN = frozenset(
    {"execution_code", "model_algorithm", "runtime", "source_type", "dependencies", "install_type"}
)
"""Fields that the service fills in by rules of its own, or from the configuration (reference, section 3)."""
_ADDED_TO_CONFIG = frozenset({"model_source", "tunable", "downloadable_flag", "algorithm"})
"""Keys that the service adds to a configuration by itself (reference, section 3)."""


def adoptable(detail: Mapping[str, Any], edition: Edition) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The request that declares the model of this detail, as far as the edition may send it.

    What the edition refuses was never sent: in a field that the service fills in, it is the service's.

    Returns:
        The fields to declare, names first, without defaults and what says nothing; and the names of those
        that a detail does not show, or shows as the service made them.
    """
    names = (*_FIRST, *(name for name in edition.fields if name not in _FIRST))
    fields = {name: _shown(name, detail, edition) for name in names}
    request = {name: value for name, value in fields.items() if value not in _NOTHING}
    problems = edition.parse(request).problems
    refused = {problem.loc[0] for problem in problems if problem.severity == "error" and problem.loc}
    filled_in = _FILLED_IN & refused
    untold = tuple(name for name in names if name in filled_in or echoes()[name].echo in _NOT_SHOWN)
    return {name: value for name, value in request.items() if name not in filled_in}, untold


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
