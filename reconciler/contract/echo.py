"""What a registry shows of each field of the import request: said by the field itself, read by `drift`.

Every field of every edition is annotated with one `Echo` where it is declared. A field without one is an
error of the first comparison, and of a test, so that no new field is left out of comparisons unnoticed.
"""

from __future__ import annotations

from enum import Enum
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from reconciler.contract.catalogue import EDITIONS, edition

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.contract.structs import Member


class Echo(Enum):
    """How the detail of a model shows a field (section 3 of the API reference)."""

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


class Echoed(NamedTuple):
    """How one field is shown.

    Attributes:
        members: the names of all documented members of its structs, at any depth; what else a registry adds
            to them is not compared.
    """

    echo: Echo
    members: frozenset[str] = frozenset()


@cache
def echoes() -> Mapping[str, Echoed]:
    """How each field of any edition is shown, by name; loads all editions.

    Raises:
        TypeError: a field does not say it, or two editions say it differently.
    """
    by_field: dict[str, Echoed] = {}
    for name in EDITIONS:
        for field, declared in edition(name).struct.members.items():
            echoed = _echoed(f"{field} of {name}", declared)
            before = by_field.get(field, echoed)
            if before.echo is not echoed.echo:
                raise TypeError(
                    f"{field} of {name} is {echoed.echo}, and in an earlier edition {before.echo}"
                )
            by_field[field] = Echoed(echoed.echo, before.members | echoed.members)
    return by_field


def _echoed(where: str, declared: Member) -> Echoed:
    from reconciler.contract.structs import struct_in  # noqa: PLC0415 - which imports this one

    marks = [mark for mark in declared.marks if isinstance(mark, Echo)]
    if len(marks) != 1:
        raise TypeError(f"{where}: annotate it with one Echo, so that comparing knows what a registry shows")
    return Echoed(marks[0], frozenset(_members(struct_in(declared.annotation))))


def _members(struct: Any) -> set[str]:  # noqa: ANN401 - a struct, or None
    from reconciler.contract.structs import struct_in  # noqa: PLC0415 - which imports this one

    if struct is None:
        return set()
    inner = [_members(struct_in(field.annotation)) for field in struct.members.values()]
    return set(struct.members).union(*inner)
