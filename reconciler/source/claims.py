"""What a manifest claims, as far as it takes to find the others that it has to be judged with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.contract.model_key import ModelKey
from reconciler.manifest.reading import claims

if TYPE_CHECKING:
    from collections.abc import Collection

REFERRING = ModelKey("", "")
"""In the place of a pair: what a manifest claims that names a file beside it."""

_REFERS = b"initial_config_file"


def claims_of(path: str, data: bytes) -> set[ModelKey]:
    """The pairs that a file's documents name, and `REFERRING`."""
    return claims(path, data) | ({REFERRING} if _REFERS in data else set())


def may_claim(data: bytes, pairs: Collection[ModelKey]) -> bool:
    """Whether a file may claim one of these: for most, this is told without taking them apart.

    A name stands in the file as it is, unless it is written with escapes.
    """
    if REFERRING in pairs and _REFERS in data:
        return True
    return b"\\" in data or any(pair.model_name.encode() in data for pair in pairs if pair is not REFERRING)
