"""Rules that never stop an import: where the vendor's documents disagree, or a mistake is likely."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.contract import config_rules
from reconciler.contract.fields import read_number
from reconciler.contract.rules import PACKAGED, TOLERATED, Rule, struct_at, structs_at, text_at
from reconciler.contract.wording import warning
from reconciler.phrases import did_you_mean, listed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reconciler.contract.json_text import RawDocument
    from reconciler.contract.problem import Loc, Problem

_NUMERIC = ("int", "float")
_METRICS = ("f1", "recall", "precision", "accuracy")


_PARAMS = ("input_params", "output_params", "initial_config")
"""The fields that hold parameters."""


def _params_of(document: RawDocument) -> Iterator[tuple[Loc, Mapping[str, Any]]]:
    """Every parameter of the request and of its configuration, with its place."""
    config = struct_at(document, "initial_config")
    for field in ("input_params", "output_params"):
        yield from structs_at(document, field)
        yield from structs_at(config, field, ("initial_config",))


def _pair(document: RawDocument) -> Iterator[Problem]:
    name = text_at(document, "model_name")
    if name and (name[0] in "-_" or (name[0].isascii() and name[0].isdigit())):
        why = "starts with a digit, - or _; the vendor's SDK wants a letter first"
        yield warning("unusual-value", ("model_name",), why, name)
    if text_at(document, "model_version") == "0.0.0":
        yield warning(
            "unusual-value", ("model_version",), "is not known to be accepted; start at 0.0.1", "0.0.0"
        )


PAIR = Rule(_pair, fields=("model_name", "model_version"))
"""Cases 5 and 7."""


def _params(document: RawDocument) -> Iterator[Problem]:
    for loc, param in _params_of(document):
        kind = text_at(param, "param_type")
        if kind == "box":
            why = "is not in the vendor's table, only in its example; the service may refuse it"
            yield warning(TOLERATED, (*loc, "param_type"), why, kind)
        for bound in ("min", "max"):
            if param.get(bound) is not None and kind and kind not in _NUMERIC:
                why = f"is meant for param_type int or float, and this is {kind}"
                yield warning(TOLERATED, (*loc, bound), why, param[bound])
        yield from _bounds(loc, param)


def _bounds(loc: Loc, param: Mapping[str, Any]) -> Iterator[Problem]:
    """No value can be at least the one and at most the other: the only pair of limits in the documents."""
    least, most = (read_number(param.get(bound)) for bound in ("min", "max"))
    if least is not None and most is not None and least > most:
        yield warning("contradiction", (*loc, "min"), f"is above max, which is {most}", param["min"])


PARAMS = Rule(_params, fields=_PARAMS)
"""Case 21: table 3 against the example of the same page; and limits that exclude each other."""


def _apis(document: RawDocument) -> Iterator[Problem]:
    if text_at(document, "model_type") in (*PACKAGED, ""):
        return
    config = struct_at(document, "initial_config")
    for root, holder in (((), document), (("initial_config",), config)):
        apis = [*structs_at(holder, "apis", root)]
        if len(apis) > 1:
            yield warning(TOLERATED, (*root, "apis"), "a model that is no Image has exactly one API")
        for loc, api in apis:
            if text_at(api, "url") not in ("", "/"):
                why = "the API of a model that is no Image has the url '/'"
                yield warning(TOLERATED, (*loc, "url"), why, api["url"])


APIS = Rule(_apis, fields=("apis", "initial_config"))
"""Case 27: package specification against the example of the import page."""


def _api_keys(document: RawDocument) -> Iterator[Problem]:
    members = ("url", "method", "protocol", "input_params", "output_params")
    for loc, api in structs_at(document, "apis"):
        for key in api:
            if key not in members:
                yield warning("unknown-field", (*loc, key), f"is not documented{did_you_mean(key, members)}")


API_KEYS = Rule(_api_keys, fields=("apis",))


def _apis_typed_as_text(document: RawDocument) -> Iterator[Problem]:
    if isinstance(document.get("apis"), list) and "apis" not in document.texts:
        why = "the vendor's table says text and its example sends a list; sent as a list"
        yield warning(TOLERATED, ("apis",), why)


APIS_TYPED_AS_TEXT = Rule(_apis_typed_as_text, fields=("apis",))


def _execution_code(document: RawDocument) -> Iterator[Problem]:
    code, source = text_at(document, "execution_code"), text_at(document, "source_location")
    if not code:
        return
    if "/model/" not in code:
        why = "should lie in the directory model/ of the source; the service finds it there by itself"
        yield warning(TOLERATED, ("execution_code",), why, code)
    elif source and not code.startswith(f"{source.rstrip('/')}/"):
        yield warning(TOLERATED, ("execution_code",), "lies outside source_location", code)


EXECUTION_CODE = Rule(_execution_code, fields=("execution_code",))


def _source_scheme(document: RawDocument) -> Iterator[Problem]:
    source = text_at(document, "source_location")
    scheme, separator, _ = source.partition("://")
    if separator and scheme.lower() not in ("http", "https", "obs"):
        why = "is neither an OBS path nor an image address"
        yield warning("unusual-value", ("source_location",), why, source)


SOURCE_SCHEME = Rule(_source_scheme, fields=("source_location",))


def _metrics_complete(document: RawDocument) -> Iterator[Problem]:
    metrics = document.get("model_metrics")
    if not isinstance(metrics, dict):
        return
    missing = [name for name in _METRICS if metrics.get(name) is None]
    if missing:
        yield warning("incomplete", ("model_metrics",), f"the vendor's table also has {listed(missing)}")


METRICS_COMPLETE = Rule(_metrics_complete, fields=("model_metrics",))
"""Table 6 of 2019; later editions make the members optional."""


def _metrics_known(document: RawDocument) -> Iterator[Problem]:
    for key in struct_at(document, "model_metrics"):
        if key not in _METRICS:
            why = f"is not a documented metric{did_you_mean(key, _METRICS)}"
            yield warning("unknown-field", ("model_metrics", key), why)


METRICS_KNOWN = Rule(_metrics_known, fields=("model_metrics",))


def _description_empty(document: RawDocument) -> Iterator[Problem]:
    if document.get("description") == "":
        yield warning("unusual-value", ("description",), "must have 1 to 100 characters; leave it out", "")


DESCRIPTION_EMPTY = Rule(_description_empty, fields=("description",))
"""Case 12."""


def _recommended_lengths(document: RawDocument) -> Iterator[Problem]:
    for loc, param in _params_of(document):
        for field, most in (("param_name", 64), ("param_desc", 100)):
            length = len(text_at(param, field))
            if length > most:
                why = f"has {length} characters; the vendor recommends at most {most}"
                yield warning("too-long", (*loc, field), why)


RECOMMENDED_LENGTHS = Rule(_recommended_lengths, fields=_PARAMS)


def _web_protocols(document: RawDocument) -> Iterator[Problem]:
    for loc, param in _params_of(document):
        protocol = text_at(param, "protocol")
        if protocol and protocol.lower() not in ("http", "https"):
            yield warning("unusual-value", (*loc, "protocol"), "is usually http or https", protocol)


WEB_PROTOCOLS = Rule(_web_protocols, fields=_PARAMS)


def _unused(document: RawDocument, fields: tuple[str, ...], why: str) -> Iterator[Problem]:
    for field in fields:
        if document.get(field):
            yield warning("not-applicable", (field,), why)


def _only_for_template(document: RawDocument) -> Iterator[Problem]:
    if text_at(document, "model_type") not in ("Template", "Custom", ""):
        yield from _unused(document, ("template",), "is used only where model_type is Template")


ONLY_FOR_TEMPLATE = Rule(_only_for_template, fields=("template",))


def _only_for_images(document: RawDocument) -> Iterator[Problem]:
    kind = text_at(document, "model_type")
    if kind and kind != "Image":
        yield from _unused(document, ("source_copy",), "is used only where model_type is Image")
    if kind and kind not in PACKAGED:
        yield from _unused(document, ("cmd",), "is the start command of an image")


ONLY_FOR_IMAGES = Rule(_only_for_images, fields=("source_copy", "cmd"))


def _not_for_custom(document: RawDocument) -> Iterator[Problem]:
    if text_at(document, "model_type") == "Custom":
        yield from _unused(document, ("model_docs", "template"), "does not apply where model_type is Custom")


NOT_FOR_CUSTOM = Rule(_not_for_custom, fields=("model_docs", "template"))


def _certain_sites(document: RawDocument) -> Iterator[Problem]:
    yield from _unused(document, ("deployment_constraints",), "is offered on certain sites only")


CERTAIN_SITES = Rule(_certain_sites, fields=("deployment_constraints",))


EVERY_EDITION = (
    PAIR, PARAMS, APIS, API_KEYS, EXECUTION_CODE, SOURCE_SCHEME, METRICS_KNOWN,
    config_rules.AGREES, config_rules.DETAILS,
)  # fmt: skip
