"""Takes secrets out of a text that somebody else wrote, in every spelling in which a request is echoed.

Whoever talks to a server redacts what that server may know. The process remembers every secret that it has
read as well, for texts that nobody expects: an exception of a library, a traceback, a line of the log.
"""

from __future__ import annotations

import base64
import json
import re
from collections import deque
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

HIDDEN = "***"

_SHORTEST_PART = 8  # characters of base64 that are unlikely to stand in a text by chance
_SHORTEST_SECRET = 8  # characters; a shorter one would take words apart that have nothing to do with it
_LONGEST_WORD = 16  # characters

_read: deque[str] = deque(maxlen=256)
"""Secrets of this process; more than ever are in use at a time, so that rotated ones go."""


def remember(secret: str) -> str:
    """The secret itself, which `concealed` knows from now on."""
    if len(secret) >= _SHORTEST_SECRET and secret not in _read:
        _read.append(secret)
    return secret


def concealed(text: str) -> str:
    """The text without any secret that this process has read."""
    return redacted(text, _read)


def unexpected(error: BaseException) -> str:
    """What to say of an exception that nobody expected: its text may repeat all that a library was given."""
    return f"unexpected {type(error).__name__}: {concealed(str(error))}"


def shown_name(name: str) -> str:
    """The name of a place, unless it may be a secret itself, put into the wrong key: then its length.

    Names of keys, variables, files and programs consist of words; tokens and keys are long and mixed.
    """
    words = re.split(r"[_.\-/ ]", name)
    plain = all(re.fullmatch(r"[A-Z]*|[a-z]*[0-9]{0,3}|[A-Z]?[a-z]*|[0-9]{1,4}", word) for word in words)
    if plain and all(len(word) <= _LONGEST_WORD for word in words):
        return name
    return f"of a name of {len(name)} characters"


def shown_key(key: str) -> str:
    """A key of a configuration, likewise; a short one is no secret, and names of targets may be mixed."""
    return key if len(key) <= _LONGEST_WORD or shown_name(key) == key else f"a key of {len(key)} characters"


def redacted(text: str, secrets: Iterable[str]) -> str:
    """The text without the secrets, whether they stand in it as they are or as another writer spells them.

    Known are JSON (escaped or not, escaped twice), percent-encoding, base64 (also of something longer, as in
    Basic authentication), HTML, Python's escapes, and UTF-8 that was read as Latin-1, once
    by a server and once more by git.
    """
    small = text.lower()
    spellings = {
        spelling
        for secret in secrets
        if secret
        for spelling, lower in _all_spellings(secret)
        if lower in small or spelling in text
    }
    if not spellings:
        return text
    longest_first = sorted(spellings, key=len, reverse=True)
    return re.sub("|".join(map(re.escape, longest_first)), HIDDEN, text, flags=re.IGNORECASE)


@lru_cache(maxsize=512)
def _all_spellings(secret: str) -> frozenset[tuple[str, str]]:
    """Each spelling, and the same in lower case: most texts have none, and an expression of all is slow."""
    return frozenset((spelling, spelling.lower()) for spelling in _spellings(secret))


def _spellings(secret: str) -> Iterator[str]:
    data = secret.encode("utf-8", "surrogatepass")
    once = data.decode("latin-1")
    for written in (secret, once, _misread(once)):
        yield written
        for escaped in _escaped(written):
            yield from (escaped, _misread(escaped), *_escaped(escaped))
    for safe in ("", "/", "/:", "!*'()/"):
        yield from (quote(data, safe=safe), quote_plus(data, safe=safe))
    yield from _base64(data)


def _escaped(text: str) -> Iterator[str]:
    """A text as JSON, HTML and Python write it; Python in either of its quotes."""
    import html  # noqa: PLC0415 - only where a secret was read; it brings a table of all entities

    for json_text in (json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]):
        yield from (json_text, json_text.replace("/", r"\/"))
    yield from (html.escape(text), html.escape(text, quote=False))
    python, ascii_only = repr('"' + text)[2:-1], text.encode("unicode_escape").decode("ascii")
    yield from (python, python.replace(r"\'", "'"), ascii_only, ascii_only.replace("'", r"\'"))


def _misread(text: str) -> str:
    return text.encode("utf-8", "surrogatepass").decode("latin-1")


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
