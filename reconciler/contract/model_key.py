"""The name a registered model goes by, and the order of its versions: three numbers of one or two digits."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

_PART = "(0|[1-9][0-9]?)"
_VERSION = re.compile(rf"{_PART}\.{_PART}\.{_PART}")
_BASE = 100
_END = _BASE**3


class ModelKey(NamedTuple):
    """A model name and a version of it: what a registry holds at most once."""

    model_name: str
    model_version: str

    def __str__(self) -> str:
        return f"{self.model_name}@{self.model_version}"


@lru_cache(maxsize=4096)  # many models share few versions
def version_key(version: str) -> tuple[int, tuple[int, ...], str]:
    """A key that sorts versions by number; what is no version sorts after all that are, as text."""
    parts = _VERSION.fullmatch(version)
    return (0, tuple(map(int, parts.groups())), "") if parts else (1, (), version)


def next_free(version: str, taken: Iterable[str]) -> str | None:
    """The first version after `version` that is not taken: 1.0.1 after 1.0.0, 1.1.0 after 1.0.99.

    None when `version` is no version, or nothing is free up to 99.99.99.
    """
    parts = _VERSION.fullmatch(version)
    if not parts:
        return None
    major, minor, patch = map(int, parts.groups())
    occupied = frozenset(taken)
    for number in range((major * _BASE + minor) * _BASE + patch + 1, _END):
        candidate = f"{number // _BASE**2}.{number // _BASE % _BASE}.{number % _BASE}"
        if candidate not in occupied:
            return candidate
    return None
