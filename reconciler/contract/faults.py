"""What is wrong with a mapping, field by field: from pydantic's errors to problems."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import ValidationError

from reconciler.contract.catalogue import EDITIONS_OF_FIELD
from reconciler.contract.fields import NOT_JSON
from reconciler.contract.free import HALF_A_PAIR, encodable
from reconciler.contract.models import model_of
from reconciler.contract.structs import known_fields, longest_list, struct_in
from reconciler.contract.wording import error
from reconciler.phrases import did_you_mean, listed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pydantic_core import ErrorDetails

    from reconciler.contract.problem import Loc, Problem
    from reconciler.contract.structs import Member, Struct

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
    """Every error of a document, in pydantic's order; first what pydantic would stop at."""
    told: list[Problem] = []
    judged = _judgeable(struct, document, (), told)
    yield from told
    try:
        model_of(struct).model_validate(judged)
    except ValidationError as fault:
        for detail in fault.errors(include_url=False):
            yield from _problems(struct, detail)


def _judgeable(
    struct: type[Struct], value: Mapping[str, object], loc: Loc, told: list[Problem]
) -> dict[str, object]:
    """The mapping without keys that pydantic cannot read: it would judge nothing beside them."""
    kept = {}
    for key, below in value.items():
        member = struct.members.get(key)
        if not encodable(key):
            told.append(error("invalid-value", (*loc, key), HALF_A_PAIR, key))
        else:
            kept[key] = below if member is None else _below(member, below, (*loc, key), told)
    return kept


def _below(member: Member, value: object, loc: Loc, told: list[Problem]) -> object:
    """The value of a field, where it holds structs with each of them judgeable."""
    inner, most = struct_in(member.annotation), longest_list(member.annotation)
    if isinstance(value, list):
        if most is not None and len(value) > most:
            told.append(error("too-long", loc, f"has {len(value)} entries, and at most {most} are allowed"))
        return [
            _judgeable(inner, item, (*loc, index), told) if inner and isinstance(item, dict) else item
            for index, item in enumerate(value)
        ]
    return _judgeable(inner, value, loc, told) if inner and isinstance(value, dict) else value


def _problems(struct: type[Struct], detail: ErrorDetails) -> Iterator[Problem]:
    loc, kind, value = detail["loc"], detail["type"], detail["input"]
    if kind == NOT_JSON:
        for below, why, inner in detail["ctx"]["faults"]:
            yield error("invalid-value", (*loc, *below), why, inner)
    elif kind == "extra_forbidden":
        yield _unknown(struct, loc)
    elif kind == "missing" or (value is None and kind in _SHAPES):
        yield error("missing-field", loc, "is required")
    elif kind in _SHAPES:
        yield error("invalid-type", loc, _shape(kind, value, loc), value)
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
