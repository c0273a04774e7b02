"""Who touched a file after a commit that is known already."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.errors import SourceError
from reconciler.source.commands import Commands

if TYPE_CHECKING:
    from reconciler.source import GitSource
    from tests.git_repository import GitRepository
    from tests.source.conftest import Opener


def _touched(source: GitSource, since: str, commit: str) -> set[str] | None:
    graph = source.graph_since(since, commit, "m")
    return None if graph is None else {delta.path for one in graph for delta in one.deltas}


def test_every_path_is_told_that_a_later_commit_touched(repository: GitRepository, opened: Opener) -> None:
    """Also one that was changed and changed back; and no process is started when nothing came after."""
    first = repository.commit({"m/a": "1", "m/b": "1", "m/c": "1", "other": "1"})
    repository.commit({"m/b": "2", "m/c": None, "other": "2"})
    head = repository.commit({"m/b": "1", "m/d": "1"})
    source = opened("repo")
    before = Commands.started
    assert _touched(source, first, head) == {"m/b", "m/c", "m/d"}
    assert Commands.started == before + 1
    assert _touched(source, head, head) == set()
    assert Commands.started == before + 1


def test_nothing_is_told_when_the_branch_did_not_go_on_from_the_known_commit(
    repository: GitRepository, opened: Opener
) -> None:
    """Rewritten, unrelated, newer, gone, or no commit at all: what was known may not be true any longer."""
    first = repository.commit({"m/a": "1", "m/b": "1", "other": "1"})
    lost = repository.commit({"m/b": "2"}, "Lost")
    aside = repository.commit({"other": "2"}, "Touches nothing that is asked for")
    repository.git("reset", "--quiet", "--hard", first)
    head = repository.commit({"m/b": "3"}, "Instead")
    unrelated = repository.git("commit-tree", "-m", "alone", f"{head}^{{tree}}")
    source = opened("repo")
    blob = source.files(head, ["m/a"])["m/a"].blob
    before = Commands.started
    for commit in (lost, aside, unrelated, "f" * 40, blob):
        assert _touched(source, commit, head) is None
    assert _touched(source, head, first) is None
    assert Commands.started == before + 6
    assert _touched(source, first, head) == {"m/b"}


def test_the_known_commit_must_be_a_whole_id(repository: GitRepository, opened: Opener) -> None:
    """It stands where an option could stand."""
    commit = repository.commit({"a": "1"})
    with pytest.raises(SourceError, match="not a whole commit id"):
        opened("repo").graph_since("--all", commit, "")
