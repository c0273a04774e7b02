"""JSON Schema of the configuration, for editors."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

from reconciler.settings.tables import Settings

_UNITS = (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))
_EXAMPLE = {
    "source": {"repo": ".", "branch": "main"},
    "targets": {
        "staging": {"kind": "embedded", "path": "models.d"},
        "prod": {
            "kind": "modelarts",
            "path": "models.d",
            "endpoint": "https://modelarts.cn-north-4.myhuaweicloud.com",
            "project_id": "0123456789abcdef0123456789abcdef",
            "edition": "current",
            "auth": {"method": "token", "token_env": "MODELARTS_TOKEN"},
        },
    },
    "schedule": {"every": "30s"},
}


class _ForEditors(GenerateJsonSchema):
    """With defaults as the file would say them, and without those of whole tables."""

    def default_schema(self, schema: Any) -> dict[str, Any]:  # noqa: ANN401 - pydantic's signature
        if isinstance(schema.get("default"), BaseModel):
            return self.generate_inner(schema["schema"])
        return super().default_schema(schema)

    def encode_default(self, dft: Any) -> Any:  # noqa: ANN401 - pydantic's signature
        return _duration(dft) if isinstance(dft, timedelta) else super().encode_default(dft)


def configuration_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of `reconciler.toml`: every key with its meaning, form and default."""
    schema = Settings.model_json_schema(schema_generator=_ForEditors)
    return schema | {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:model-reconciler:schema:config",
        "title": "reconciler.toml",
        "description": "The configuration of the model reconciler.",
        "examples": [_EXAMPLE],
    }


def _duration(value: timedelta) -> str:
    """Such as `30s`; in the largest unit that needs no fraction."""
    seconds = value.total_seconds()
    for unit, size in _UNITS:
        if seconds and seconds % size == 0:
            return f"{seconds / size:.0f}{unit}"
    return f"{seconds * 1000:.0f}ms" if seconds else "0s"
