"""Takes the values that the vendor calls keys out of a manifest that is shown."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from reconciler.contract.wording import SECRET_FIELDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

HIDDEN = "***"

_NAMES = "|".join(sorted(SECRET_FIELDS))
_KEY = re.compile(rf"^(?P<before>(?P<indent>[ \t-]*).*?[\"']?\b(?:{_NAMES})[\"']?\s*:).*$")


def masked_lines(lines: Iterable[str]) -> Iterator[str]:
    """The lines of a file, valid or not, without what stands behind such a key or indented below it."""
    hides: int | None = None
    for line in lines:
        match = _KEY.match(line)
        if match is not None:
            hides = len(match["indent"])
            yield f"{match['before']} {HIDDEN}"
        elif hides is not None and line.strip() and _indent(line) > hides:
            yield " " * _indent(line) + HIDDEN
        else:
            hides = hides if not line.strip() else None
            yield line


def masked(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """JSON without the values of such keys, at any depth."""
    if isinstance(value, dict):
        return {key: HIDDEN if key in SECRET_FIELDS else masked(inner) for key, inner in value.items()}
    return [masked(inner) for inner in value] if isinstance(value, list) else value


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" \t"))
