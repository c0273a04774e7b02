"""What differs between two commits, and some files by name: nothing else is listed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.engine.values import Snapshot
from reconciler.errors import SourceError
from reconciler.source.commands import Commands
from tests.effort import examples
from tests.source.histories import NAMES, Step, histories, make

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.engine.values import File
    from reconciler.source import GitSource
    from tests.git_repository import GitRepository
    from tests.source.conftest import Opener


def _after(old: Snapshot, new: str, changes: Mapping[str, File | None]) -> Snapshot:
    """What a caller does with the answer."""
    files: dict[str, File | None] = {file.path: file for file in old.files}
    files |= changes
    kept = tuple(files[path] for path in sorted(files))
    present_files = tuple(file for file in kept if file is not None)
    return Snapshot(new, old.path, present_files, exists=bool(present_files) or not old.path)


@given(histories(), st.sampled_from(["m", "m/a", "", "m.x", "none"]))
@settings(max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_changes_lead_from_the_old_snapshot_to_the_new_one(
    made: GitRepository, source: GitSource, steps: list[Step], path: str
) -> None:
    """From any commit to any other, onwards, back or across, whatever became of each name."""
    commits = make(made, steps)
    for old, new in zip(commits, [*commits[1:], commits[0]], strict=True):
        changes = source.changes(old, new, path)
        before, after = source.snapshot(old, path), source.snapshot(new, path)
        if changes is None:
            itself = [source.files(commit, [path]) for commit in (old, new)]
            assert itself[0] != itself[1]
        else:
            assert _after(before, new, changes) == after


@given(histories(), st.sampled_from(["m", "m/a", "x", ""]))
@settings(max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_log_since_a_commit_knows_whether_the_branch_went_on_from_it(
    made: GitRepository, source: GitSource, steps: list[Step], path: str
) -> None:
    """As git's own search for a common ancestor does; and what differs was touched, but for merges."""
    commits = make(made, steps)
    newest = commits[-1]
    for earlier in commits:
        graph = source.graph_since(earlier, newest, path)
        assert (graph is not None) == source.contains(newest, earlier)


