"""Who last touched a manifest: what is remembered from commit to commit says what the log says."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from reconciler.engine.attribution import Attributions
from tests.engine.worlds import MemorySource

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass
class CountingSource(MemorySource):
    """Counts what it is asked, by how much of the log that takes."""

    asked: list[str] = field(default_factory=list)

    def attribute(self, commit: str, blobs: Mapping[str, str | None], since: str | None = None) -> Any:
        if commit != since:
            self.asked.append("whole log" if since is None else "since")
        return MemorySource.attribute(self, commit, blobs, since)


def _of(memory: Attributions, source: MemorySource) -> dict[str, str]:
    commit = source.head()
    found = memory.of("local", source, source.snapshot(commit, "models.d"), source.held.keys())
    return {path: attribution.commit for path, attribution in found.items()}


def test_content_that_comes_back_is_credited_to_the_commit_that_brought_it_back() -> None:
    """Not to the one that had it first."""
    source, memory = MemorySource(), Attributions()
    for content in ("a", "b", "a"):
        commit = source.commit({"x": content})
        assert _of(memory, source) == {"x": commit}


def test_content_that_came_back_between_two_looks_is_credited_to_the_newest_commit() -> None:
    """As a process that has just started says too."""
    source, memory = MemorySource(), Attributions()
    source.commit({"x": "a"})
    _of(memory, source)
    source.commit({"x": "b"})
    newest = source.commit({"x": "a"})
    assert _of(memory, source) == {"x": newest}


def test_a_rewritten_history_leaves_no_commit_that_is_gone() -> None:
    """Every model can be traced to a commit that is there."""
    source, memory = MemorySource(), Attributions()
    source.commit({"x": "a"})
    _of(memory, source)
    source.rewrite()
    assert _of(memory, source) == {"x": source.head()}


def test_git_is_asked_only_for_what_is_new() -> None:
    """Nothing for the same commit, the log since then for a later one."""
    source, memory = CountingSource(), Attributions()
    source.commit({"x": "a", "y": "a"})
    _of(memory, source)
    _of(memory, source)
    source.commit({"y": "b"})
    _of(memory, source)
    assert source.asked == ["whole log", "since"]


def test_what_is_gone_is_forgotten() -> None:
    """A memory that lives for months must not grow with every commit."""
    source, memory = MemorySource(), Attributions()
    for number in range(50):
        source.commit({"x": str(number), f"y{number}": "a", f"y{number - 1}": None})
        _of(memory, source)
    assert [len(known.found) for known in memory._known.values()] == [2]


@given(
    st.lists(
        st.tuples(st.sampled_from("xyz"), st.sampled_from(["a", "b", None]), st.booleans(), st.booleans()),
        min_size=1,
    )
)
def test_a_memory_says_what_no_memory_says(steps: list[tuple[str, str | None, bool, bool]]) -> None:
    """Whatever is committed, rewritten, and looked at or not."""
    source, memory = MemorySource(), Attributions()
    for path, content, rewritten, looked_at in steps:
        source.commit({path: content})
        if rewritten:
            source.rewrite()
        if looked_at:
            assert _of(memory, source) == _of(Attributions(), source)
