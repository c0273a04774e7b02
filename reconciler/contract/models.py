"""The structs as pydantic models: they word what is wrong with a mapping, and write its JSON Schema.

Most mappings have nothing wrong with them, and are read without (`structs.reader_of`).
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import PydanticCustomError, core_schema

from reconciler.contract.catalogue import EDITIONS_OF_FIELD
from reconciler.contract.fields import NOT_JSON, AtMost, Free, Invalid
from reconciler.contract.json_values import HALF_A_PAIR, JSON_TEXTS, encodable
from reconciler.contract.problem import error
from reconciler.contract.structs import OpenStruct, struct_in
from reconciler.phrases import did_you_mean, listed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pydantic_core import ErrorDetails

    from reconciler.contract.editions.edition import Edition
    from reconciler.contract.problem import Loc, Problem
    from reconciler.contract.structs import Member, Struct


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, defer_build=True)


class _Open(_Closed):
    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Free] = Field(init=False)


@cache
def model_of(struct: type[Struct]) -> type[BaseModel]:
    """The model of such mappings."""
    fields: dict[str, Any] = {
        name: (member.annotation, Field(... if member.is_required else None, description=member.description))
        for name, member in struct.members.items()
    }
    return create_model(
        struct.__name__,
        __base__=_Open if issubclass(struct, OpenStruct) else _Closed,
        __doc__=struct.__doc__,
        __cls_kwargs__={"json_schema_extra": dict(struct.schema)},
        **fields,
    )


def judging(read: Callable[[object], object]) -> core_schema.CoreSchema:
    """What has pydantic ask a `FieldType`, and report in its own way that a field does not take a value."""

    def judged(value: object) -> object:
        try:
            return read(value)
        except Invalid as fault:
            context = {"why": fault.why, "faults": fault.faults}
            raise PydanticCustomError(fault.code, "{why}", context) from None

    return core_schema.no_info_plain_validator_function(judged)


# --- what is wrong, field by field ----------------------------------------------------------------------

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
    problems: list[Problem] = []
    judged = _judgeable(struct, document, (), problems)
    yield from problems
    try:
        model_of(struct).model_validate(judged)
    except ValidationError as fault:
        for detail in fault.errors(include_url=False):
            yield from _problems(struct, detail)


def _judgeable(
    struct: type[Struct], value: Mapping[str, object], loc: Loc, problems: list[Problem]
) -> dict[str, object]:
    """The mapping without keys that pydantic cannot read: it would judge nothing beside them."""
    kept = {}
    for key, below in value.items():
        member = struct.members.get(key)
        if not encodable(key):
            problems.append(error("invalid-value", (*loc, key), HALF_A_PAIR, key))
        else:
            kept[key] = below if member is None else _below(member, below, (*loc, key), problems)
    return kept


def _below(member: Member, value: object, loc: Loc, problems: list[Problem]) -> object:
    """The value of a field, where it holds structs with each of them judgeable."""
    inner, most = struct_in(member.annotation), _longest_list(member.annotation)
    if isinstance(value, list):
        if most is not None and len(value) > most:
            problems.append(
                error("too-long", loc, f"has {len(value)} entries, and at most {most} are allowed")
            )
        return [
            _judgeable(inner, item, (*loc, index), problems) if inner and isinstance(item, dict) else item
            for index, item in enumerate(value)
        ]
    return _judgeable(inner, value, loc, problems) if inner and isinstance(value, dict) else value


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
    key, names = (
        str(loc[-1]),
        _known_fields(struct, tuple(step for step in loc[:-1] if isinstance(step, str))),
    )
    if len(loc) > 1:
        return error("unknown-field", loc, f"is not a field here{did_you_mean(key, names)}")
    editions = EDITIONS_OF_FIELD.get(key)
    if editions:
        why = f"is not a field of this edition, only of {listed(editions)}; set the target's edition"
        return error("field-of-another-edition", loc, why)
    hint = f"; {_ELSEWHERE[key]}" if key in _ELSEWHERE else did_you_mean(key, names)
    hint = hint or "; a field to be sent all the same goes under extra"
    return error("unknown-field", loc, f"is not a known field{hint}")


def _longest_list(annotation: Any) -> int | None:  # noqa: ANN401 - annotations are untyped
    """How many entries the list that a field holds may have; None where nothing says so."""
    if isinstance(annotation, AtMost):
        return annotation.most
    return next((most for part in get_args(annotation) if (most := _longest_list(part)) is not None), None)


@cache
def _known_fields(struct: type[Struct], steps: tuple[str, ...]) -> tuple[str, ...]:
    """The field names of the struct at a place, list indices left out."""
    for step in steps:
        member = struct.members.get(step)
        inner = struct_in(member.annotation) if member else None
        if inner is None:
            return ()
        struct = inner
    return tuple(struct.members)


# --- JSON Schema ----------------------------------------------------------------------------------------

_FIRST = ("model_name", "model_version", "model_type", "runtime", "source_location", "description")
_SHAPE_TITLE = {"model_metrics": "a JSON object", "initial_config": "a JSON object", "apis": "a JSON array"}

_EXAMPLES = {
    "model_name": "mnist",
    "model_version": "1.0.0",
    "model_type": "TensorFlow",
    "source_location": "https://models.obs.cn-north-4.myhuaweicloud.com/mnist/1.0.0",
    "description": "Handwritten digits",
    "model_metrics": {"f1": 0.52381, "recall": 0.666667, "precision": 0.466667, "accuracy": 0.625},
    "dependencies": [
        {
            "installer": "pip",
            "packages": [{"package_name": "numpy", "package_version": "1.5.0", "restraint": "ATLEAST"}],
        }
    ],
}
"""Values that every edition takes."""


class _ForEditors(GenerateJsonSchema):
    """Without the titles that repeat a field's name and the `default: null` of optional fields."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ANN401, ARG002 - pydantic's signature
        return False

    def default_schema(self, schema: Any) -> dict[str, Any]:  # noqa: ANN401 - pydantic's signature
        return self.generate_inner(schema["schema"])


