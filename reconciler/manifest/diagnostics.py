"""Says what is wrong with a file as reasons with line, column and excerpt, in a fixed order."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from reconciler.budgets import shortened
from reconciler.manifest.values import MORE, Reason
from reconciler.phrases import many

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.contract.problem import Severity
    from reconciler.manifest.text import Issue, Text


class SourceText(NamedTuple):
    """One file: its path inside the repository and its text."""

    path: str
    text: Text

    def reason(self, code: str, message: str, index: int, severity: Severity = "error") -> Reason:
        """A problem at one index of the text."""
        line, column = self.text.place(index)
        return Reason(code, message, self.path, line, column, severity, self.text.excerpt(index))

    def issue(self, issue: Issue) -> Reason:
        """A flaw with both places, where it has two."""
        if issue.index is None:
            return Reason(issue.code, issue.message, self.path)
        return self.reason(issue.code, self.text.words(issue), issue.index)


def render(reasons: Iterable[Reason]) -> tuple[Reason, ...]:
    """Each reason once, errors first, then by place."""
    return tuple(sorted(dict.fromkeys(reasons), key=_rank))


def trimmed(reasons: tuple[Reason, ...], most: int, longest: int) -> tuple[Reason, ...]:
    """The first reasons, one at least, and the number of the others.

    Of a message there are no more than `longest` characters.
    """
    kept = max(most, 1)
    short = tuple(
        one if len(one.message) <= longest else replace(one, message=shortened(one.message, longest))
        for one in reasons[:kept]
    )
    if len(reasons) <= kept:
        return short
    last = short[-1]
    more = f"and {many(len(reasons) - kept, 'more problem')}; correct these first"
    return *short, Reason(MORE, more, last.path, last.line, last.column, last.severity)


def _rank(reason: Reason) -> tuple[bool, int, int]:
    return reason.severity != "error", reason.line or 0, reason.column or 0
