"""Problems as annotations of a GitHub Actions job: workflow commands on standard output.

https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from reconciler.manifest.values import Reason

MOST_ANNOTATIONS = 10
"""So many annotations GitHub shows of one step; it drops the others without a word."""


def commands(reasons: Iterable[Reason]) -> str:
    """A command for each of the first ten problems, errors first; text that ends with a line break."""
    return "".join(f"{_command(reason)}\n" for reason in by_severity(reasons)[:MOST_ANNOTATIONS])


def by_severity(reasons: Iterable[Reason]) -> Sequence[Reason]:
    """Errors first, else in the order given: what is cut off at the end weighs least."""
    return sorted(reasons, key=lambda reason: reason.severity != "error")


def _command(reason: Reason) -> str:
    facts = {"file": reason.path, "line": reason.line, "col": reason.column, "title": reason.code}
    properties = ",".join(f"{key}={_property(str(value))}" for key, value in facts.items() if value)
    return f"::{reason.severity} {properties}::{_data(reason.message)}"


def _data(text: str) -> str:
    """What may stand after the second `::`; `clean` leaves no line break, which would end the command."""
    return printable(text).replace("%", "%25")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
