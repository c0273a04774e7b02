"""Rules that never stop an import: where the vendor's documents disagree, or a mistake is likely."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.contract import config_file
from reconciler.contract.fields import read_number
from reconciler.contract.problem import warning
from reconciler.contract.rules import (
    PACKAGED,
    TOLERATED,
    Rule,
    roots_of,
    rule,
    struct_at,
    structs_at,
    structs_of,
    text_at,
)
from reconciler.phrases import did_you_mean, listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.contract.json_values import RawDocument
    from reconciler.contract.problem import Problem

_NUMERIC = ("int", "float")
_METRICS = ("f1", "recall", "precision", "accuracy")
_PARAM_LISTS = ("input_params", "output_params")
_PARAMS = (*_PARAM_LISTS, "initial_config")
"""The fields that hold parameters."""


@rule(fields=("model_name", "model_version"))
def pair(document: RawDocument) -> Iterator[Problem]:
    """Cases 5 and 7."""
    name = text_at(document, "model_name")
    if name and (name[0] in "-_" or (name[0].isascii() and name[0].isdigit())):
        why = "starts with a digit, - or _; the vendor's SDK wants a letter first"
        yield warning("unusual-value", ("model_name",), why, name)
    if text_at(document, "model_version") == "0.0.0":
        yield warning(
            "unusual-value", ("model_version",), "is not known to be accepted; start at 0.0.1", "0.0.0"
        )


@rule(fields=_PARAMS)
def params(document: RawDocument) -> Iterator[Problem]:
    """Case 21: table 3 against the example of the same page; and limits that exclude each other."""
    for loc, param in structs_of(document, *_PARAM_LISTS):
        kind = text_at(param, "param_type")
        if kind == "box":
            why = "is not in the vendor's table, only in its example; the service may refuse it"
            yield warning(TOLERATED, (*loc, "param_type"), why, kind)
        for bound in ("min", "max"):
            if param.get(bound) is not None and kind and kind not in _NUMERIC:
                why = f"is meant for param_type int or float, and this is {kind}"
                yield warning(TOLERATED, (*loc, bound), why, param[bound])
        least, most = (read_number(param.get(bound)) for bound in ("min", "max"))
        if least is not None and most is not None and least > most:
            yield warning("contradiction", (*loc, "min"), f"is above max, which is {most}", param["min"])


@rule(fields=("apis", "initial_config"))
def apis(document: RawDocument) -> Iterator[Problem]:
    """Case 27: package specification against the example of the import page."""
    if text_at(document, "model_type") in (*PACKAGED, ""):
        return
    for root, holder in roots_of(document):
        apis = [*structs_at(holder, "apis", root)]
        if len(apis) > 1:
            yield warning(TOLERATED, (*root, "apis"), "a model that is no Image has exactly one API")
        for loc, api in apis:
            if text_at(api, "url") not in ("", "/"):
                why = "the API of a model that is no Image has the url '/'"
                yield warning(TOLERATED, (*loc, "url"), why, api["url"])


@rule(fields=("apis",))
def api_keys(document: RawDocument) -> Iterator[Problem]:
    """Keys that the request's APIs are not documented to have."""
    members = ("url", "method", "protocol", "input_params", "output_params")
    for loc, api in structs_at(document, "apis"):
        for key in api:
            if key not in members:
                yield warning("unknown-field", (*loc, key), f"is not documented{did_you_mean(key, members)}")


@rule(fields=("apis",))
def apis_typed_as_text(document: RawDocument) -> Iterator[Problem]:
    """The table of 2019 against its example."""
    if isinstance(document.get("apis"), list) and "apis" not in document.texts:
        why = "the vendor's table says text and its example sends a list; sent as a list"
        yield warning(TOLERATED, ("apis",), why)


@rule(fields=("execution_code",))
def execution_code(document: RawDocument) -> Iterator[Problem]:
    """Package specification: where the service looks for the code."""
    code, source = text_at(document, "execution_code"), text_at(document, "source_location")
    if not code:
        return
    if "/model/" not in code:
        why = "should lie in the directory model/ of the source; the service finds it there by itself"
        yield warning(TOLERATED, ("execution_code",), why, code)
    elif source and not code.startswith(f"{source.rstrip('/')}/"):
        yield warning(TOLERATED, ("execution_code",), "lies outside source_location", code)


