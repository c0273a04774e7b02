"""The table of vendor codes as a document, written from what `codes` decides by: `docs/vendor-errors.md`.

python -m tests.vendor.code_table > docs/vendor-errors.md
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from reconciler.registry.codes import (
    BROKEN,
    ERROR_RULES,
    NO_IMPORT,
    NO_LIST,
    NOT_THE_REGISTRY,
    REDIRECT,
    REFUSED,
    STATUSES,
    UNUSABLE,
    Action,
    ErrorRule,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_ACTIONS: Mapping[Action, tuple[str, str]] = {
    Action.REJECT: (
        "The model is held as `failed` until its manifest changes or `reconciler retry` releases it.",
        "The read fails; nothing is repeated.",
    ),
    Action.EXISTS: (
        "Looked up and compared: adopted when equal, else `drifted`; held as `failed` when no list shows it.",
        "Does not happen.",
    ),
    Action.WAIT: (
        "Certainly not made: repeated twice after up to 2 s, then left to a later cycle (`waiting`).",
        "Repeated three times after a pause.",
    ),
    Action.LATER: (
        "Certainly not made: left to a later cycle, a minute later at the earliest (`waiting`).",
        "Left to a later cycle.",
    ),
    Action.RENEW: (
        "With a password: one new login, and the call once more. Otherwise as `stop-target`.",
        "The same.",
    ),
    Action.STOP_TARGET: (
        "The target stops with one message and exit 3, unrepeated; a refused key or password rests 5 min.",
        "The same.",
    ),
    Action.WRONG_ENDPOINT: (
        "Left to a later cycle (`waiting`); the target stops with exit 3 after three, or when none is made.",
        "The same.",
    ),
    Action.RECONCILE: (
        "Unknown: looked for by exact name and version until that is certain; adopted, or sent again.",
        "Repeated three times after a pause.",
    ),
    Action.NOT_FOUND: (
        "Does not happen.",
        "The model is gone: `missing`; for a deletion, a success.",
    ),
    Action.BY_STATUS: ("The HTTP status decides.", "The HTTP status decides."),
}

_INTRODUCTION = """# The vendor's error codes

Made by `python -m tests.vendor.code_table` from the table that the client decides by; a test holds
the two equal. The code is asked first and the HTTP status second, because several permanent errors are HTTP
500 and some temporary ones HTTP 400. Sources: the vendor's error-code tables of 2019, 2021 and 2025, and its
gateway's.
"""


def document() -> str:
    """The whole document, in Markdown."""
    codes = ((code, _row(rule)) for code, rule in ERROR_RULES.items())
    parts = [
        _INTRODUCTION,
        "## What is done\n",
        _table(("action", "an import", "anything else"), ((f"`{a}`", does) for a, does in _ACTIONS.items())),
        "## By code\n",
        "The gateway's codes come as `APIG.` and as `APIGW.`.\n",
        _table(("code", "meaning", "action", "what you can do"), codes),
        "## By status, where the code is unknown or absent\n",
        _table(("status", "meaning", "action", "what you can do"), _statuses()),
    ]
    return "\n".join(parts)


def _statuses() -> Iterable[tuple[str, tuple[str, ...]]]:
    yield "3xx", _row(REDIRECT)
    for status, rule in STATUSES.items():
        yield str(status), _row(rule)
    yield "404, 410 or `APIG.01xx` of the list", _row(NO_LIST)
    yield "404, 410 or `APIG.01xx` of an import", _row(NO_IMPORT)
    yield "other 4xx", _row(REFUSED)
    yield "4xx of a read, without the vendor's envelope", _row(NOT_THE_REGISTRY)
    yield "5xx", _row(BROKEN)
    yield "2xx without a usable body", _row(UNUSABLE)


def _row(rule: ErrorRule) -> tuple[str, ...]:
    return rule.meaning, f"`{rule.action}`", rule.remedy


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, tuple[str, ...]]]) -> str:
    lines = [heads, ("---",) * len(heads), *((first, *rest) for first, rest in rows)]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)


if __name__ == "__main__":
    sys.stdout.write(document())
