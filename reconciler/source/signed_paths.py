"""Which files the signer of a commit answers for."""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING

from reconciler.source.text import blocks, bounded

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.source.commands import Commands

_PATHS = ("diff-tree", "-r", "-z", "--name-only", "--no-renames", "--no-relative", "--no-ext-diff")
_OF_COMMIT = ("-c", "--root", "--no-commit-id")
_ALL_PATHS = ("ls-tree", "-r", "-z", "--name-only", "--full-tree")
_FOUND_OR_NOT = frozenset({0, 1})
_MOST = 64 * 1024 * 1024  # bytes of paths of one commit
_TOO_MANY = "source.verify.authors: a commit changes more files than are looked at"


def written_by(commands: Commands, commit: str) -> list[str]:
    """What a commit changes; of a merge, what it wrote itself, or left out. Raises SourceError."""
    return _names([commands.run(*_PATHS, *_OF_COMMIT, commit, "--")]) + _left_out(commands, commit)


def differing(commands: Commands, base: str, commit: str) -> list[str] | None:
    """In what two commits differ; None where one is not there. Raises SourceError."""
    return commands.attempt(*_PATHS, base, commit, "--", read=_names)


def all_paths(commands: Commands, commit: str) -> list[str]:
    """Every file of a commit. Raises SourceError."""
    return _names([commands.run(*_ALL_PATHS, commit, "--")])


def _left_out(commands: Commands, merge: str) -> list[str]:
    """What a merge took from one of its parents, although another had changed it since the two parted.

    Each two parents are asked about: of three, one may hide what another changed.
    """
    parents = commands.run("rev-parse", f"{merge}^@").decode("ascii", "replace").split()
    pairs = list(permutations(parents, 2))
    by_parent = {one: {*_names([commands.run(*_PATHS, one, merge, "--")])} for one in parents if pairs}
    left_out: set[str] = set()
    for one, other in pairs:
        names = by_parent[one] - by_parent[other]
        bases = commands.run("merge-base", "--all", one, other, accept=_FOUND_OR_NOT) if names else b""
        for base in bases.decode("ascii", "replace").split():
            names.intersection_update(_names([commands.run(*_PATHS, base, one, "--")]))
        left_out |= names
    return sorted(left_out)


def _names(pieces: Iterable[bytes]) -> list[str]:
    return [name for block in blocks(bounded(pieces, _MOST, _TOO_MANY)) for name in block.split("\0") if name]
