"""Problems in the forms that hosts of repositories show beside the lines of a change.

GitHub Actions takes workflow commands on standard output, GitLab a code quality report, code scanning SARIF:
https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

from __future__ import annotations

from collections import Counter
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from reconciler.phrases import many
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
    """What may stand after the second `::`; `printable` leaves no line break, which would end the command."""
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


MOST_RESULTS = 5_000
"""So many results GitHub shows of one run, and refuses a run of more than 25,000."""

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def sarif_log(reasons: Sequence[Reason], version: str) -> dict[str, Any]:
    """The log of one run: errors first, 5,000 results at most, and how many more there are."""
    shown = by_severity(reasons)[:MOST_RESULTS]
    rules = sorted({reason.code for reason in shown})
    run = {
        "tool": {
            "driver": {
                "name": "reconciler",
                "version": version,
                "rules": [
                    {"id": rule, "shortDescription": {"text": rule.replace("-", " ").capitalize()}}
                    for rule in rules
                ],
            }
        },
        "columnKind": "unicodeCodePoints",
        "invocations": [_invocation(len(reasons) - len(shown))],
        "results": [
            _result(reason, rules.index(reason.code), fingerprint)
            for reason, fingerprint in zip(shown, fingerprints(shown), strict=True)
        ],
    }
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _invocation(left_out: int) -> dict[str, Any]:
    if not left_out:
        return {"executionSuccessful": True}
    text = f"{many(left_out, 'more problem')} left out: see `reconciler validate`"
    notification = {"level": "warning", "message": {"text": text}}
    return {"executionSuccessful": True, "toolExecutionNotifications": [notification]}


def _result(reason: Reason, rule: int, fingerprint: str) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": reason.code,
        "ruleIndex": rule,
        "level": reason.severity,
        "message": {"text": printable(reason.message)},
        "partialFingerprints": {"problem/v1": fingerprint},
    }
    if reason.path is not None:
        result["locations"] = [{"physicalLocation": _location(reason, reason.path)}]
    return result


def _location(reason: Reason, path: str) -> dict[str, Any]:
    uri = quote(path.encode("utf-8", "surrogateescape"), safe="/-._~")
    places = {"startLine": reason.line or 1, "startColumn": reason.column}
    region = {key: value for key, value in places.items() if value}
    return {"artifactLocation": {"uri": uri, "uriBaseId": "%SRCROOT%"}, "region": region}
