"""The beginning of what a web server answered, for a message: in words, without secrets, on one line."""

from __future__ import annotations

import json
import re
from urllib.parse import unquote

from reconciler.printable import printable
from reconciler.redaction import redacted

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