def manifest_schema(edition: Edition) -> dict[str, Any]:
    """See `Edition.json_schema`."""
    schema = model_of(edition.struct).model_json_schema(schema_generator=_ForEditors)
    properties = {**{name: schema["properties"][name] for name in _FIRST}, **schema["properties"]}
    for name in JSON_TEXTS:
        properties[name]["anyOf"].append(
            {"type": "string", "description": f"Text that holds {_SHAPE_TITLE[name]}."}
        )
    for name, value in edition.defaults.items():
        properties[name]["default"] = value
    for name, value in _EXAMPLES.items():
        properties[name]["examples"] = [value]
    schema |= {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:model-reconciler:schema:manifest:{edition.name}",
        "title": f"Model manifest ({edition.name})",
        "description": f"One model version to be imported, by the rules of {edition.source}.",
        "properties": {**properties, **_manifest_only(edition)},
        "allOf": [
            *(dict(rule.schema) for rule in edition.rules if rule.schema is not None),
            _not_both("initial_config", "initial_config_file"),
        ],
        "examples": [{**_EXAMPLES, "metadata": {"owner": "vision-team", "ticket": "ML-42"}}],
    }
    return schema


def _manifest_only(edition: Edition) -> dict[str, Any]:
    names = [*edition.fields, "metadata", "initial_config_file", "extra"]
    return {
        "metadata": {
            "type": ["object", "null"],
            "description": "Notes for people, such as owner, ticket, labels; kept here and never sent.",
        },
        "initial_config_file": {
            "type": ["string", "number"],
            "description": "File beside this manifest that holds initial_config; read from the same commit.",
        },
        "extra": {
            "anyOf": [{"type": "object", "propertyNames": {"not": {"enum": names}}}, {"type": "null"}],
            "description": "Vendor fields that this edition does not document, sent as they are.",
        },
    }


def _not_both(one: str, other: str) -> dict[str, Any]:
    given = {"not": {"type": "null"}}
    return {"not": {"properties": {one: given, other: given}, "required": [one, other]}}
