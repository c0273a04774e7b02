"""What others may read without what is secret: pages, and what a web server answered.

A page does not show what the vendor calls keys, nor authors' addresses where that is not wanted; a message
repeats no secret of the request that it is about.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from reconciler.contract.problem import SECRET_FIELDS
from reconciler.engine.trust import is_held_commit
from reconciler.printable import printable
from reconciler.redaction import HIDDEN, redacted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reconciler.engine.values import ModelState, Report

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


# --- what a web server answered -------------------------------------------------------------------------

_EXCERPT = 200  # characters of an answer that are repeated
_MESSAGES = ("code", "error_code", "status", "msg", "message", "error", "error_msg", "error_description")
_SHORTEST_PART = 6  # characters of a URL's part that is taken for a secret


def excerpt(body: bytes, *secrets: str | None) -> str:
    """The beginning of an answer for a message, with a colon before it; nothing of nothing."""
    parts = [part for secret in secrets if secret for part in (secret, *_parts(secret))]
    text = redacted(_said(body.decode("utf-8", "replace")), parts)
    words = printable(" ".join(text.split()))[:_EXCERPT]
    return f": {words}" if words else ""


def _said(text: str) -> str:
    """What a server says in words; of a JSON object its code and message, and no more of what it repeats."""
    try:
        answer = json.loads(text)
    except ValueError:
        return text
    if not isinstance(answer, dict):
        return str(answer)
    texts = (answer.get(name) for name in _MESSAGES)
    return " ".join(str(value) for value in texts if isinstance(value, int | str))


def _parts(url: str) -> list[str]:
    """What of a URL may be a secret by itself, as it stands there and decoded; of anything else, nothing."""
    rest = url.partition("://")[2]
    parts = [part for part in re.split(r"[/?&=:@#]", rest) if len(part) >= _SHORTEST_PART]
    return [*parts, *map(unquote, parts)]
