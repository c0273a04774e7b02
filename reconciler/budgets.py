"""What one commit may declare: the ceilings of `[limits]`, by the names they have there, with their defaults.

Whoever may push decides how much there is to read, and a few kilobytes of objects can stand for millions of
paths. Each ceiling is far above anything that people write: what goes over one is told once, with the name of
the setting, and never costs more than reading up to it.
"""

from __future__ import annotations

from typing import NamedTuple

_MIB = 1024 * 1024


class Budgets(NamedTuple):
    """The ceilings; `[limits]` in docs/configuration.md says what each counts, and of what."""

    paths: int = 250_000
    listed_bytes: int = 32 * _MIB
    manifests: int = 200_000
    manifest_bytes: int = 256 * _MIB
    file_faults: int = 100
    faults: int = 1_000
    commits: int = 500_000
    changes: int = 1_000_000
    log_bytes: int = 256 * _MIB
    git_memory: int = 192 * _MIB
    author: int = 256
    subject: int = 256
    path: int = 1_024
    reason: int = 1_000
    output: int = 256 * _MIB


DEFAULTS = Budgets()


def shortened(text: str, longest: int) -> str:
    """The text, or as much of it as may be told, with `…` at its end."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
