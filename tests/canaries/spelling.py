"""Canaries in two alphabets, the spellings in which others repeat it, and how it is found."""

from __future__ import annotations

import base64
import html
import json
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Callable

MARK = "c4nAryc4nAry"
"""Every canary begins and ends with it; JSON, URLs, HTML, headers and Python leave it as it is."""

_LETTERS = MARK[:6].lower().encode()
_SHORTEST_PART = 10  # characters of base64

SPELLINGS: dict[str, Callable[[str], str]] = {
    "raw": str,
    "json": lambda secret: json.dumps({"password": secret}),
    "json-utf8": lambda secret: json.dumps({"password": secret}, ensure_ascii=False),
    "json-in-json": lambda secret: json.dumps({"body": json.dumps({"password": secret})}),
    "json-slashes": lambda secret: json.dumps(secret).replace("/", r"\/"),
    "percent": lambda secret: quote(secret, safe=""),
    "percent-path": quote,
    "form": quote_plus,
    "percent-small": lambda secret: quote(secret, safe="").lower(),
    "base64": lambda secret: base64.b64encode(secret.encode()).decode(),
    "base64-url": lambda secret: base64.urlsafe_b64encode(secret.encode()).decode(),
    "basic": lambda secret: "Basic " + base64.b64encode(f"robot:{secret}".encode()).decode(),
    "basic-2": lambda secret: "Basic " + base64.b64encode(f"robots:{secret}\n".encode()).decode(),
    "header": lambda secret: secret.encode().decode("latin-1"),
    "html": html.escape,
    "repr": repr,
    "escapes": lambda secret: secret.encode("unicode_escape").decode(),
}
"""How a server, a proxy, a driver or a library writes what it was given."""


def of_header(place: str) -> str:
    """A canary that may stand in a header: printable ASCII, with everything that others escape."""
    return f'{MARK}"{place}\\+/=%&<{MARK}'


def of_anything(place: str) -> str:
    """A canary with letters of other alphabets and blanks as well."""
    return f"{MARK}\"{place}\\ é金🐤'+/=%&<{MARK}"


def all_spellings(secrets: list[str]) -> str:
    """Every spelling of every secret."""
    return " ".join(write(secret) for secret in secrets for write in SPELLINGS.values())


def leaks(text: bytes) -> list[bytes]:
    """The surroundings of whatever in a text is of a canary, in any spelling."""
    small = text.lower()
    places = [small.find(_LETTERS), *(text.find(part) for part in _parts())]
    return [text[max(at - 80, 0) : at + 80] for at in places if at >= 0]


def _parts() -> list[bytes]:
    """What base64 makes of the mark, whatever stands before it."""
    parts = []
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + MARK.encode())
        part = encoded[-(-before * 8 // 6) : (before + len(MARK)) * 8 // 6]
        parts.append(part[:_SHORTEST_PART])
    return parts
