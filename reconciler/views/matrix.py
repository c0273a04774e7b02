"""Models by target: one line a name and version, one column a target."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.contract import version_key
from reconciler.engine.listing import matrix_rows
from reconciler.printable import pad, printable, width
from reconciler.views.lines import painter
from reconciler.views.words import WORDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.engine.listing import MatrixRow
    from reconciler.engine.values import Report


def text(report: Report, targets: Sequence[str], *, colour: bool) -> str:
    """For a terminal; ends with a line break. `-` where a target does not know the model."""
    paint = painter(colour=colour)
    rows = [
        (printable(str(row.pair)), [row.cells.get(target) for target in targets]) for row in _rows(report)
    ]
    first = max((width(title) for title, _ in rows), default=0)
    columns = [max(width(printable(target)), *map(len, WORDS)) for target in targets]
    head = [pad(printable(target), cells) for target, cells in zip(targets, columns, strict=True)]
    lines = [paint("  ".join([pad("", first), *head]).rstrip(), "bold")]
    for title, items in rows:
        cells = [
            paint(
                pad(item.verdict.value if item else "-", space), WORDS[item.verdict].tone if item else "dim"
            )
            for item, space in zip(items, columns, strict=True)
        ]
        lines.append("  ".join([pad(title, first), *cells]).rstrip())
    return "".join(f"{line}\n" for line in lines)


def as_json(report: Report, targets: Sequence[str]) -> list[dict[str, Any]]:
    """The same for programs; None where a target does not know the model."""
    return [
        {
            "model_name": row.pair.model_name,
            "model_version": row.pair.model_version,
            "verdicts": {
                target: row.cells[target].verdict.value if target in row.cells else None for target in targets
            },
        }
        for row in _rows(report)
    ]


def _rows(report: Report) -> list[MatrixRow]:
    """Every pair, by name and version, whichever target knows it."""
    return sorted(
        matrix_rows(report.items), key=lambda row: (row.pair.model_name, version_key(row.pair.model_version))
    )