@given(histories(), st.sets(st.sampled_from([name.decode("utf-8", "surrogateescape") for name in NAMES])))
@settings(max_examples=examples(40), deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_files_by_name_are_those_of_the_whole_listing(
    made: GitRepository, source: GitSource, steps: list[Step], paths: set[str]
) -> None:
    """A folder is no file, and no name is a pattern."""
    for commit in make(made, steps):
        listed = {file.path: file for file in source.snapshot(commit, "").files if file.path in paths}
        assert source.files(commit, paths) == listed


def test_names_that_no_tree_can_have_are_nowhere(repository: GitRepository, opened: Opener) -> None:
    """Git would take them for another path, or for a mistake."""
    commit = repository.commit({"a/b": "1", "c": "1"})
    source = opened("repo")
    nowhere = ["", "/", "a/", "/a/b", "a//b", "./c", "../c", "a/../c", ".", "c\0", "*", "a/*", ":/c"]
    assert source.files(commit, nowhere) == {}
    assert source.files(commit, [*nowhere, "c"]).keys() == {"c"}


def test_so_many_names_that_no_command_line_holds_them_are_found(
    repository: GitRepository, opened: Opener
) -> None:
    """By one process too."""
    commit = repository.commit({"m/a/1": "1", "m/b": "2", "m/c": "3"})
    source = opened("repo")
    before = Commands.started
    absent = {f"m/{'long' * 50}{number}" for number in range(400)}
    assert source.files(commit, absent | {"m/a", "m/a/1", "m/b"}).keys() == {"m/a/1", "m/b"}
    assert Commands.started == before + 1


def test_a_path_that_stops_or_begins_to_be_a_folder_is_for_a_snapshot_to_tell(
    repository: GitRepository, opened: Opener
) -> None:
    """A file, a link or a submodule in its place: the difference alone does not say so."""
    folder = repository.commit({"m/a": "1", "x": "1"})
    gone = repository.commit({"m/a": None})
    (repository.path / "m").rmdir()
    file = repository.commit({"m": "1"})
    repository.write({"m": None})
    (repository.path / "m").symlink_to("x")
    link = repository.commit({})
    source = opened("repo")
    for old, new in [(folder, file), (file, folder), (folder, link), (link, file), (gone, file)]:
        assert source.changes(old, new, "m") is None
    assert source.changes(folder, gone, "m") == {"m/a": None}
    assert (source.changes(gone, folder, "m") or {}).keys() == {"m/a"}


def test_an_old_commit_that_is_gone_or_none_is_for_a_snapshot_to_tell(
    repository: GitRepository, opened: Opener
) -> None:
    """After a force-push and a clean-up; a tree or a blob has no place in a history."""
    repository.commit({"m/a": "1"})
    lost = repository.commit({"m/a": "2"})
    repository.git("reset", "--quiet", "--hard", "HEAD~1")
    head = repository.commit({"m/a": "3"})
    source = opened("repo")
    assert (source.changes(lost, head, "m") or {}).keys() == {"m/a"}
    repository.git("reflog", "expire", "--expire=now", "--all")
    repository.git("gc", "--quiet", "--prune=now")
    tree, blob = (repository.git("rev-parse", name) for name in (f"{head}^{{tree}}", f"{head}:m/a"))
    for old in (lost, "f" * 40, "f" * 64, tree, blob):
        assert source.changes(old, head, "m") is None
        assert source.graph_since(old, head, "m") is None


@pytest.mark.parametrize("commit", ["", "HEAD", "--output=x", "f" * 39])
def test_what_is_no_whole_commit_id_is_refused(
    repository: GitRepository, opened: Opener, commit: str
) -> None:
    """It stands where an option could stand."""
    head = repository.commit({"a": "1"})
    source = opened("repo")
    before = Commands.started
    with pytest.raises(SourceError, match="not a whole commit id"):
        source.changes(commit, head, "")
    with pytest.raises(SourceError, match="not a whole commit id"):
        source.changes(head, commit, "")
    with pytest.raises(SourceError, match="not a whole commit id"):
        source.files(commit, ["a"])
    assert Commands.started == before


def test_content_that_is_missing_has_no_size_until_it_is_read(
    repository: GitRepository, opened: Opener
) -> None:
    """As in a snapshot: reading it is what fails."""
    old = repository.commit({"a": "1"})
    new = repository.commit({"a": "22"})
    blob = repository.git("rev-parse", f"{new}:a")
    (repository.path / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    source = opened("repo")
    changes = source.changes(old, new, "") or {}
    assert changes == {file.path: file for file in source.snapshot(new, "").files}


def test_a_tick_after_an_edit_starts_five_processes(repository: GitRepository, opened: Opener) -> None:
    """What was touched since, what differs, how long it is and what it says, and who said so: no listing."""
    old = repository.commit({f"m/{number}": str(number) for number in range(200)})
    source = opened("repo")
    before = Commands.started
    assert source.head() == old
    assert source.changes(old, old, "m") == {}
    assert Commands.started == before
    new = repository.commit({"m/7": "edited"}, "Edit")
    assert source.head() == new
    changes = source.changes(old, new, "m") or {}
    files = [file for file in changes.values() if file is not None]
    assert [(file.path, file.mode, file.size) for file in files] == [("m/7", "100644", 6)]
    assert dict(source.read(file.blob for file in files)) == {files[0].blob: b"edited"}
    since = source.graph_since(old, new, "m")
    assert since is not None
    commits = [(one.commit_info.subject, [delta.path for delta in one.deltas]) for one in since]
    assert commits == [("Edit", ["m/7"])]
    assert Commands.started == before + 4


def test_a_deletion_alone_is_told_by_one_process(repository: GitRepository, opened: Opener) -> None:
    """Nothing is left whose size could be asked."""
    old = repository.commit({"m/a": "1", "m/b": "1"})
    new = repository.commit({"m/a": None})
    source = opened("repo")
    before = Commands.started
    assert source.changes(old, new, "m") == {"m/a": None}
    assert Commands.started == before + 1
