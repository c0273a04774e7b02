"""From the bytes of an import call to a request that the edition's rules accept, or the vendor's refusal.

The rules are the contract room's; here they get the vendor's codes. Which code answers which field is
documented only for some; the rest follow the message templates of the code table (3036 names a missing
parameter, 3037 an invalid one).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from reconciler.contract.json_values import read_json
from reconciler.embedded.answers import (
    BAD_ARGUMENT,
    BAD_CONFIG,
    BAD_PARAMETER,
    BAD_RESTRAINT,
    BAD_SOURCE,
    BAD_VALUES,
    DUPLICATE_INPUT,
    INVALID,
    MISSING,
    NO_TEMPLATE,
    NO_TEMPLATE_ID,
    NOT_JSON,
    UNKNOWN_CONFIG_KEY,
    UNSUPPORTED_TYPE,
    Code,
    VendorError,
)
from reconciler.embedded.new_model import contradiction

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reconciler.contract import Edition, Problem
    from reconciler.embedded.settings import EmbeddedSettings, FieldCodes


_GENERAL: Mapping[FieldCodes, Code] = {"0101": BAD_ARGUMENT, "0104": BAD_PARAMETER, "0107": BAD_VALUES}


def read_request(body: bytes, rules: Edition, settings: EmbeddedSettings) -> dict[str, Any]:
    """The request in the body of an import call.

    Raises:
        VendorError: it is not JSON, or the rules refuse it; the message names every fault.
    """
    request = _parse(body)
    faults = [p for p in rules.judge(request, strict=settings.strict) if p.severity == "error"]
    if faults:
        raise VendorError(_code(faults[0], settings), "; ".join(problem.message for problem in faults))
    for code, why in _left_open(request, settings):
        raise VendorError(code, why)
    return request


def general_code(settings: EmbeddedSettings) -> Code:
    """The code for values that no code of their own exists for."""
    return _GENERAL.get(settings.field_codes, BAD_VALUES)


def _left_open(request: Mapping[str, Any], settings: EmbeddedSettings) -> Iterator[tuple[Code, str]]:
    """What is refused only where the settings say so, because the documents do not."""
    if settings.zero_version == "refused" and request["model_version"] == "0.0.0":
        yield _by_field(INVALID, settings), "model_version: 0.0.0 is no version here"
    if settings.strict and isinstance(request.get("source_copy"), bool):
        yield _by_field(INVALID, settings), "source_copy: must be the text true or false"
    if settings.content_errors == "at-once" and (why := contradiction(request)):
        yield BAD_CONFIG, why


def _parse(body: bytes) -> dict[str, Any]:
    """The body as a JSON object that can be stored and given back: no NaN, no lone surrogates."""
    try:
        request = read_json(body.decode())
        json.dumps(request, ensure_ascii=False, allow_nan=False).encode()
    except ValueError as error:
        raise VendorError(NOT_JSON, f"the body is not JSON in UTF-8: {error}") from error
    if not isinstance(request, dict):
        raise VendorError(NOT_JSON, "the body is JSON, but not an object with the fields of the request")
    return request


def _code(problem: Problem, settings: EmbeddedSettings) -> Code:
    if problem.loc == ("model_type",) and problem.code == "not-in-enumeration":
        return UNSUPPORTED_TYPE if settings.type_code == "3053" else _by_field(INVALID, settings)
    code = _own_code(problem)
    return _by_field(code, settings) if code in (MISSING, INVALID) else code


def _by_field(code: Code, settings: EmbeddedSettings) -> Code:
    return _GENERAL.get(settings.field_codes, code)


def _own_code(problem: Problem) -> Code:
    code = MISSING if problem.code == "missing-field" else INVALID
    match problem.loc, problem.code:
        case ("initial_config", *_), "unknown-field":
            code = UNKNOWN_CONFIG_KEY
        case ("initial_config", *_), _:
            code = BAD_CONFIG
        case (*_, "restraint"), _:
            code = BAD_RESTRAINT
        case ("template",), "missing-field":
            code = NO_TEMPLATE
        case ("template", "template_id"), "missing-field":
            code = NO_TEMPLATE_ID
        case ("template", *_), "duplicate":
            code = DUPLICATE_INPUT
        case ("source_location",), other if other != "missing-field":
            code = BAD_SOURCE
    return code
