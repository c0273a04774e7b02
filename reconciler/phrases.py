"""Parts of sentences that every room needs: a list, a number with its noun, the word that was meant."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

_LONGEST_WORD = 64


def listed(names: Iterable[str]) -> str:
    """`a, b and c`."""
    *head, last = names
    return f"{', '.join(head)} and {last}" if head else last


def many(number: int, noun: str, plural: str | None = None) -> str:
    """`1 model`, `2 models`: a number with its noun; `plural` where it is more than the noun and an s."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def did_you_mean(word: str, words: Iterable[str]) -> str:
    """`; did you mean 'x'?` for the known word that is nearest to `word`, or nothing."""
    closest = nearest(word, words)
    return f"; did you mean {closest!r}?" if closest else ""


def no_such(what: str, name: str, names: Collection[str]) -> str:
    """`x: no such target; did you mean 'y'?`, or what there is: `x: no such target; there is a, b`."""
    there = f"; there is {', '.join(names)}" if names else ""
    return f"{name}: no such {what}{did_you_mean(name, names) or there}"


def nearest(word: str, words: Iterable[str], cutoff: float = 0.6) -> str | None:
    """The known word that was most likely meant, or None; `cutoff` says how alike they are, from 0 to 1."""
    if not word or len(word) > _LONGEST_WORD:
        return None
    by_case = {name.casefold(): name for name in words if name}
    folded = word.strip().casefold()
    return by_case.get(folded) or _nearest(folded, by_case, cutoff)


def _nearest(folded: str, by_case: dict[str, str], cutoff: float) -> str | None:
    from difflib import get_close_matches  # noqa: PLC0415 - only when there is something to correct

    close = get_close_matches(folded, by_case, n=1, cutoff=cutoff)
    if close:
        return by_case[close[0]]
    parts = re.split(r"[-_]", folded)
    ending = [name for key, name in by_case.items() if key.split("_")[1:] == parts]
    return ending[0] if len(ending) == 1 else None


_REWORDED = (
    (r"^Value error, ", ""),
    (r"^Input should be", "expected"),
    (r"a valid tuple$", "a list"),
    (r"a valid integer\b.*", "a whole number"),
    (r"a valid number\b.*", "a number"),
    (r"a valid boolean\b.*", "true or false"),
    (r"a valid string$", "a text"),
    (r"greater than or equal to (\S+)$", r"\1 or more"),
    (r"less than or equal to (\S+)$", r"\1 or less"),
    (r"valid dictionary( or (instance|object) .*)?$", "table of keys"),
)


def expectation(message: str) -> str:
    """What pydantic says of a value, in plain words: `expected a whole number`."""
    for pattern, words in _REWORDED:
        message = re.sub(pattern, words, message)
    return message
