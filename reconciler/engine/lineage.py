"""How the commit of a cycle stands to the one reconciled last: the branch went on from it, or was rewritten.

What is followed is remembered with the commit. Another branch or repository in the settings need not contain
that commit: this was meant, and is told once. Where history is cut off, what commits say of their parents is
remembered, so that a rewritten branch is recognised although most of the past is not there.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.engine.ports import Source

RECONCILED = "reconciled-commit"
"""The mark that holds the commit reconciled last; those below belong to it."""
_FOLLOWED = "reconciled-source"
_BEFORE = "reconciled-before"
_REMEMBERED = 50  # commits that came before; enough for as many cycles between two clones


@dataclass(frozen=True, slots=True)
class Lineage:
    """The answer.

    Attributes:
        lost_commit: the commit reconciled last, when the branch does not contain it any more.
        marks: what to remember once nothing is refused.
    """

    lost_commit: str | None
    notes: tuple[str, ...]
    marks: Mapping[str, str]


def trace(source: Source, remembered: Mapping[str, str], commit: str, *, is_needed: bool) -> Lineage:
    """How `commit` stands to the commit that is remembered. Used from the thread that git runs in.

    Git is asked only where something depends on it (`is_needed`) and the branch moved. Raises SourceError.
    """
    last, followed = remembered.get(RECONCILED), source.followed()
    marks = {RECONCILED: commit, _FOLLOWED: json.dumps(followed)}
    if last == commit:
        return Lineage(None, _changed(remembered, followed), marks)
    before = remembered.get(_BEFORE, "").split()
    kept = source.contains(commit, last, before) if last is not None and is_needed else None
    if source.is_shallow():
        ancestors = [*source.parents(commit), *([str(last), *before] if kept else ())]
        marks[_BEFORE] = " ".join(list(dict.fromkeys(ancestors))[:_REMEMBERED])
    if last is None or not is_needed:
        return Lineage(None, _changed(remembered, followed), marks)
    changed = _changed(remembered, followed)
    if kept is None:
        return Lineage(None, (*changed, _cannot_be_known(last)), marks)
    return Lineage(None if kept or changed else last, changed, marks)


def _changed(remembered: Mapping[str, str], followed: Mapping[str, str]) -> tuple[str, ...]:
    """What the settings say now that they did not say at the last reconciliation."""
    before = json.loads(remembered.get(_FOLLOWED, "{}"))
    return tuple(
        f"{setting} was changed from {before[setting]} to {value} since the last reconciliation"
        for setting, value in followed.items()
        if before.get(setting, value) != value
    )


def _cannot_be_known(last: str) -> str:
    return (
        f"history is cut off (shallow clone), so that nobody can tell whether the branch still contains "
        f"{last[:12]}, the commit that was reconciled last; with a full clone this is checked"
    )
