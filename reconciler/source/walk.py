"""Which commits to tell of: those that had a say in what a folder holds, in the order of a log.

`git log -- folder` says this itself, but compares the folder at every commit twice: to choose, and to tell.
Here it is compared only where the choice depends on it: a merge that left the folder as one of its parents
had it is followed to that parent alone, because what the others had was not taken.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.source.refs import is_object_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

ARGUMENTS = ("rev-list", "--date-order", "--parents")
NAMED = ("cat-file", "--batch-check=%(objectname)", "--buffer")
_MERGE = 3  # ids in the line of a merge, at least: its own and two parents'


def can_compare(root: str) -> bool:
    """Whether `root` can be looked up in many commits at once; of the top, every commit has a say."""
    return bool(root) and "\n" not in root


def compared(lines: Iterable[str]) -> list[str]:
    """The commits whose folders have to be known: every merge and its parents, each once."""
    asked = (commit for line in lines if len(ids := line.split()) >= _MERGE for commit in ids)
    return list(dict.fromkeys(asked))


def held(asked: Sequence[str], printed: bytes) -> dict[str, str | None]:
    """The object id that each commit has in the folder's place, as `git cat-file` tells with `NAMED`."""
    found = printed.decode("ascii", "replace").splitlines()
    return {commit: name if is_object_id(name) else None for commit, name in zip(asked, found, strict=True)}


def simplified(lines: Iterable[str], folder: Mapping[str, str | None]) -> list[str]:
    """The commits that are left, in the order of the lines: children before parents.

    Args:
        lines: what `git rev-list` prints with `ARGUMENTS`, each commit with its parents.
        folder: what stands in the folder's place at every merge and its parents.
    """
    followed: set[str] = set()
    left: list[str] = []
    for line in lines:
        commit, *parents = line.split()
        if left and commit not in followed:
            continue
        left.append(commit)
        if len(parents) > 1:
            parents = [one for one in parents if folder[one] == folder[commit]][:1] or parents
        followed.update(parents)
    return left
