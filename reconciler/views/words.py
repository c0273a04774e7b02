"""How each verdict is said, counted, marked and coloured, and a difference told; the same in every form."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.budgets import shortened
from reconciler.engine.values import Verdict
from reconciler.engine.values.report import OTHER_CONTENT
from reconciler.phrases import many
from reconciler.printable import printable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.engine.values import Difference, Report
    from reconciler.views.lines import Tone


@dataclass(frozen=True, slots=True)
class Word:
    """What a verdict looks like.

    Attributes:
        symbol: one ASCII character at the start of a line.
        counted: the words after a number, as in `3 to import`.
        meaning: one sentence for somebody who meets the word for the first time.
    """

    symbol: str
    tone: Tone
    counted: str
    meaning: str


WORDS: dict[Verdict, Word] = {
    Verdict.IMPORT: Word("+", "good", "to import", "new, will be imported"),
    Verdict.IN_SYNC: Word("=", "dim", "in sync", "registered and equal"),
    Verdict.PUBLISHING: Word(">", "busy", "publishing", "registered, not yet final"),
    Verdict.WAITING: Word(
        ".", "busy", "waiting", "a retry is scheduled, or an unknown outcome is being settled"
    ),
    Verdict.FAILED: Word(
        "x", "bad", "failed", "rejected, or the import failed; held until the content changes or `retry`"
    ),
    Verdict.DRIFTED: Word("~", "warning", "drifted", f"{OTHER_CONTENT}; versions are immutable"),
    Verdict.CONFLICT: Word("!", "bad", "in conflict", "several manifests claim one name and version"),
    Verdict.INVALID: Word("!", "bad", "invalid", "the manifest cannot be used"),
    Verdict.MISSING: Word(
        "-", "warning", "missing", "imported earlier, gone from the registry; not imported again"
    ),
    Verdict.UNMANAGED: Word("?", "dim", "unmanaged", "registered, declared nowhere"),
    Verdict.REFUSED: Word("#", "bad", "refused", "stopped by a guard"),
}


def count(report: Report, target: str | None = None) -> dict[Verdict, int]:
    """How many models have each verdict, listed or not, in one target or in all.

    Every verdict has a number, in the order of `Verdict`.
    """
    numbers = Counter[Verdict]()
    for (of, verdict), number in report.counted().items():
        numbers[verdict] += number if target in (None, of) else 0
    return {verdict: numbers[verdict] for verdict in Verdict}


def counted(report: Report) -> str:
    """All verdicts that occur, such as `2 to import, 5 in sync, 1 drifted`; `no models` if there are none."""
    return phrase(count(report))


def phrase(numbers: Mapping[Verdict, int]) -> str:
    """The same of numbers by verdict."""
    parts = (f"{numbers[verdict]} {WORDS[verdict].counted}" for verdict in Verdict if numbers.get(verdict))
    return ", ".join(parts) or "no models"


def nothing_to_do(numbers: Mapping[Verdict, int]) -> str:
    """What is said where every model is at rest."""
    unmanaged = numbers.get(Verdict.UNMANAGED)
    rest = f", {unmanaged} unmanaged" if unmanaged else ""
    return f"Nothing to do: {many(numbers.get(Verdict.IN_SYNC, 0), 'model')} in sync{rest}."


_WIDEST = 120


def worded(difference: Difference) -> str:
    """One clean line, such as `description: 'new' in git, 'old' in the registry`; long values are cut."""
    declared, registered = _word(difference.declared), _word(difference.registered)
    return printable(f"{difference.field}: {declared} in git, {registered} in the registry")


def _word(value: object) -> str:
    if value is None:
        return "absent"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    short = shortened(text, _WIDEST)
    return f"'{short}'" if isinstance(value, str) else short
