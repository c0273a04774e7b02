"""Markdown for the hosts of repositories: a report for a merge request, and problems for a job's summary."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reconciler.engine.validate import counted as totals
from reconciler.engine.values import Verdict
from reconciler.printable import printable
from reconciler.views.hosts import by_severity
from reconciler.views.lines import place
from reconciler.views.problems import distinct, headline
from reconciler.views.words import counted, worded

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.engine.validate import Checked
    from reconciler.engine.values import ModelState, Report

MAX_CHARACTERS = 60_000
"""GitHub refuses a comment of more than 65,536 characters; GitLab's limit is a million."""

_SPECIAL = re.compile(r"[^A-Za-z0-9 ,./-]")
_FENCES = re.compile(r"`{3,}")
_HEAD = 1_500  # characters that the first lines of a review take at most, with its marker


def report(whole: Report) -> str:
    """The plan of all targets. Everything from outside stands inside `<code>` or a fenced block.

    There it is neither Markdown nor HTML and mentions nobody. A report too long for a comment
    is cut, and says so.
    """
    head = (
        f"### Reconciler plan: {counted(whole)}",
        f"Commit {_code(whole.commit[:12])}, plan digest {_code(whole.digest)}",
    )
    return "\n\n".join([*head, *_blocks(whole, MAX_CHARACTERS)]) + "\n"


def review(whole: Report, target: str, marker: str, most: int) -> str:
    """The plan of one target as a comment that is found again: counts and digest in its first line.

    The marker is an HTML comment at the end, which nobody sees; the host takes `most` characters.
    """
    numbers = "could not be made" if whole.failures else counted(whole)
    head = [
        f"### Reconciler plan for {_code(target)}: {numbers}, digest {_code(whole.digest)}",
        f"Commit {_code(whole.commit[:12])}, as it would be merged. {_next(whole, target)}".rstrip(),
    ]
    return "\n\n".join([*head, *_blocks(whole, most - _HEAD), marker]) + "\n"


def _next(whole: Report, target: str) -> str:
    """What makes exactly this of it, where there is something to do."""
    if not any(item.verdict is Verdict.IMPORT for item in whole.items):
        return ""
    return (
        f"After the merge, {_code(f'reconciler apply --target {target} --expect-digest {whole.digest}')} "
        "imports exactly this, or refuses because the plan has changed since."
    )


def _blocks(whole: Report, room: int) -> list[str]:
    """Remarks, the table of what is not in sync, and the reasons folded below it, in so many characters."""
    blocks = _fitting(_remarks(whole), room * 3 // 20, 2)
    news = [item for item in whole.items if item.verdict is not Verdict.IN_SYNC]
    if news:
        header = ("| Verdict | Model | Target | Manifest | Registry |", "|---|---|---|---|---|")
        blocks.append("\n".join(_fitting([*header, *map(_row, news)], room * 5 // 12, 1)))
        blocks += _fitting([_details(item) for item in news if item.reasons or item.diff], room * 5 // 12, 2)
    return blocks


def problems(checked: Checked) -> str:
    """What is wrong with manifests, for the summary of a job: a table, errors first; the rest is counted."""
    header = ("| Where | Problem |", "|---|---|")
    rows = (
        f"| {_code(place(one.path, one.line, one.column))} | {one.severity}: {_code(one.message)} |"
        for one in by_severity(checked.reasons)
    )
    table = _fitting([*header, *rows], MAX_CHARACTERS, 1, "reconciler validate")
    return "\n".join([f"### Manifests: {totals(checked)}", "", *table]) + "\n"


def _remarks(whole: Report) -> list[str]:
    failures = [f"**Error:** {_code(failure.message)}" for failure in whole.failures]
    return failures + [f"Note: {_code(note)}" for note in whole.notes]


def _row(item: ModelState) -> str:
    registry = " ".join(_code(word) for word in (item.model_id, item.model_status) if word)
    cells = (
        item.verdict.value,
        _code(item.title),
        _code(item.target),
        _code(place(item.path, item.line)),
        registry,
    )
    return f"| {' | '.join(cells)} |"


def _details(item: ModelState) -> str:
    lists = ([headline(reason) for reason in distinct(item.reasons)], list(map(worded, item.diff)))
    fenced = "\n\n".join(_fence("\n".join(lines)) for lines in lists if lines)
    return f"<details><summary>{item.verdict.value} {_code(item.title)}</summary>\n\n{fenced}\n\n</details>"


def _fitting(blocks: Iterable[str], room: int, gap: int, command: str = "reconciler plan") -> list[str]:
    """As many blocks, in order, as fit into so many characters, and how many were left out."""
    blocks = list(blocks)
    kept: list[str] = []
    for block in blocks:
        room -= len(block) + gap
        if room < 0:
            break
        kept.append(block)
    left_out = len(blocks) - len(kept)
    return [*kept, f"\n… and {left_out} more: see `{command}`."] if left_out else kept


def _code(text: str) -> str:
    """Text that is shown as it is, also inside a cell of a table."""
    return f"<code>{_SPECIAL.sub(_entity, printable(text))}</code>" if text else ""


def _entity(match: re.Match[str]) -> str:
    character = match[0]
    return f"&#{ord(character)};" if character.isascii() else character


def _fence(text: str) -> str:
    longest = max((len(run) for run in _FENCES.findall(text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}text\n{text}\n{fence}"
