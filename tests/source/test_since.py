"""Who touched a file after a commit that is known already."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.errors import SourceError

if TYPE_CHECKING:
    from tests.git_repository import GitRepository
    from tests.source.conftest import Opener


def test_only_what_came_after_the_known_commit_is_told(repository: GitRepository, opened: Opener) -> None:
    """The rest is known."""
    first = repository.commit({"a": "1", "b": "1"})
    second = repository.commit({"b": "2"})
    source = opened("repo")
    assert source.attribute(second, ["a", "b"], since=first).keys() == {"b"}
    assert source.attribute(second, ["a", "b"], since=second) == {}
    assert source.attribute(second, ["a", "b"])["a"].commit == first


def test_content_that_a_merge_took_from_before_is_credited_to_nobody_since(
    repository: GitRepository, opened: Opener
) -> None:
    """No commit after the known one gave it: the whole log has to say."""
    old = repository.commit({"a": "old"})
    repository.git("branch", "side")
    known = repository.commit({"a": "new"})
    repository.git("checkout", "--quiet", "side")
    repository.commit({"b": "1"})
    repository.git("checkout", "--quiet", "main")
    identity = ("-c", "user.name=M", "-c", "user.email=m@x")
    repository.git(*identity, "merge", "--quiet", "--no-ff", "--no-commit", "side")
    repository.git("checkout", "--quiet", old, "--", "a")
    merged = repository.commit({})
    source = opened("repo")
    since = source.attribute(merged, ["a", "b"], since=known)
    assert since.keys() >= {"b"}
    assert source.attribute(merged, ["a"])["a"].commit in (old, merged)


def test_the_known_commit_must_be_a_whole_id(repository: GitRepository, opened: Opener) -> None:
    """It stands where an option could stand."""
    commit = repository.commit({"a": "1"})
    with pytest.raises(SourceError, match="not a whole commit id"):
        opened("repo").attribute(commit, ["a"], since="--all")
