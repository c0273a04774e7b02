"""Rules on a text as patterns, portable between Python and ECMAScript; searched for, as JSON Schema does."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

HAN = "\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003fffd"
"""Chinese characters, for use inside a character class; every rule that speaks of Chinese means this set:
the zero, unified and compatibility ideographs, and the two planes that Unicode keeps for more."""

END = r"(?![\s\S])"
"""The very end of the text: `$` would also match before a last line break."""


@dataclass(frozen=True)
class PatternRule:
    """One rule on a text.

    Attributes:
        sought: a pattern that must be found in the text.
        why: what to say when it is not.
        banned: the pattern must not be found.
    """

    sought: str
    why: str
    banned: bool = False

    @property
    def pattern(self) -> str:
        """The pattern that must be found, whatever the clause says; for JSON Schema."""
        return rf"^(?![\s\S]*(?:{self.sought}))" if self.banned else self.sought

    @cached_property
    def search(self) -> Callable[[str], re.Match[str] | None]:
        """Finds what is sought in a text; compiled when it is first needed.

        Compiling a class with the Chinese characters takes 3 ms, and a text in ASCII has none of them.
        """
        if HAN not in self.sought:
            return self._search
        narrow = re.compile(self.sought.replace(HAN, "")).search
        return lambda text: narrow(text) if text.isascii() else self._search(text)

    @cached_property
    def _search(self) -> Callable[[str], re.Match[str] | None]:
        return re.compile(self.sought).search


def never(pattern: str, why: str) -> PatternRule:
    """A clause on what must not occur anywhere in the text."""
    return PatternRule(pattern, why, banned=True)


def keywords(pattern: str, why: str) -> dict[str, str]:
    """The keywords of a JSON Schema; editors that know the second say it, and others show the pattern."""
    return {"pattern": pattern, "patternErrorMessage": why}
