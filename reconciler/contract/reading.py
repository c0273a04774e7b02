"""The quick way to read a struct that has nothing wrong with it, made from its annotations.

Where something is wrong a reader raises, and says nothing of use: pydantic then judges the same annotations
(`models`), and words every problem. The leaves are read by the same `FieldType.read` on both ways.
"""

from __future__ import annotations

import sys
from functools import cache
from types import NoneType
from typing import TYPE_CHECKING, Annotated, Any, get_args, get_origin

from reconciler.contract.fields import AtMost, FieldType, FreeKind
from reconciler.contract.free import encodable
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
def reader_of(struct: type[Struct]) -> Reader:
    """The reader of mappings that are such a struct; it keeps the keys and the order of what was written."""
    members: Mapping[str, Reader] = {name: _of(member.annotation) for name, member in struct.members.items()}
    if issubclass(struct, OpenStruct):
        members = _Open(members)
    required = frozenset(name for name, member in struct.members.items() if member.is_required)
    blank_is_absent = struct.blank_is_absent

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

    def __missing__(self, key: str) -> Reader:
        if not encodable(key):
            raise ValueError
        return FreeKind().read


def _of(annotation: Any, marks: Iterable[object] = ()) -> Reader:  # noqa: ANN401 - annotations are untyped
    kind = next((mark for mark in marks if isinstance(mark, FieldType)), None)
    if kind is not None:
        return kind.read
    if get_origin(annotation) is Annotated:
        return _of(annotation.__origin__, annotation.__metadata__)
    parts = get_args(annotation)
    if NoneType in parts:
        return _of(next(part for part in parts if part is not NoneType))
    if get_origin(annotation) is list:
        return _list_of(_of(parts[0]), marks)
    return reader_of(annotation)


def _list_of(item: Reader, marks: Iterable[object]) -> Reader:
    limit = min((mark.most for mark in marks if isinstance(mark, AtMost)), default=sys.maxsize)

    def read(value: object) -> list[Any]:
        if not isinstance(value, list) or len(value) > limit:
            raise ValueError
        return [item(written) for written in value]

    return read
