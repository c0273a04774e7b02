"""What is wrong with a mapping, field by field: from pydantic's errors to problems."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import ValidationError

from reconciler.contract.catalogue import EDITIONS_OF_FIELD
from reconciler.contract.fields import NOT_JSON
from reconciler.contract.free import HALF_A_PAIR
from reconciler.contract.models import model_of
from reconciler.contract.structs import known_fields
from reconciler.contract.wording import error
from reconciler.phrases import did_you_mean, listed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pydantic_core import ErrorDetails

    from reconciler.contract.problem import Loc, Problem
    from reconciler.contract.structs import Struct

_SHAPES = {
    "string_type": "must be text",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "list_type": "must be a list",
    "model_type": "must be a mapping",
    "model_attributes_type": "must be a mapping",
}
_ELSEWHERE = {
    "health": "a health check goes inside initial_config",
    "name": "did you mean 'model_name'?",
    "version": "did you mean 'model_version'?",
    "type": "did you mean 'model_type'?",
    "config": "did you mean 'initial_config'?",
    "metrics": "did you mean 'model_metrics'?",
    "labels": "the import call takes no labels; keep them under metadata",
    "tags": "the import call takes no tags; keep them under metadata",
}


def problems_in(struct: type[Struct], document: Mapping[str, object]) -> Iterator[Problem]:
    """Every error of a document, in pydantic's order."""
    try:
        model_of(struct).model_validate(dict(document))
    except ValidationError as fault:
        for detail in fault.errors(include_url=False):
            yield from _problems(struct, detail)


def _problems(struct: type[Struct], detail: ErrorDetails) -> Iterator[Problem]:
    loc, kind, value = detail["loc"], detail["type"], detail["input"]
    if kind == NOT_JSON:
        for below, why, inner in detail["ctx"]["faults"]:
            yield error("invalid-value", (*loc, *below), why, inner)
    elif kind == "string_unicode":  # a key, which pydantic leaves out of the place: it reads no other text
        yield error("invalid-value", (*loc, value), HALF_A_PAIR, value)
    elif kind == "extra_forbidden":
        yield _unknown(struct, loc)
    elif kind == "missing" or (value is None and kind in _SHAPES):
        yield error("missing-field", loc, "is required")
    elif kind in _SHAPES:
        yield error("invalid-type", loc, _shape(kind, value, loc), value)
    elif kind == "too_long":
        why = f"has {len(value)} entries, and at most {detail['ctx']['max_length']} are allowed"
        yield error("too-long", loc, why)
    else:
        why = detail["ctx"]["why"] if "why" in detail.get("ctx", {}) else detail["msg"]
        yield error(kind, loc, why, value)


def _shape(kind: str, value: object, loc: Loc) -> str:
    why = _SHAPES[kind]
    if kind == "string_type" and isinstance(value, bool | int | float):
        return f"{why}; put it in quotes"
    if kind == "string_type" and isinstance(value, dict | list):
        return f"{why}, and this is a {'mapping' if isinstance(value, dict) else 'list'}"
    if loc in (("initial_config",), ("model_metrics",)):
        return f"{why}, or text that holds a JSON object"
    if loc == ("apis",):
        return f"{why}, or text that holds a JSON array"
    return why


def _unknown(struct: type[Struct], loc: Loc) -> Problem:
    key, names = str(loc[-1]), known_fields(struct, tuple(step for step in loc[:-1] if isinstance(step, str)))
    if len(loc) > 1:
        return error("unknown-field", loc, f"is not a field here{did_you_mean(key, names)}")
    editions = EDITIONS_OF_FIELD.get(key)
    if editions:
        why = f"is not a field of this edition, only of {listed(editions)}; set the target's edition"
        return error("field-of-another-edition", loc, why)
    hint = f"; {_ELSEWHERE[key]}" if key in _ELSEWHERE else did_you_mean(key, names)
    hint = hint or "; a field to be sent all the same goes under extra"
    return error("unknown-field", loc, f"is not a known field{hint}")
