"""Problems of manifests: where, what, the line itself and a caret under the column."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from reconciler.manifest import caret
from reconciler.printable import command_places, printable, width
from reconciler.views.lines import painter, place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from reconciler.engine.values import ModelState
    from reconciler.manifest.values import Reason
    from reconciler.views.lines import Tone

_INDENT = "    "
_WINDOW = 100
_TAB = 4
_LONGEST_READ = 4 * _WINDOW


def render(reasons: Iterable[Reason], *, colour: bool) -> str:
    """Every problem with its line and a caret, sorted by path, line and column.

    Gives text that ends with a line break, or an empty text. A line longer than a screen is cut around the
    column; a tab is shown as spaces up to the next multiple of four.
    """
    paint = painter(colour=colour)
    in_order = sorted(reasons, key=lambda one: (one.path or "", one.line or 0, one.column or 0))
    return "".join(_problem(reason, paint) for reason in in_order)


def headline(reason: Reason) -> str:
    """`path:line:column: message` in one clean line; a warning says so."""
    where = place(reason.path, reason.line, reason.column)
    parts = [where, "warning" if reason.severity == "warning" else "", reason.message]
    return printable(": ".join(part for part in parts if part))


def because(reason: Reason, item: ModelState) -> str:
    """A reason in one clean line, with its place only where that says more than the item's own line."""
    if reason.column is None and (reason.path, reason.line) == (item.path, item.line):
        return headline(replace(reason, path=None))
    return headline(reason)


def distinct(reasons: Iterable[Reason]) -> list[Reason]:
    """The first reason of each message: a conflict has one for every place, and all say the same."""
    first: dict[tuple[str, str], Reason] = {}
    for reason in reasons:
        first.setdefault((reason.code, reason.message), reason)
    return list(first.values())


def as_json(reason: Reason, *, severity: bool = False) -> dict[str, Any]:
    """The problem as an object; with its severity in the list that `validate` prints."""
    document: dict[str, Any] = {
        "code": reason.code,
        "message": reason.message,
        "path": reason.path,
        "line": reason.line,
        "column": reason.column,
    }
    return document | {"severity": reason.severity} if severity else document


def _problem(reason: Reason, paint: Callable[[str, Tone], str]) -> str:
    tone: Tone = "warning" if reason.severity == "warning" else "bad"
    where = printable(place(reason.path, reason.line, reason.column))
    lead = f"{paint(where, 'bold')}: " if where else ""
    mark = f"{paint('warning', tone)}: " if reason.severity == "warning" else ""
    lines = [f"{lead}{mark}{printable(reason.message)}"]
    if reason.excerpt is not None and reason.excerpt.strip():
        column = None if reason.column is None else caret(reason.column) + 1
        shown, before = _excerpt(reason.excerpt.rstrip("\r\n"), column)
        lines.append(_INDENT + shown)
        if before is not None:
            lines.append(_INDENT + " " * before + paint("^", tone))
    return "\n".join(lines) + "\n"


def _excerpt(line: str, column: int | None) -> tuple[str, int | None]:
    """What is shown of a line, and how many cells stand before the caret (None without a column)."""
    index = min(max((column or 1) - 1, 0), len(line))
    near = max(index - _LONGEST_READ, 0)
    cells = _cells(line[near : index + _LONGEST_READ])
    for place_of_command in command_places(line[near : index + _LONGEST_READ]):
        cells[place_of_command] = f"\\{cells[place_of_command]}"
    at = index - near
    left = _WINDOW if width("".join(cells)) <= _WINDOW else _WINDOW // 2
    begin = at - _reach(cells[:at][::-1], left)
    head = ("…" if near + begin else "") + "".join(cells[begin:at])
    end = at + _reach(cells[at:], _WINDOW - width(head))
    tail = "…" if near + end < len(line) else ""
    return head + "".join(cells[at:end]) + tail, None if column is None else width(head)


def _cells(line: str) -> list[str]:
    """What is shown for each character of a line; a tab depends on what stands before it."""
    shown: list[str] = []
    position = 0
    for character in line:
        text = " " * (_TAB - position % _TAB) if character == "\t" else printable(character)
        shown.append(text)
        position += width(text)
    return shown


def _reach(cells: list[str], limit: int) -> int:
    """How many of the texts fit into that many terminal cells."""
    used = 0
    for number, text in enumerate(cells):
        used += width(text)
        if used > limit:
            return number
    return len(cells)