@rule(fields=("source_location",))
def source_scheme(document: RawDocument) -> Iterator[Problem]:
    """An address of another kind than the documents have."""
    source = text_at(document, "source_location")
    scheme, separator, _ = source.partition("://")
    if separator and scheme.lower() not in ("http", "https", "obs"):
        why = "is neither an OBS path nor an image address"
        yield warning("unusual-value", ("source_location",), why, source)


@rule(fields=("model_metrics",))
def metrics_complete(document: RawDocument) -> Iterator[Problem]:
    """Table 6 of 2019; later editions make the members optional."""
    metrics = document.get("model_metrics")
    if not isinstance(metrics, dict):
        return
    missing = [name for name in _METRICS if metrics.get(name) is None]
    if missing:
        yield warning("incomplete", ("model_metrics",), f"the vendor's table also has {listed(missing)}")


@rule(fields=("model_metrics",))
def metrics_known(document: RawDocument) -> Iterator[Problem]:
    """Table 6 names all that there are."""
    for key in struct_at(document, "model_metrics"):
        if key not in _METRICS:
            why = f"is not a documented metric{did_you_mean(key, _METRICS)}"
            yield warning("unknown-field", ("model_metrics", key), why)


@rule(fields=("description",))
def description_empty(document: RawDocument) -> Iterator[Problem]:
    """Case 12."""
    if document.get("description") == "":
        yield warning("unusual-value", ("description",), "must have 1 to 100 characters; leave it out", "")


@rule(fields=_PARAMS)
def recommended_lengths(document: RawDocument) -> Iterator[Problem]:
    """Limits of 2019 that later editions only recommend."""
    for loc, param in structs_of(document, *_PARAM_LISTS):
        for field, most in (("param_name", 64), ("param_desc", 100)):
            length = len(text_at(param, field))
            if length > most:
                why = f"has {length} characters; the vendor recommends at most {most}"
                yield warning("too-long", (*loc, field), why)


@rule(fields=_PARAMS)
def web_protocols(document: RawDocument) -> Iterator[Problem]:
    """Table 3 of the editions that do not list the protocols."""
    for loc, param in structs_of(document, *_PARAM_LISTS):
        protocol = text_at(param, "protocol")
        if protocol and protocol.lower() not in ("http", "https"):
            yield warning("unusual-value", (*loc, "protocol"), "is usually http or https", protocol)


def _unused(document: RawDocument, fields: tuple[str, ...], why: str) -> Iterator[Problem]:
    for field in fields:
        if document.get(field):
            yield warning("not-applicable", (field,), why)


@rule(fields=("template",))
def only_for_template(document: RawDocument) -> Iterator[Problem]:
    """A template is made use of by one model type."""
    if text_at(document, "model_type") not in ("Template", "Custom", ""):
        yield from _unused(document, ("template",), "is used only where model_type is Template")


@rule(fields=("source_copy", "cmd"))
def only_for_images(document: RawDocument) -> Iterator[Problem]:
    """A copy is made, and a command started, of images only."""
    kind = text_at(document, "model_type")
    if kind and kind != "Image":
        yield from _unused(document, ("source_copy",), "is used only where model_type is Image")
    if kind and kind not in PACKAGED:
        yield from _unused(document, ("cmd",), "is the start command of an image")


@rule(fields=("model_docs", "template"))
def not_for_custom(document: RawDocument) -> Iterator[Problem]:
    """What a custom model has no use for."""
    if text_at(document, "model_type") == "Custom":
        yield from _unused(document, ("model_docs", "template"), "does not apply where model_type is Custom")


@rule(fields=("deployment_constraints",))
def certain_sites(document: RawDocument) -> Iterator[Problem]:
    """Constraints that not every site offers."""
    yield from _unused(document, ("deployment_constraints",), "is offered on certain sites only")


def named_elsewhere(types: tuple[str, ...], page: str, other: str) -> Rule:
    """Warns of model types that the API's page does not list and another page of the vendor does.

    Nobody can know which page the service follows, so the type is sent; a strict server of the edition
    refuses it.
    """

    @rule(fields=("initial_config", "model_type"))
    def check(document: RawDocument) -> Iterator[Problem]:
        for root, holder in roots_of(document):
            value = text_at(holder, "model_type")
            if value in types:
                why = f"is not listed by {page}, but by {other}; the service may refuse it"
                yield warning(TOLERATED, (*root, "model_type"), why, value)

    return check


EVERY_EDITION = (
    pair, params, apis, api_keys, execution_code, source_scheme, metrics_known,
    config_file.agrees, config_file.details,
)  # fmt: skip
