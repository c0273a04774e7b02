"""Several targets of one repository share what git tells of a commit, and each hears the same as alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.source.commands import Commands

if TYPE_CHECKING:
    from reconciler.source import GitSource
    from tests.git_repository import GitRepository
    from tests.source.conftest import Opener

_PATHS = [f"m/{name}" for name in "abcdefghij"]


def _answers(source: GitSource, old: str, new: str, path: str) -> tuple[object, object]:
    """What a cycle asks of two commits, as values."""
    since = source.graph_since(old, new, path)
    commits = None if since is None else [(one.commit, one.parents, one.deltas) for one in since]
    return source.changes(old, new, path), commits


def test_a_commit_costs_as_many_processes_with_ten_targets_as_with_one(
    repository: GitRepository, opened: Opener
) -> None:
    """One difference and one log for all of them, and one list of files for the target that it concerns."""
    old = repository.commit({f"{path}/1.yaml": path for path in _PATHS})
    new = repository.commit({"m/c/2.yaml": "new"})
    source = opened("repo", paths=_PATHS)
    before = Commands.started
    answers = {path: _answers(source, old, new, path) for path in _PATHS}
    assert Commands.started - before == 3
    assert [path for path, (changes, _) in answers.items() if changes] == ["m/c"]


@pytest.mark.parametrize("paths", [_PATHS[:3], ["", "m/a"], ["m", "m/a", "absent"]])
def test_each_target_hears_what_it_would_hear_alone(
    repository: GitRepository, opened: Opener, paths: list[str]
) -> None:
    """Across merges, reverts, folders that become files, and a branch that was rewritten."""
    first = repository.commit({f"{path}/1.yaml": path for path in _PATHS[:3]})
    repository.git("checkout", "--quiet", "-b", "side")
    side = repository.commit({"m/b/1.yaml": "side", "m/c/new.yaml": "side"})
    repository.git("checkout", "--quiet", "main")
    repository.commit({"m/a/1.yaml": None, "m/a/moved.yaml": "m/a"})
    repository.git("-c", "user.name=M", "-c", "user.email=m@x", "merge", "--quiet", "-s", "ours", "side")
    merged = repository.git("rev-parse", "HEAD")
    repository.commit({"m/a/1.yaml": "m/a", "m/a/moved.yaml": None})
    repository.git("rm", "-r", "--quiet", "m/c")
    last = repository.commit({"m/c": "a file"})
    together, alone = opened("repo", paths=paths), opened("repo")
    for old, new in ((first, merged), (side, merged), (first, last), (merged, last), (last, side)):
        for path in paths:
            assert _answers(together, old, new, path) == _answers(alone, old, new, path), (path, old, new)
