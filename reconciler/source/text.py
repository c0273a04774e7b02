"""Words that came from a repository or a server, made fit to be shown."""

from __future__ import annotations

import re

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def path_of(name: bytes) -> str:
    """A path inside a repository, whatever this machine's locale: UTF-8, other bytes surrogate-escaped."""
    return name.decode("utf-8", "surrogateescape")


def printable(text: str) -> str:
    r"""`text` with control characters and undecodable bytes as `\x..` and `\u....`."""
    return _CONTROL.sub(lambda match: _escaped(match[0]), text)


def _escaped(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"  # noqa: PLR2004 - one byte
