"""What a host knows a problem by from one run to the next, wherever its line has moved to."""

from __future__ import annotations

from collections import Counter
from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reconciler.manifest.values import Reason


def fingerprints(reasons: Iterable[Reason]) -> Iterator[str]:
    """For each problem 64 hexadecimal digits, made of its code, file and message; no two are the same."""
    seen = Counter[tuple[str, str, str]]()
    for reason in reasons:
        facts = (reason.code, reason.path or "", reason.message)
        text = "\0".join((*facts, str(seen[facts])))
        seen[facts] += 1
        yield sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
