"""What one command prints, kept within its budget: whole lines, or whole objects of a list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.phrases import many
from reconciler.views.as_json import dumps

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

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


def json_within(value: Any, most: int) -> tuple[str, str | None]:  # noqa: ANN401 - whatever JSON holds
    """The value as JSON text, and what is left out of it where it has more than `most` bytes.

    Left out are the last objects of the list that it is, or of the longest list in it.
    """
    text = dumps(value)
    if len(text) * 4 <= most or len(text.encode("utf-8", "backslashreplace")) <= most:
        return text, None
    if isinstance(value, list):
        kept = _fitting(value, most)
        return dumps(value[:kept]), _left_out(len(value) - kept)
    lists = {key: one for key, one in value.items() if isinstance(one, list)}
    longest = max(lists, key=lambda key: len(lists[key]), default=None)
    if longest is None:
        return text, None
    kept = _fitting(lists[longest], most)
    left_out = _left_out(len(lists[longest]) - kept)
    notes = {"notes": [*lists["notes"], left_out]} if "notes" in lists else {}
    return dumps(value | notes | {longest: lists[longest][:kept]}), left_out


def _left_out(number: int) -> str:
    return f"{many(number, 'object')} left out at the end: {ADVICE}"


def _fitting(objects: Sequence[Any], most: int) -> int:
    """How many of the objects fit, with their indentation."""
    size = 0
    for number, one in enumerate(objects):
        size += sum(len(line) + 6 for line in dumps(one).encode("utf-8", "backslashreplace").split(b"\n"))
        if size > most:
            return number
    return len(objects)
