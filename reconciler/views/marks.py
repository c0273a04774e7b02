"""What lines of every kind are marked with: a tone, and a place in a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

Tone = Literal["bold", "dim", "good", "busy", "warning", "bad"]

_CODES: dict[Tone, str] = {
    "bold": "1",
    "dim": "2",
    "good": "32",
    "busy": "36",
    "warning": "33",
    "bad": "31",
}


def painter(*, colour: bool) -> Callable[[str, Tone], str]:
    """A function that gives its text the colour of a tone, or gives it back as it is."""
    if not colour:
        return lambda text, _: text
    return lambda text, tone: f"\x1b[{_CODES[tone]}m{text}\x1b[0m"


def place(path: str | None, line: int | None, column: int | None = None) -> str:
    """`path:line:column` as far as it is known; empty without a path."""
    if path is None:
        return ""
    parts = [path, *(str(number) for number in (line, column if line else None) if number)]
    return ":".join(parts)
