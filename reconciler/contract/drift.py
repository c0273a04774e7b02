"""Comparing a request with what a registry reports, on ground that is fair to both.

The registry fills in, renames, re-types and drops fields (section 3 of the API reference): what it does by
itself must never look like drift, and what a person changed must.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from reconciler.contract.canonical import canonical, field, is_empty, numbers, opened
from reconciler.contract.catalogue import EDITIONS, edition
from reconciler.contract.structs import Echo, struct_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

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
            same = _is_same(key) and detail.get(key) == request[key]
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


def _is_same(key: str) -> bool:
    echoed = echoes().get(key)
    return echoed is not None and echoed.echo in _SAME


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


def _model_type(value: Any, raw: object) -> object:  # noqa: ANN401 - any JSON
    return value if str(raw).casefold() == str(value).casefold() else raw


def _apis(value: Any, raw: object) -> Any:  # noqa: ANN401 - any JSON
    apis = numbers(opened(raw))
    return projected(value, apis) if isinstance(apis, list) else None


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


def _source_copy(_value: object, raw: object) -> str | None:
    text = str(raw).lower()
    return text if text in ("true", "false") else None


def _metrics(value: Any, raw: object) -> Any:  # noqa: ANN401 - any JSON
    """None where the registry has only the zeros that it fills in by itself."""
    metrics = numbers(opened(raw))
    if not isinstance(metrics, dict) or not any(metrics.values()):
        return None
    return projected(value, metrics)


_READ: Mapping[Echo, Read] = {
    Echo.OR_DROPPED: lambda _value, raw: raw or None,
    Echo.ANY_CASE: _model_type,
    Echo.IMAGES_ONLY: _source_copy,
    Echo.JSON_TEXT: _apis,
    Echo.METRICS: _metrics,
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
