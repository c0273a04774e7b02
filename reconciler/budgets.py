"""What one commit may declare: the ceilings of `[limits]`, by the names they have there, with their defaults.

Whoever may push decides how much there is to read, and a few kilobytes of objects can stand for millions of
paths. Each ceiling is far above anything that people write: what goes over one is told once, with the name of
the setting, and never costs more than reading up to it.
"""

from __future__ import annotations

from typing import NamedTuple

_MIB = 1024 * 1024


class Budgets(NamedTuple):
    """The ceilings.

    Attributes:
        paths: files and folders below a target's directory, in one commit.
        listed_bytes: bytes of git's list of them.
        manifests: documents of one target.
        manifest_bytes: bytes of manifests, and of the files they name, that one cycle reads for one target.
        file_faults: problems told of one file; the rest are counted.
        faults: problems told of one target; the rest are counted.
        commits: commits that are read for one question about history.
        changes: changes of files in these commits.
        log_bytes: bytes of what git tells of these commits.
        git_memory: bytes that one git process which reads may allocate; what it maps of packs is not counted.
        author, subject, path, reason: characters that are stored or shown; a longer path is refused.
        output: bytes that one command prints.
    """

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
