"""What one command prints, kept within its budget: whole lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.phrases import many

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ADVICE = "ask for one model, or raise limits.output"


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
