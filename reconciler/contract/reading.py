"""The quick way to read a struct that has nothing wrong with it, made from its annotations.

Where something is wrong a reader raises, and says nothing of use: pydantic then judges the same annotations
again, and words every problem. The leaves are read by the same `FieldType.read` on both ways.
"""

from __future__ import annotations

import sys
from functools import cache
from types import NoneType
from typing import TYPE_CHECKING, Annotated, Any, get_args, get_origin

from pydantic.fields import FieldInfo

from reconciler.contract.fields import FieldType, FreeKind
from reconciler.contract.structs import OpenStruct

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from reconciler.contract.structs import Struct

    Reader = Callable[[object], Any]
    """From a value as written to the value as it is sent.

    Raises:
        ValueError, LookupError: something is wrong with it.
    """


@cache
def reader_of(model: type[Struct]) -> Reader:
    """The reader of mappings that are such a struct; it keeps the keys and the order of what was written."""
    fields = model.model_fields
    members: Mapping[str, Reader] = {
        name: _of(field.annotation, field.metadata) for name, field in fields.items()
    }
    if issubclass(model, OpenStruct):
        members = _Open(members)
    required = frozenset(name for name, field in fields.items() if field.is_required())
    blank_is_absent = model.blank_is_absent

    def read(value: object) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise ValueError  # noqa: TRY004 - what a caller of a reader waits for
        taken = {}
        for key, written in value.items():
            member = members[key]
            if written is not None:
                taken[key] = member(written)
        if not required <= taken.keys():
            raise LookupError
        for key in blank_is_absent:
            if taken.get(key) == "":
                del taken[key]
        return taken

    return read


class _Open(dict[str, "Reader"]):
    """The members of a struct that may hold keys nobody documents."""

    def __missing__(self, _key: str) -> Reader:
        return FreeKind().read


def _of(annotation: Any, marks: Iterable[object]) -> Reader:  # noqa: ANN401 - annotations are untyped
    flat = [inner for mark in marks for inner in (mark.metadata if isinstance(mark, FieldInfo) else (mark,))]
    kind = next((mark for mark in flat if isinstance(mark, FieldType)), None)
    if kind is not None:
        return kind.read
    if get_origin(annotation) is Annotated:
        return _of(annotation.__origin__, annotation.__metadata__)
    parts = get_args(annotation)
    if NoneType in parts:
        return _of(next(part for part in parts if part is not NoneType), ())
    if get_origin(annotation) is list:
        return _list_of(_of(parts[0], ()), flat)
    return reader_of(annotation)


def _list_of(item: Reader, marks: Iterable[object]) -> Reader:
    limit = min((getattr(mark, "max_length", sys.maxsize) for mark in marks), default=sys.maxsize)

    def read(value: object) -> list[Any]:
        if not isinstance(value, list) or len(value) > limit:
            raise ValueError
        return [item(written) for written in value]

    return read
