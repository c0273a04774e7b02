"""Which commits come before which, where history is cut off."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.git_repository import GitRepository

if TYPE_CHECKING:
    from pathlib import Path

    from tests.source.conftest import Opener


def _clone(repository: GitRepository, folder: Path, depth: int = 1) -> GitRepository:
    options = ("--quiet", f"--depth={depth}")
    repository.git("clone", *options, repository.path.as_uri(), str(folder))
    return GitRepository(folder)


def _fetch(clone: GitRepository) -> str:
    """As a job does that keeps its clone."""
    clone.git("fetch", "--quiet", "--depth=1", "origin", "main")
    clone.git("reset", "--quiet", "--hard", "FETCH_HEAD")
    return clone.git("rev-parse", "HEAD")


def test_the_parents_that_a_cut_off_commit_names_are_known(
    repository: GitRepository, tmp_path: Path, opened: Opener
) -> None:
    """One step further than what is there, on every side of a merge."""
    repository.commit({"a": "1"})
    first = repository.commit({"a": "2"})
    repository.git("checkout", "--quiet", "-b", "side", "HEAD~1")
    side = repository.commit({"b": "1"})
    repository.git("checkout", "--quiet", "main")
    repository.git("merge", "--quiet", "--no-ff", "-m", "Merge", "side")
    merge = repository.git("rev-parse", "HEAD")
    _clone(repository, tmp_path / "shallow")
    source = opened("shallow")
    assert source.is_shallow()
    assert source.parents(merge) == [first, side]
    assert source.contains(merge, first) is source.contains(merge, side) is True
    assert source.contains(merge, repository.git("rev-parse", "main~2")) is None
    assert source.contains(merge, "f" * 40) is None


def test_a_clone_that_is_kept_knows_a_rewrite_from_what_goes_on(
    repository: GitRepository, tmp_path: Path, opened: Opener
) -> None:
    """Both commits are there, each without its past."""
    repository.commit({"a": "1"})
    old = repository.commit({"a": "2"})
    clone = _clone(repository, tmp_path / "shallow")
    repository.commit({"a": "3"})
    far = repository.commit({"a": "4"})
    assert _fetch(clone) == far
    assert opened("shallow").contains(far, old) is None
    repository.git("reset", "--quiet", "--hard", f"{old}~1")
    amended = repository.commit({"a": "5"})
    assert _fetch(clone) == amended
    assert opened("shallow").contains(amended, old) is False


def test_a_branch_that_went_back_did_not_go_on(
    repository: GitRepository, tmp_path: Path, opened: Opener
) -> None:
    """What comes before a commit cannot come after it, however much is cut off."""
    for number in range(4):
        newest = repository.commit({"a": str(number)})
    clone = _clone(repository, tmp_path / "shallow", depth=3)
    older = clone.git("rev-parse", "HEAD~1")
    assert opened("shallow").contains(older, newest) is False
    assert opened("shallow").contains(newest, older) is True


def test_what_is_known_to_come_before_helps_where_the_lost_commit_is_gone(
    repository: GitRepository, tmp_path: Path, opened: Opener
) -> None:
    """A clone made anew has nothing of it."""
    first = repository.commit({"a": "1"})
    lost = repository.commit({"a": "2"})
    repository.git("reset", "--quiet", "--hard", first)
    head = repository.commit({"a": "3"})
    _clone(repository, tmp_path / "shallow")
    source = opened("shallow")
    assert source.contains(head, lost) is None
    assert source.contains(head, lost, before=[first]) is False


def test_a_mirror_of_a_shallow_remote_is_deepened_once_the_remote_is_whole(
    repository: GitRepository, tmp_path: Path, opened: Opener
) -> None:
    """A mirror is ours: it has all the history that there is to have."""
    first = repository.commit({"a": "1"})
    repository.commit({"a": "2"})
    clone = _clone(repository, tmp_path / "shallow")
    source = opened(clone.path.as_uri())
    source.head()
    assert source.is_shallow()
    clone.git("fetch", "--quiet", "--unshallow")
    newest = clone.commit({"a": "3"})
    assert source.head() == newest
    assert not source.is_shallow()
    assert source.contains(newest, first) is True
