"""What two commits and those between them differ in, asked once for all targets of a repository."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reconciler.source.log import Commit


@dataclass(frozen=True, slots=True)
class Span:
    """Two commits, below all folders that are reconciled.

    Attributes:
        old, new: their ids.
        entries: every path that differs, and whether it is there at the new one.
        commits: those that only one of both has, with what they did.
    """

    old: str
    new: str
    entries: Mapping[str, bool]
    commits: Sequence[Commit]

    def entries_below(self, path: str) -> dict[str, bool]:
        """The paths below one of these folders, or the folder's own, that differ."""
        return {name: there for name, there in self.entries.items() if _is_below(name, path)}

    def commits_below(self, path: str) -> list[Commit]:
        """The commits with what they did there."""
        return [
            commit
            if all(_is_below(delta.path, path) for delta in commit.deltas)
            else commit._replace(deltas=tuple(one for one in commit.deltas if _is_below(one.path, path)))
            for commit in self.commits
        ]


def _is_below(name: str, path: str) -> bool:
    return not path or name == path or name.startswith(f"{path}/")
