"""JSON Schema of a manifest document, put together from an edition's types and rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic.json_schema import GenerateJsonSchema

from reconciler.contract.json_text import JSON_TEXTS
from reconciler.contract.models import model_of

if TYPE_CHECKING:
    from reconciler.contract.editions.edition import Edition

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
