"""Colour for terminals, where somebody asked for it."""

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
    return _painted if colour else _plain


def _painted(text: str, tone: Tone) -> str:
    return f"\x1b[{_CODES[tone]}m{text}\x1b[0m"


def _plain(text: str, tone: Tone) -> str:  # noqa: ARG001 - the same shape as a painter that paints
    return text
