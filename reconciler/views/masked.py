"""What a page that others may read does not show: what the vendor calls keys, and authors' addresses."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from reconciler.contract.problem import SECRET_FIELDS
from reconciler.engine.trust import is_held_commit

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reconciler.engine.values import ModelState, Report


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


_ADDRESS = re.compile(r"\s*<[^>]*>?|\S+@\S+")


def without_address(author: str) -> str | None:
    """The author's name alone; one who is only an address is nobody."""
    return _ADDRESS.sub("", author).strip() or None


def without_addresses(report: Report) -> Report:
    """The same report with the names of its authors alone."""
    return replace(report, items=tuple(map(item_without_addresses, report.items)))


def item_without_addresses(item: ModelState) -> ModelState:
    """The same item; of a commit that is held, also without those in the words that say why."""
    if is_held_commit(item):
        words = (replace(reason, message=without_address(reason.message) or "") for reason in item.reasons)
        item = item._replace(reasons=tuple(words))
    return item if item.author is None else item._replace(author=without_address(item.author))
