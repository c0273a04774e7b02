"""The model's configuration file (package specification), which `initial_config` carries: types and rules.

Unlike the request it is open, and no rule stops an import: the vendor's own samples hold keys that no page
documents (`apis[].procotol` is one, copied into many public files), so an unknown key is a warning and is
sent as it stands; `Edition.strict_config` makes it an error.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from reconciler.contract.fields import Count, Free, OneOf
from reconciler.contract.json_values import RawDocument
from reconciler.contract.problem import Loc, Problem, warning
from reconciler.contract.request import (
    Algorithm,
    BoundedParams,
    Installer,
    Metrics,
    Package,
    Params,
    Protocol,
    WebParams,
    Words,
)
from reconciler.contract.rules import PACKAGED, Rule, rule, struct_at, structs_at, text_at
from reconciler.contract.structs import OpenStruct, Struct, optional, required, struct_in
from reconciler.phrases import did_you_mean, nearest

FIELD = "initial_config"
UNKNOWN = "unknown-field"

_CONTENT_TYPES = ("application/json", "multipart/form-data")
_BODY_KEYS = ("Content-type", "data")


class Health(OpenStruct):
    """A health probe of an image; every value is text in JSON."""

    protocol: Words | None = None
    url: Words | None = None
    check_method: Annotated[str, OneOf(("HTTP", "EXEC"))] | None = None
    command: Words | None = None
    initial_delay_seconds: Annotated[str, Count(0)] | None = None
    timeout_seconds: Annotated[str, Count(1)] | None = None
    period_seconds: Annotated[str, Count(1)] | None = None
    failure_threshold: Annotated[str, Count(1)] | None = None


class ConfigApi(OpenStruct):
    """One API of the model, in the dialect of the configuration file."""

    protocol: Protocol | None = None
    url: Words | None = None
    method: Words | None = None
    request: Free | None = None
    response: Free | None = None
    input_params: Free | None = None
    output_params: Free | None = None


class ConfigPackage(Package, OpenStruct):
    """One package, in the configuration file."""


class ConfigDependency(OpenStruct):
    """Packages that one installer installs, in the configuration file."""

    installer: Installer = required("Only pip.")
    packages: list[ConfigPackage] = required("The packages.")


class ConfigParams(Params, OpenStruct):
    """One input or output parameter, in the configuration file."""


class BoundedConfigParams(BoundedParams, OpenStruct):
    """The same, where the lengths are limits and not advice (2019)."""


class WebConfigParams(WebParams, OpenStruct):
    """The same, where the protocol is HTTP or HTTPS (current)."""


class Config(OpenStruct):
    """The configuration file. Each edition narrows `model_type`, and has parameters as its request has."""

    model_algorithm: Algorithm | None = optional("Kind of algorithm.")
    model_type: Words | None = optional("The engine.")
    runtime: Words | None = None
    swr_location: Words | None = optional("Image address; only for model_type Image.")
    metrics: Metrics | None = None
    apis: list[ConfigApi] | None = None
    dependencies: list[ConfigDependency] | None = None
    health: Health | None = None
    readiness_health: Health | None = None
    startup_health: Health | None = None
    protocol: Words | None = None
    port: Free | None = None
    model_source: Free | None = None
    tunable: Free | None = None
    downloadable_flag: Free | None = None
    algorithm: Free | None = None


# --- rules ----------------------------------------------------------------------------------------------


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
    return warning(UNKNOWN, loc, f"is not documented, and is sent as it stands{did_you_mean(key, names)}")


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
