"""Random histories, made by one `git fast-import` each: of any shape, with any names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.git_repository import GitRepository

NAMES = [b"m", b"m/a", b"m/a/b", b"m/a/b/c", b"m/a-b", b"m/caf\xe9", b"m/:(glob)*\n\t ", b"m.x/a", b"x"]
CONTENTS = {"1": b"1", "2": b"2", "long": b"line\n" * 40, "empty": b""}
LINK_TARGET = b"m/a"

ENTRIES = st.tuples(
    st.sampled_from(NAMES),
    st.sampled_from(["100644", "100755", "120000", "160000"]),
    st.sampled_from(sorted(CONTENTS)),
)


@dataclass(frozen=True)
class Step:
    """One commit: entries put one after the other, each in place of what is in its way."""

    entries: Sequence[tuple[bytes, str, str]]
    parents: tuple[int, ...]
    date: int


@st.composite
def histories(draw: st.DrawFn) -> list[Step]:
    """Commits on any earlier ones: lines, branches, merges, second roots, with clocks that go back."""
    return [
        Step(
            draw(st.lists(ENTRIES, max_size=4)),
            tuple(sorted(draw(st.sets(st.integers(0, number - 1), max_size=2)))) if number else (),
            draw(st.integers(0, 3)),
        )
        for number in range(draw(st.integers(2, 5)))
    ]


def _entry(name: bytes, mode: str, content: str) -> bytes:
    path = b'"' + b"".join(b"\\%03o" % byte for byte in name) + b'"'
    if mode == "160000":
        return b"M 160000 " + (b"1" * 40) + b" " + path + b"\n"
    data = LINK_TARGET if mode == "120000" else CONTENTS[content]
    return b"M %s inline %s\ndata %d\n%s\n" % (mode.encode(), path, len(data), data)


def make(repository: GitRepository, steps: Sequence[Step]) -> list[str]:
    """The ids of the commits; what a merge holds is only what its step says."""
    lines = [b"feature done\n"]
    for number, step in enumerate(steps):
        lines.append(b"reset refs/heads/made\ncommit refs/heads/made\nmark :%d\n" % (number + 1))
        lines.append(b"committer C <c@x> %d +0000\ndata 1\nS\n" % (1_700_000_000 + step.date))
        words = [b"from", *[b"merge"] * len(step.parents)]
        lines += [b"%s :%d\n" % (word, parent + 1) for word, parent in zip(words, step.parents, strict=False)]
        lines += [b"deleteall\n", *(_entry(*entry) for entry in step.entries)]
        lines += [b"get-mark :%d\n" % (number + 1)]
    lines.append(b"done\n")
    return repository.git("fast-import", "--quiet", "--force", stdin=b"".join(lines)).split()
