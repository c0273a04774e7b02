"""Parts of every output: tones and places, whole lines within a budget, the text of a JSON object."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from reconciler.phrases import many

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

ADVICE = "ask for one model, or raise limits.output"
"""What to do where something is left out."""

Tone = Literal["bold", "dim", "good", "busy", "warning", "bad"]

_CODES: dict[Tone, str] = {"bold": "1", "dim": "2", "good": "32", "busy": "36", "warning": "33", "bad": "31"}


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


def text_within(text: str, most: int) -> str:
    """The text; of one with more than `most` bytes as many whole lines as fit, and a line that says so."""
    if len(text) * 4 <= most or len(written := text.encode("utf-8", "backslashreplace")) <= most:
        return text
    kept = written[: written.rfind(b"\n", 0, most) + 1].decode()
    return f"{kept}… {many(text.count(chr(10)) - kept.count(chr(10)), 'more line')}: {ADVICE}\n"


def pieces_within(pieces: Iterable[str], most: int) -> Iterator[str]:
    """The pieces of a text, as long as they have no more than `most` characters; then a line that says so."""
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > most:
            yield f"… more: {ADVICE}\n"
            return
        yield piece


def template(keys: Iterable[str], line: str) -> str:
    """The text of an object with these keys, with a place for the text of each value.

    `line` is a line break, with the indentation of the line in which the object begins.
    """
    return f"{{{line}  " + f",{line}  ".join(f'"{key}": %s' for key in keys) + f"{line}}}"
