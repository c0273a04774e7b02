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


class FreeVersions:
    """The versions of one name that are free, asked any number of times.

    What is taken is passed over once, not once a question: all versions of a name may have drifted.
    """

    def __init__(self, taken: Iterable[str]) -> None:
        """`taken` are the versions in use; what is no version counts for nothing."""
        self._taken = {number for number in map(version_number, taken) if number is not None}
        self._beyond: dict[int, int] = {}  # what is no later than the first free one behind a taken one

    def take(self, version: str) -> None:
        """From now on this version is in use."""
        number = version_number(version)
        if number is not None:
            self._taken.add(number)

    def after(self, version: str) -> str | None:
        """The first free version after this one: 1.0.1 after 1.0.0, 1.1.0 after 1.0.99.

        None when `version` is no version, or nothing is free up to 99.99.99.
        """
        start = version_number(version)
        if start is None:
            return None
        number, passed = start + 1, []
        while number in self._taken:
            passed.append(number)
            number = self._beyond.get(number, number + 1)
        self._beyond.update(dict.fromkeys(passed, number))
        if number >= _END:
            return None
        return f"{number // _BASE**2}.{number // _BASE % _BASE}.{number % _BASE}"


def version_number(version: str) -> int | None:
    """A version's place among all that there can be; None for what is no version."""
    parts = _VERSION.fullmatch(version)
    if parts is None:
        return None
    major, minor, patch = map(int, parts.groups())
    return (major * _BASE + minor) * _BASE + patch
