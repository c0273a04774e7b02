"""Fields in which the API wants JSON inside a string: opening the text, and closing it again."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from reconciler.contract.free import DEEPEST
from reconciler.contract.wording import error, show

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.contract.problem import Problem

_TOO_DEEP = f"it is nested deeper than {DEEPEST} levels"

JSON_TEXTS = ("model_metrics", "initial_config", "apis")


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
