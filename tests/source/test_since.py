"""Who touched a file after a commit that is known already."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.errors import SourceError
from tests.source.asking import attributed, blobs

if TYPE_CHECKING:
    from tests.git_repository import GitRepository
    from tests.source.conftest import Opener


def test_only_what_came_after_the_known_commit_is_told(repository: GitRepository, opened: Opener) -> None:
    """The rest is known."""
    first = repository.commit({"a": "1", "b": "1"})
    second = repository.commit({"b": "2"})
    source = opened("repo")
    asked = blobs(source, second, ["a", "b"])
    assert (source.attribute(second, asked, since=first) or {}).keys() == {"b"}
    before = source.commands
    assert source.attribute(second, asked, since=second) == {}
    assert source.commands == before
    assert attributed(source, second, ["a", "b"])["a"].commit == first


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
    since = source.attribute(merged, blobs(source, merged, ["a", "b"]), since=known)
    assert (since or {}).keys() >= {"b"}
    assert attributed(source, merged, ["a"])["a"].commit in (old, merged)


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
    asked = blobs(source, head, ["m/a", "m/b"])
    before = source.commands
    for known in (lost, aside, unrelated, "f" * 40, asked["m/a"] or ""):
        assert source.attribute(head, asked, since=known) is None
        assert source.attribute(head, {}, since=known) is None
    assert source.attribute(first, asked, since=head) is None
    assert source.attribute(head, {}, since=first) == {}
    assert source.commands == before + 12
    assert (source.attribute(head, asked, since=first) or {}).keys() == {"m/b"}


def test_the_known_commit_must_be_a_whole_id(repository: GitRepository, opened: Opener) -> None:
    """It stands where an option could stand."""
    commit = repository.commit({"a": "1"})
    with pytest.raises(SourceError, match="not a whole commit id"):
        opened("repo").attribute(commit, {"a": "1" * 40}, since="--all")
