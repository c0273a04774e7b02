"""The structs as pydantic models: they word what is wrong with a mapping, and write its JSON Schema.

Most mappings have nothing wrong with them, and are read without (`reading`).
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, create_model
from pydantic_core import PydanticCustomError, core_schema

from reconciler.contract.fields import Free, Invalid
from reconciler.contract.structs import OpenStruct

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.contract.structs import Struct


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, defer_build=True)


class _Open(_Closed):
    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Free] = Field(init=False)


@cache
def model_of(struct: type[Struct]) -> type[BaseModel]:
    """The model of such mappings."""
    fields: dict[str, Any] = {
        name: (
            member.annotation,
            Field(... if member.is_required else None, description=member.description),
        )
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
