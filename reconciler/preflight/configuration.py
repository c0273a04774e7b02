"""`model/config.json`, or the manifest's `initial_config` in its place: form and contradictions. Pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from reconciler.contract import digest, edition
from reconciler.contract.problem import place, show, warning
from reconciler.preflight.address import image_fault
from reconciler.preflight.values import CONFIG, about_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from reconciler.contract import Problem
    from reconciler.contract.problem import Loc

    Say = Callable[[str, Loc, str], Problem]

FIELD = "initial_config"
JSON_ONLY = ("Scikit_Learn", "XGBoost", "Spark_MLlib")
"""Engines whose APIs take and give nothing but application/json."""

_BOM = b"\xef\xbb\xbf"


def file_problems(data: bytes, request: Mapping[str, Any], edition_name: str) -> Iterator[Problem]:
    """What is wrong with the content of a `config.json`, by itself and against the manifest.

    Its form is judged by the edition's own rules, as if the manifest carried it as `initial_config`.
    """
    if data.startswith(_BOM):
        yield _of_file("invalid-json", "begins with a byte order mark; save it without one")
        return
    try:
        text = data.decode()
    except UnicodeDecodeError as fault:
        yield _of_file("invalid-json", f"is not UTF-8 text, from byte {fault.start} on")
        return
    for problem in edition(edition_name).judge({**request, FIELD: text}):
        if problem.loc[:1] == (FIELD,) and problem.code != "incomplete":
            why = problem.message.removeprefix(FIELD).lstrip(".: ")
            yield _of_file(problem.code, why)
    config = opened(text)
    for name in ("model_algorithm", "model_type"):
        if config is not None and not config.get(name):
            yield _of_file("missing-field", f"{name}: is required")
    if config is not None:
        yield from _further(config, request, _in_file)


def given_problems(request: Mapping[str, Any]) -> Iterator[Problem]:
    """What the edition's rules do not say about the `initial_config` of a valid manifest."""
    config = opened(request.get(FIELD))
    if config is not None:
        yield from _further(config, request, _in_manifest)


def opened(text: object) -> Mapping[str, Any] | None:
    """The mapping that a JSON text holds, or None when it holds none."""
    try:
        value = json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _further(config: Mapping[str, Any], request: Mapping[str, Any], say: Say) -> Iterator[Problem]:
    kind = request["model_type"]
    yield from _image(config, request, say)
    ours, theirs = request.get("dependencies"), config.get("dependencies")
    if ours and theirs and digest({"dependencies": ours}) != digest({"dependencies": theirs}):
        why = "differ from the manifest's own, which count; keep them in one place"
        yield say("contradiction", ("dependencies",), why)
    if kind in JSON_ONLY:
        yield from _json_only(config, kind, say)
    health = config.get("health")
    url = health.get("url") if isinstance(health, dict) else None
    if kind == "Custom" and url not in (None, "/health"):
        yield say("unusual-value", ("health", "url"), f"{show(url)} must be '/health' for a Custom model")


def _image(config: Mapping[str, Any], request: Mapping[str, Any], say: Say) -> Iterator[Problem]:
    if request["model_type"] != "Image":
        return
    address = config.get("swr_location")
    from_image = image_fault(str(request.get("source_location", ""))) is None
    if not address and not from_image:
        yield say("missing-field", ("swr_location",), "is required for an Image that comes from a bucket")
    fault = image_fault(address) if isinstance(address, str) and address else None
    if fault:
        yield say("image-address", ("swr_location",), fault)


def _json_only(config: Mapping[str, Any], kind: str, say: Say) -> Iterator[Problem]:
    apis = config.get("apis")
    for index, api in enumerate(apis if isinstance(apis, list) else ()):
        for way in ("request", "response"):
            exchange = api.get(way) if isinstance(api, dict) else None
            for key, value in exchange.items() if isinstance(exchange, dict) else ():
                if key.lower() == "content-type" and value != "application/json":
                    why = f"{show(value)} must be 'application/json' for {kind}".lstrip()
                    yield say("unusual-value", ("apis", index, way, key), why)


def _in_file(code: str, loc: Loc, why: str) -> Problem:
    return _of_file(code, f"{place(loc)}: {why}")


def _in_manifest(code: str, loc: Loc, why: str) -> Problem:
    return warning(f"preflight-{code}", (FIELD, *loc), why)


def _of_file(code: str, why: str) -> Problem:
    return about_file(CONFIG, f"preflight-{code}", why)
