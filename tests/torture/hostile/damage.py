"""What is done to good input: values overwritten, text torn and glued, tokens that mean trouble."""

from __future__ import annotations

import copy
import json
from math import inf, nan
from typing import TYPE_CHECKING, Any

from tests.contract.strategies import places

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random

CANARY = "canary-that-must-not-sing"
"""The file that any program started by hostile input leaves behind, in the working directory."""

ACTING = (
    "\x1b[2J", "\x1b]0;owned\x07", "\x9b1m", "\r", "\x00", "\x08", "\x7f", "\x85", "\u2028", "\u2029",
    "\u202e", "\u2066", "\u200e", "\u200b", "\ufeff", "\ufffe", "\U000e0041", "\ue000", "\u0301" * 9,
)  # fmt: skip
"""Characters that act, hide or turn others round."""

WORDS = (
    "", " ", "~", "null", "true", "NaN", "-Infinity", "1e999999", "0x1F", "0o17", "1_000", "12:30:45",
    "2026-11-23", "-0", "1.10", "01.0.0", "0.0.0", "99999.0.0", "9" * 4400, "1" + "0" * 400, "-", "---",
    "<<", "*a", "&a", "!x", "%YAML 9.9", "@", "`", "{{ x }}", "../../etc/passwd", "/dev/zero", "a/../b",
    "file:///etc/passwd", "|", ">", "python3.6", "Image", "Template", "TensorFlow", "pip", "EXACT",
    "手写数字", "mnist\u0430", "é", "e\u0301", "ﬁ", "<script>alert(1)</script>", "</style>", "`rm`",
    "| a | b |",
    "@all", "${HOME}", "%s%n", "' OR 1=1 --", f"!!python/object/apply:os.system ['touch {CANARY}']",
    f"$(touch {CANARY})", f"; touch {CANARY};",
)  # fmt: skip

PIECES: tuple[bytes, ...] = (
    b"[", b"]", b"{", b"}", b":", b": ", b",", b"- ", b"? ", b"|", b">", b"'", b'"', b"#", b"&a ", b"*a ",
    b"!!str ", b"---\n", b"...\n", b"%TAG ! !\n", b"<<: *a\n", b"\n", b"\r", b"\r\n", b"\t", b"\x00",
    b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xef\xbb\xbf", b"\xff\xfe", b"\\u0000",
    b'"\\ud800"', b'"\\udc00\\ud800"', b"\\x1b", b'"\\e[2J"', b"1e5", b"NaN", b"null", b"model_name: x\n",
    b'"model_name": ', b"initial_config_file: ",
    b"!!python/object/apply:os.system ['touch " + CANARY.encode() + b"']",
)  # fmt: skip


def word(dice: Random) -> str:
    """A short text that means trouble."""
    kind = dice.random()
    if kind < 0.5:
        return dice.choice(WORDS)
    if kind < 0.9:
        return "".join(
            dice.choice((*ACTING, "a", "Z", " ", "9", ".", "-")) for _ in range(dice.randint(1, 6))
        )
    return "".join(chr(_code(dice)) for _ in range(dice.randint(1, 8)))


def _code(dice: Random) -> int:
    """Any code point that can stand in UTF-8."""
    code = dice.choice((dice.randrange(0x80), dice.randrange(0x3000), dice.randrange(0x110000)))
    return code if not 0xD800 <= code < 0xE000 else 0xFFFD


def junk(dice: Random) -> Any:  # noqa: PLR0911 - a choice of seven
    """A value that nobody expects."""
    kind = dice.randrange(12)
    if kind < 6:
        return word(dice)
    if kind == 6:
        return dice.choice((0, -1, 2**63, 10**30, 10**400, 1.5, -0.0, 1e308, inf, nan, True, False, None))
    if kind == 7:
        return dice.choice(("x", "\u202e", "[", "手")) * dice.choice((101, 1025, 1025, 70_000, 300_000))
    if kind == 8:
        return nest(dice, dice.choice((3, 31, 33, 200)))
    if kind == 9:
        return [junk(dice) for _ in range(dice.randint(0, 3))]
    if kind == 10:
        return {word(dice): junk(dice) for _ in range(dice.randint(0, 3))}
    return ["x"] * (25_000 if dice.random() < 0.05 else 50)


