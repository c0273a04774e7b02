"""Rules about `initial_config`, the model's configuration file: none of them stops an import.

The vendor's own samples hold keys that no page documents (`apis[].procotol` is one, copied into many public
files), so an unknown key is a warning and is sent as it stands; `Edition.strict_config` makes it an error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.contract.config_structs import Config
from reconciler.contract.rules import PACKAGED, Rule, rule, struct_at, structs_at, text_at
from reconciler.contract.structs import OpenStruct, struct_in
from reconciler.contract.wording import warning
from reconciler.phrases import did_you_mean, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reconciler.contract.json_text import RawDocument
    from reconciler.contract.problem import Loc, Problem
    from reconciler.contract.structs import Struct

FIELD = "initial_config"
UNKNOWN = "unknown-field"

_CONTENT_TYPES = ("application/json", "multipart/form-data")
_BODY_KEYS = ("Content-type", "data")
_SENT = "sent as it stands"


def unknown_keys(struct: type[Config]) -> Rule:
    """Tells of every key that an edition's configuration does not document, at any depth, once each."""

    def check(document: RawDocument) -> Iterator[Problem]:
        yield from _unknown(struct, document.get(FIELD), (FIELD,))

    return Rule(check, fields=(FIELD,))


def _unknown(struct: type[Struct], value: object, loc: Loc) -> Iterator[Problem]:
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _unknown(struct, item, (*loc, index))
    elif isinstance(value, dict):
        members = struct.members
        for key, below in value.items():
            member = members.get(key)
            inner = struct_in(member.annotation) if member else None
            if member is None and issubclass(struct, OpenStruct):
                yield _undocumented((*loc, key), key, tuple(members))
            elif inner is not None:
                yield from _unknown(inner, below, (*loc, key))


def _undocumented(loc: Loc, key: str, names: tuple[str, ...]) -> Problem:
    return warning(UNKNOWN, loc, f"is not documented, and is {_SENT}{did_you_mean(key, names)}")


@rule(fields=(FIELD,))
def agrees(document: RawDocument) -> Iterator[Problem]:
    """What the configuration says again, and what it must say."""
    config = struct_at(document, FIELD)
    for field in ("model_type", "runtime", "model_algorithm"):
        inside, outside = text_at(config, field), text_at(document, field)
        if inside and outside and inside.casefold() != outside.casefold():
            why = f"differs from the request's {field}, and no document says which one holds"
            yield warning("contradiction", (FIELD, field), why, inside)
    named = text_at(config, "model_algorithm") or text_at(document, "model_algorithm")
    if config and not named and not _misspelt("model_algorithm", config):
        why = "has no model_algorithm, which a configuration file must have"
        yield warning("incomplete", (FIELD,), why)


def _misspelt(field: str, config: Mapping[str, Any]) -> bool:
    """Whether a key is told of as a misspelling of the field, so that its absence is not told of as well."""
    members = Config.members
    return any(key not in members and nearest(key, members) == field for key in config)


@rule(fields=(FIELD,))
def details(document: RawDocument) -> Iterator[Problem]:
    """Probes of images, and the dialect of the configuration's APIs."""
    config = struct_at(document, FIELD)
    if text_at(document, "model_type") not in (*PACKAGED, "Template", ""):
        for field in ("health", "readiness_health", "startup_health"):
            if config.get(field):
                why = "is used only where model_type is Image"
                yield warning("not-applicable", (FIELD, field), why)
    for loc, api in structs_at(config, "apis", (FIELD,)):
        for field in ("input_params", "output_params"):
            if field in api:
                why = "belongs to the request's apis; a configuration has request and response"
                yield warning("unusual-value", (*loc, field), why)
        for field in ("request", "response"):
            yield from _body((*loc, field), api.get(field))


def _body(loc: Loc, body: Any) -> Iterator[Problem]:  # noqa: ANN401 - anything may stand there
    if body is None:
        return
    if not isinstance(body, dict):
        yield warning("unusual-value", loc, "is usually a mapping with Content-type and data")
        return
    for key, value in body.items():
        if key.lower() == "content-type":
            if value not in _CONTENT_TYPES:
                hint = did_you_mean(value, _CONTENT_TYPES) if isinstance(value, str) else ""
                why = f"is not {' or '.join(_CONTENT_TYPES)}{hint}"
                yield warning("unusual-value", (*loc, key), why, value)
        elif key != "data":
            yield _undocumented((*loc, key), key, _BODY_KEYS)


@rule(fields=(FIELD,))
def of_later_editions(document: RawDocument) -> Iterator[Problem]:
    """Fields of the configuration that no earlier edition has."""
    for field in ("readiness_health", "startup_health", "protocol", "port"):
        if field in struct_at(document, FIELD):
            why = "is documented only in edition current"
            yield warning("unusual-value", (FIELD, field), why)
