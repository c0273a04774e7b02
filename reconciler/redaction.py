"""Takes secrets out of a text that somebody else wrote, in every spelling in which a request is echoed."""

from __future__ import annotations

import base64
import html
import json
import re
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

HIDDEN = "***"

_SHORTEST_PART = 8  # characters of base64 that are unlikely to stand in a text by chance


def redacted(text: str, secrets: Iterable[str]) -> str:
    """The text without the secrets, whether they stand in it as they are or as another writer spells them.

    Known are JSON (escaped or not, escaped twice), percent-encoding, base64 (also of something longer, as in
    Basic authentication), HTML, Python's escapes, and UTF-8 that was read as Latin-1.
    """
    spellings = {spelling for secret in secrets if secret for spelling in _spellings(secret)}
    if not spellings:
        return text
    longest_first = sorted(spellings, key=len, reverse=True)
    return re.sub("|".join(map(re.escape, longest_first)), HIDDEN, text, flags=re.IGNORECASE)


def _spellings(secret: str) -> Iterator[str]:
    data = secret.encode("utf-8", "surrogatepass")
    for written in (secret, data.decode("latin-1")):
        yield written
        for escaped in (json.dumps(written)[1:-1], json.dumps(written, ensure_ascii=False)[1:-1]):
            yield from (escaped, escaped.replace("/", r"\/"), json.dumps(escaped)[1:-1])
        yield from (html.escape(written), html.escape(written, quote=False), repr(written)[1:-1])
        yield written.encode("unicode_escape").decode("ascii")
    for safe in ("", "/", "/:", "!*'()/"):
        yield from (quote(data, safe=safe), quote_plus(data, safe=safe))
    yield from _base64(data)


def _base64(data: bytes) -> Iterator[str]:
    """What of the secret's base64 does not depend on what stands before and after it."""
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + data).decode().rstrip("=")
        first = -(-before * 8 // 6)
        last = (before + len(data)) * 8 // 6
        part = encoded[first:last]
        if len(part) >= _SHORTEST_PART:
            yield part
            yield part.replace("+", "-").replace("/", "_")
