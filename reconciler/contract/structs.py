"""What a struct of the import request is, and the quick way to read one that has nothing wrong with it.

A struct is a class whose annotations are its fields. Where something is wrong a reader raises, and says
nothing of use: pydantic then judges the same annotations (`models`), and words every problem. The leaves are
read by the same `FieldType.read` on both ways.
"""

from __future__ import annotations

import sys
from enum import Enum
from functools import cache
from inspect import get_annotations
from types import MappingProxyType, NoneType
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, get_args, get_origin

from reconciler.contract.fields import AtMost, FieldType, FreeKind
from reconciler.contract.json_values import encodable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from pydantic import GetCoreSchemaHandler
    from pydantic_core import CoreSchema

    Reader = Callable[[object], Any]
    """From a value as written to the value as it is sent.

    Raises:
        ValueError, LookupError: something is wrong with it.
    """


class Echo(Enum):
    """How the detail of a model shows a field of the request (section 3 of the API reference).

    Every field of every edition is annotated with one, for the comparison of both (`detail`).
    """

    SAME = "under the same name; equal in canonical form"
    WHOLE = "under the same name, and never filled in: nothing where nothing was declared"
    OR_DROPPED = "under the same name, or empty, which proves nothing"
    ANY_CASE = "under the same name, in letters of either case"
    IMAGES_ONLY = "as true or false, and for images only"
    JSON_TEXT = "as JSON text, whose items have further members"
    METRICS = "as JSON text; all zeros stand for nothing"
    CONFIG = "under the name config, as JSON text with further keys, its health probe beside it"
    DERIVED = "under the same name, and derived anew: never compared"
    NEVER = "not at all: never compared"


class Member(NamedTuple):
    """One field of a struct.

    Attributes:
        annotation: its type, with the marks on it; None until the struct is made.
        description: for people; None where its name says all.
        is_required: whether it must be there.
    """

    annotation: Any = None
    description: str | None = None
    is_required: bool = False

    @property
    def marks(self) -> tuple[object, ...]:
        """What is said of its type."""
        return self.annotation.__metadata__ if get_origin(self.annotation) is Annotated else ()


def required(description: str) -> Any:  # noqa: ANN401 - of the field's own type
    """A field that must be there."""
    return Member(description=description, is_required=True)


def optional(description: str) -> Any:  # noqa: ANN401 - of the field's own type
    """A field that may be absent."""
    return Member(description=description)


class _Fields(type):
    """The type of structs: it makes their fields of their annotations.

    Attributes:
        members: the fields by name, those of the structs that this one is made from first.
    """

    members: Mapping[str, Member]

    def __init__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> None:
        super().__init__(name, bases, namespace)
        members: dict[str, Member] = {}
        for base in reversed(bases):
            members |= getattr(base, "members", {})
        for field, annotation in get_annotations(cls).items():
            members[field] = (namespace[field] or Member())._replace(annotation=annotation)
        cls.members = members


class Struct(metaclass=_Fields):
    """A mapping whose keys are known.

    Attributes:
        blank_is_absent: fields whose empty text means that the field is not there.
        schema: what JSON Schema says of the mapping as a whole.
    """

    blank_is_absent = frozenset[str]()
    schema = MappingProxyType[str, Any]({})

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        from reconciler.contract.models import model_of  # noqa: PLC0415 - pydantic asks, so it is loaded

        return handler(model_of(cls))


class OpenStruct(Struct):
    """A mapping that may also hold keys nobody documents."""


def struct_in(annotation: Any) -> type[Struct] | None:  # noqa: ANN401 - annotations are untyped
    """The struct that a field holds, by itself or in a list; None for any other field."""
    if isinstance(annotation, type) and issubclass(annotation, Struct):
        return annotation
    return next((struct for part in get_args(annotation) if (struct := struct_in(part))), None)


# --- the quick way ------------------------------------------------------------------------------------


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
