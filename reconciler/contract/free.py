"""Free JSON: positions where the vendor takes any JSON and an unquoted scalar must find its own type."""

from __future__ import annotations

import json
import re
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

from reconciler.contract.scalar import UnquotedScalar

if TYPE_CHECKING:
    from reconciler.contract.problem import Loc

DEEPEST = 64
"""Levels of nesting that are followed; deeper free JSON is refused."""

LARGEST = sys.float_info.max
"""The largest number that every reader of JSON can hold."""

FINITE = "between -1.8e308 and 1.8e308"
"""What to say of a number that is not `finite`."""

HALF_A_PAIR = "holds half of a surrogate pair, which UTF-8 cannot carry"
"""What to say of a text that is not `encodable`."""

_JSON_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)((?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?)")
_NUMBER_LIKE = re.compile(
    r"[-+]?(?:\.[0-9_]+|[0-9][0-9_]*(?:\.[0-9_]*)?)(?:[eE][-+]?[0-9]+)?"
    r"|0[xob][0-9A-Fa-f_]+|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)
LONGEST_NUMBER = 320
"""Characters of an unquoted number."""


class Settled(NamedTuple):
    """A free value as JSON, with what could not be settled: (place below the value, why, value) each."""

    value: Any
    faults: list[tuple[Loc, str, object]]


def to_json(value: object) -> Settled:
    """Reads a free value: mappings, lists and scalars, of which the `UnquotedScalar` ones choose a type here.

    An `UnquotedScalar` that looks like a number becomes one only when its text is what JSON would print back,
    so that `0.5` is a number while `1.10`, which a reader could lose digits of, asks for quotes. Others are
    text.
    """
    faults: list[tuple[Loc, str, object]] = []
    return Settled(_settle(value, (), faults), faults)


def number(text: str) -> int | float | None:
    """The finite number that `text` is in JSON's own notation, or None."""
    parts = _JSON_NUMBER.fullmatch(text) if len(text) <= LONGEST_NUMBER else None
    if parts is None:
        return None
    read = float(text) if parts[1] else int(text)
    return read if finite(read) else None


def in_notation(text: str) -> bool:
    """Whether the text is a number in JSON's own notation, of any size."""
    return _JSON_NUMBER.fullmatch(text) is not None


def finite(value: float) -> bool:
    """Whether every reader of JSON can hold the number: to most, an integer above `LARGEST` is infinite."""
    return -LARGEST <= value <= LARGEST


def encodable(text: str) -> bool:
    """Whether the text has a UTF-8 form; a lone surrogate has none."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _settle(value: object, loc: Loc, faults: list[tuple[Loc, str, object]]) -> object:
    if len(loc) > DEEPEST:
        faults.append((loc, f"is nested deeper than {DEEPEST} levels", None))
        return None
    if isinstance(value, dict):
        return {_text(key, (*loc, key), faults): _settle(v, (*loc, key), faults) for key, v in value.items()}
    if isinstance(value, list):
        return [_settle(v, (*loc, index), faults) for index, v in enumerate(value)]
    if isinstance(value, UnquotedScalar):
        return _plain(value, loc, faults)
    if isinstance(value, str):
        return _text(value, loc, faults)
    if isinstance(value, int | float) and not finite(value):
        faults.append((loc, f"must be a finite number, {FINITE}", None))
    return value


def _plain(text: str, loc: Loc, faults: list[tuple[Loc, str, object]]) -> object:
    if not _NUMBER_LIKE.fullmatch(text):
        return _text(text, loc, faults)
    read = number(text)
    if read is not None and json.dumps(read) == text:
        return read
    instead = f", or write {json.dumps(read)}" if read is not None else ""
    faults.append((loc, f"could be a number or text; put it in quotes{instead}", text))
    return None


def _text(text: str, loc: Loc, faults: list[tuple[Loc, str, object]]) -> str:
    if not encodable(text):
        faults.append((loc, HALF_A_PAIR, text))
    return str(text)
