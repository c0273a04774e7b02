"""A Bloom filter: says of a set of texts what is certainly not in it, in two bytes a text.

A chunk of the archive carries one, so that a question about one model unpacks the chunks that may answer it.
"""

from __future__ import annotations

from hashlib import blake2b
from struct import unpack
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

_BITS_A_KEY = 16  # with four bits set a key, one in 400 that are not there is taken for one that may be


def sketch(keys: Collection[str]) -> bytes:
    """The filter of these keys; never empty."""
    size = max(64, len(keys) * _BITS_A_KEY // 8)
    bits = bytearray(size)
    for key in keys:
        for place in _places(key, size):
            bits[place // 8] |= 1 << place % 8
    return bytes(bits)


def may_hold(bits: bytes, key: str) -> bool:
    """False only when the key was certainly not among those that the filter was made of."""
    return all(bits[place // 8] >> place % 8 & 1 for place in _places(key, len(bits)))


def _places(key: str, size: int) -> Iterator[int]:
    digest = blake2b(key.encode("utf-8", "surrogatepass"), digest_size=16).digest()
    return (number % (size * 8) for number in unpack("<4I", digest))
