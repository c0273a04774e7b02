"""Problems as a report of GitLab's code quality: a subset of the CodeClimate specification.

https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.printable import printable
from reconciler.views.fingerprints import fingerprints

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.manifest.values import Reason

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
