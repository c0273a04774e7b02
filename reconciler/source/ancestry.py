"""Whether one commit comes before another, where history is cut off (a shallow clone).

A commit whose parents were cut off still names them. So what lies beyond is known one step further than
what is there, and sometimes all the way: nothing that comes before a commit can come after it.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from reconciler.source.text import as_lines

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from reconciler.source.commands import Commands
    from reconciler.source.process import GitProcess

_REACHED = ("rev-list", "--ignore-missing")
_HEAD = 1024 * 1024  # bytes of one commit that are kept
_RAW = ("cat-file", "--batch", "--buffer")


def goes_on(
    commands: Commands, commit: str, earlier: str, cut_off: frozenset[str], before: Collection[str]
) -> bool | None:
    """Whether `commit`, from which `earlier` cannot be reached, goes on from it beyond the cut.

    None where that cannot be told. `commit` is there, `earlier` need not be; the parents of `cut_off` were
    cut off, and `before` are known to be ancestors of `earlier`. Raises SourceError.
    """
    ends = cut_off.intersection(_reached(commands, commit, f"^{earlier}"))
    beyond = frozenset(parents(commands, ends))
    if earlier in beyond:
        return True
    past = _reached(commands, earlier)
    past |= frozenset(parents(commands, cut_off & past))
    return None if beyond - past - frozenset(before) else False


def parents(commands: Commands, commits: Iterable[str]) -> list[str]:
    """The parents that these commits name themselves, whatever was cut off. Raises SourceError."""
    asked = sorted(commits)
    if not asked:
        return []
    ids: list[str] = []
    with commands.stream(*_RAW, feed=as_lines(asked)) as output:
        reader = io.BufferedReader(output)
        for _ in asked:
            words = reader.readline().split()
            if words[1:2] == [b"commit"]:
                head = _read(reader, int(words[2]) + 1).partition(b"\n\n")[0]
                lines = head.decode("ascii", "replace").splitlines()
                ids += [line[7:] for line in lines if line.startswith("parent ")]
        reader.read(1)
    return ids


def _read(reader: io.BufferedReader[GitProcess], size: int) -> bytes:
    """The beginning of so many bytes, in which all parents stand; the rest is passed over."""
    head = reader.read(min(size, _HEAD))
    left = size - len(head)
    while left > 0 and (passed := reader.read(min(left, _HEAD))):
        left -= len(passed)
    return head


def _reached(commands: Commands, *revisions: str) -> frozenset[str]:
    return frozenset(commands.run(*_REACHED, *revisions, "--").decode("ascii", "replace").split())