def nest(dice: Random, depth: int) -> Any:
    """Lists and mappings inside each other."""
    value: Any = "deep"
    for _ in range(depth):
        value = [value] if dice.random() < 0.5 else {"a": value}
    return value


def bent(dice: Random, document: Any, most: int = 4) -> Any:
    """A copy of a JSON-like value with some places overwritten, removed, doubled or made up."""
    value = copy.deepcopy(document)
    for _ in range(dice.randint(1, most)):
        spots = places(value)
        if not spots or dice.random() < 0.03:
            return junk(dice)
        holder, key = dice.choice(spots)
        deed = dice.randrange(4)
        if deed == 0:
            del holder[key]
        elif deed == 1:
            holder[key] = junk(dice)
        elif isinstance(holder, dict):
            holder[word(dice) if deed == 2 else dice.choice(list(holder))] = junk(dice)
        else:
            holder.append(copy.deepcopy(dice.choice(holder)) if deed == 2 else junk(dice))
    return value


def torn(dice: Random, data: bytes, pieces: Sequence[bytes] = PIECES, most: int = 6) -> bytes:
    """Bytes with some of them cut out, repeated, replaced or made up."""
    for _ in range(dice.randint(1, most)):
        data = dice.choice(_TEARS)(dice, data, pieces)
    return data[:1_000_000]


def noise(dice: Random, pieces: Sequence[bytes] = PIECES) -> bytes:
    """Bytes out of nothing: random ones, a heap of tokens, or one token over and over."""
    kind = dice.randrange(3)
    if kind == 0:
        return dice.randbytes(dice.choice((0, 1, 20, 300)))
    if kind == 1:
        return b"".join(dice.choice(pieces) for _ in range(dice.randint(1, 60)))
    piece = dice.choice(pieces)
    return piece * min(dice.choice((10, 1000, 40_000)), 400_000 // len(piece))


def as_json(value: Any) -> bytes:
    """JSON, numbers that are none included; lone surrogates stay escaped."""
    return json.dumps(value).encode()


def _cut(dice: Random, data: bytes, _: Sequence[bytes]) -> bytes:
    start = dice.randint(0, len(data))
    return data[:start] + data[start + dice.choice((1, 5, 40)) :]


def _truncate(dice: Random, data: bytes, _: Sequence[bytes]) -> bytes:
    return data[: dice.randint(0, len(data))]


def _insert(dice: Random, data: bytes, pieces: Sequence[bytes]) -> bytes:
    at = dice.randint(0, len(data))
    return data[:at] + dice.choice(pieces) * dice.choice((1, 1, 1, 3, 40)) + data[at:]


def _insert_word(dice: Random, data: bytes, _: Sequence[bytes]) -> bytes:
    at = dice.randint(0, len(data))
    return data[:at] + word(dice).encode() + data[at:]


def _flip(dice: Random, data: bytes, _: Sequence[bytes]) -> bytes:
    if not data:
        return data
    at = dice.randrange(len(data))
    return data[:at] + bytes((data[at] ^ (1 << dice.randrange(8)),)) + data[at + 1 :]


def _repeat(dice: Random, data: bytes, _: Sequence[bytes]) -> bytes:
    start = dice.randint(0, len(data))
    part = data[start : start + dice.choice((4, 60))]
    return data[:start] + part * dice.choice((2, 3, 500)) + data[start:]


def _swap(dice: Random, data: bytes, _: Sequence[bytes]) -> bytes:
    at = dice.randint(0, len(data))
    return data[at:] + data[:at]


_TEARS: tuple[Callable[[Random, bytes, Sequence[bytes]], bytes], ...] = (
    _cut, _cut, _truncate, _insert, _insert, _insert_word, _insert_word, _flip, _flip, _repeat, _swap,
)  # fmt: skip
