"""Problems as SARIF 2.1.0, the format that code scanning takes.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from reconciler.phrases import many
from reconciler.printable import printable
from reconciler.views.hosts import by_severity, fingerprints

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.manifest.values import Reason

MOST_RESULTS = 5_000
"""So many results GitHub shows of one run, and refuses a run of more than 25,000."""

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def log(reasons: Sequence[Reason], version: str) -> dict[str, Any]:
    """The log of one run: errors first, 5,000 results at most, and how many more there are."""
    shown = by_severity(reasons)[:MOST_RESULTS]
    rules = sorted({reason.code for reason in shown})
    run = {
        "tool": {
            "driver": {
                "name": "reconciler",
                "version": version,
                "rules": [{"id": rule, "shortDescription": {"text": _words(rule)}} for rule in rules],
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


def _words(code: str) -> str:
    """`missing-field` as a heading."""
    return code.replace("-", " ").capitalize()


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
