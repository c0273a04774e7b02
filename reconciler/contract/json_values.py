"""JSON in a manifest: scalars without quotes, values that may be any JSON, and JSON inside a string.

Where the vendor takes any JSON, an unquoted scalar must find its own type. Where the API wants JSON inside a
string, a manifest may give either: the text is opened, and closed again.
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any

from reconciler.contract.problem import error, show

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.contract.problem import Loc, Problem

    Faults = list[tuple[Loc, str, object]]
    """What could not be settled of a value: place below it, why, value each."""

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

_TOO_DEEP = f"it is nested deeper than {DEEPEST} levels"

JSON_TEXTS = ("model_metrics", "initial_config", "apis")


class UnquotedScalar(str):
    """A scalar that was written without quotes.

    The manifest reader never guesses types (`1.10` must stay `1.10`), so an unquoted scalar reaches the
    contract as text of this class, and the field it stands in decides: a text field takes the text, a number
    field reads a number, free JSON reads a number where the text is one in canonical form. Quoted scalars
    are ordinary `str` and are never numbers.
    """

    __slots__ = ()


# --- any JSON -------------------------------------------------------------------------------------------


def to_json(value: object) -> tuple[Any, Faults]:
    """Reads a free value: mappings, lists and scalars, of which the `UnquotedScalar` ones choose a type here.

    An `UnquotedScalar` that looks like a number becomes one only when its text is what JSON would print back,
    so that `0.5` is a number while `1.10`, which a reader could lose digits of, asks for quotes. Others are
    text.
    """
    faults: Faults = []
    return _settle(value, (), faults), faults


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


def _settle(value: object, loc: Loc, faults: Faults) -> object:
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


def _plain(text: str, loc: Loc, faults: Faults) -> object:
    if not _NUMBER_LIKE.fullmatch(text):
        return _text(text, loc, faults)
    read = number(text)
    if read is not None and json.dumps(read) == text:
        return read
    instead = f", or write {json.dumps(read)}" if read is not None else ""
    faults.append((loc, f"could be a number or text; put it in quotes{instead}", text))
    return None


def _text(text: str, loc: Loc, faults: Faults) -> str:
    if not encodable(text):
        faults.append((loc, HALF_A_PAIR, text))
    return str(text)


# --- JSON inside a string -------------------------------------------------------------------------------


class RawDocument(dict[str, Any]):
    """A document as it was written, with its JSON texts opened.

    Attributes:
        texts: the fields that were JSON text.
    """

    texts: frozenset[str]

    def __init__(self, document: Mapping[str, Any], opened: Mapping[str, Any]) -> None:
        super().__init__(document)
        self.update(opened)
        self.texts = frozenset(opened)


def open_texts(document: Mapping[str, Any]) -> tuple[RawDocument, tuple[Problem, ...]]:
    """The document with `JSON_TEXTS` parsed; one that does not parse is left out, and is a problem."""
    opened: dict[str, Any] = {}
    problems: list[Problem] = []
    for field in JSON_TEXTS:
        text = document.get(field)
        if isinstance(text, str):
            try:
                opened[field] = read_json(text, unique=True)
            except ValueError as fault:
                opened[field] = None
                problems.append(error("invalid-json", (field,), f"is not valid JSON: {fault}"))
    return RawDocument(document, opened), tuple(problems)


def read_json(text: str, *, unique: bool = False) -> Any:  # noqa: ANN401 - JSON is any
    """Strict JSON, at most `DEEPEST` levels deep; `unique` also refuses a key that occurs twice.

    Raises:
        ValueError: with what is wrong and where.
    """
    try:
        value = (_STRICTEST if unique else _STRICT).decode(text)
    except json.JSONDecodeError as fault:
        raise ValueError(f"{fault.msg} at line {fault.lineno}, column {fault.colno}") from None
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    if text.count("[") + text.count("{") > DEEPEST and _depth(value) > DEEPEST:
        raise ValueError(_TOO_DEEP)
    return value


def _depth(value: object) -> int:
    level, depth = [value], -1
    while level:
        depth += 1
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
    return depth


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    mapping = dict(pairs)
    if len(mapping) < len(pairs):
        twice = next(name for name, times in Counter(name for name, _ in pairs).items() if times > 1)
        raise ValueError(f"the key {show(twice)} occurs twice")
    return mapping


def close_text(value: object) -> str:
    """Compact JSON text, the order of keys kept."""
    return _COMPACT.encode(value)


def _refuse(word: str) -> None:
    raise ValueError(f"{word} is not a JSON value")


def _whole(digits: str) -> int:
    try:
        return int(digits)
    except ValueError:
        raise ValueError(f"a number of {len(digits)} characters is too long to be read") from None


_STRICT = json.JSONDecoder(parse_constant=_refuse, parse_int=_whole)
_STRICTEST = json.JSONDecoder(parse_constant=_refuse, parse_int=_whole, object_pairs_hook=_unique)
_COMPACT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
