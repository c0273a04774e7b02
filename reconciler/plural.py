"""Numbers with their nouns, as every room words them."""

from __future__ import annotations


def many(number: int, noun: str, plural: str | None = None) -> str:
    """`1 model`, `2 models`: a number with its noun; `plural` where it is more than the noun and an s."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"
