"""Problems in the forms that hosts of repositories show beside the lines of a change; SARIF is beside this.

GitHub Actions takes workflow commands on standard output, GitLab a report of code quality:
https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
"""

from __future__ import annotations

from collections import Counter
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from reconciler.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from reconciler.manifest.values import Reason


MOST_ANNOTATIONS = 10
"""So many annotations GitHub shows of one step; it drops the others without a word."""


def github_commands(reasons: Iterable[Reason]) -> str:
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


_SEVERITY = {"error": "major", "warning": "minor"}


def code_quality(reasons: Sequence[Reason]) -> list[dict[str, Any]]:
    """One object a problem; a problem of a whole file stands at its first line."""
    return [
        {
            "description": printable(reason.message),
            "check_name": reason.code,
            "fingerprint": fingerprint,
            "severity": _SEVERITY[reason.severity],
            "location": {"path": printable(reason.path or "."), "lines": {"begin": reason.line or 1}},
        }
        for reason, fingerprint in zip(reasons, fingerprints(reasons), strict=True)
    ]


def fingerprints(reasons: Iterable[Reason]) -> Iterator[str]:
    """For each problem 64 hexadecimal digits, made of its code, file and message; no two are the same."""
    seen = Counter[tuple[str, str, str]]()
    for reason in reasons:
        facts = (reason.code, reason.path or "", reason.message)
        text = "\0".join((*facts, str(seen[facts])))
        seen[facts] += 1
        yield sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
