"""What a person should know about a source, and what never enters it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.git_repository import GitRepository
from tests.source.asking import attributed, changed_paths

if TYPE_CHECKING:
    from pathlib import Path

    from tests.source.conftest import Opener


def test_a_clean_work_tree_is_not_worth_a_word(repository: GitRepository, opened: Opener) -> None:
    """Ignored files included."""
    repository.commit({"a": "1", ".gitignore": "*.log\n"})
    repository.write({"x.log": "ignored"})
    assert opened("repo").notes() == []


def test_uncommitted_changes_are_counted_and_not_considered(
    repository: GitRepository, opened: Opener
) -> None:
    """Changed, staged, deleted and new files are one note, and no input."""
    commit = repository.commit({"m/a": "1", "m/b": "1", "m/c": "1"})
    source = opened("repo")
    before = source.snapshot(commit, "")
    repository.write({"m/a": "2"})
    assert [note.partition(": ")[2] for note in source.notes()] == [
        "1 uncommitted change is not considered; only committed content counts"
    ]
    repository.write({"m/b": None, "m/new\nname": "3", "n/another": "4"})
    repository.git("add", "m/a")
    assert "4 uncommitted changes are not considered" in source.notes()[0]
    assert source.head() == commit
    assert source.snapshot(commit, "") == before


def test_only_changes_below_the_reconciled_folders_are_counted(
    repository: GitRepository, opened: Opener
) -> None:
    """The state folder beside them is nobody's business."""
    repository.commit({"models.d/a": "1", "src/x": "1"})
    repository.write({"src/x": "2", ".reconciler/state.db": "s"})
    source = opened("repo", paths=["models.d"])
    assert source.notes() == []
    repository.write({"models.d/a": "2"})
    assert "1 uncommitted change below models.d is not considered" in source.notes()[0]


def test_a_work_tree_on_another_branch_is_noted(repository: GitRepository, opened: Opener) -> None:
    """What one sees in the editor is not what is reconciled."""
    repository.commit({"a": "1"})
    repository.git("checkout", "--quiet", "-b", "side")
    (note,) = opened("repo", branch="main").notes()
    assert "has side checked out; what is reconciled is main" in note
    assert opened("repo", branch="side").notes() == []


def test_a_shallow_clone_works_and_says_what_it_cannot_know(
    repository: GitRepository, tmp_path: Path, opened: Opener
) -> None:
    """Older changes are credited to the oldest commit there is."""
    repository.commit({"m/a": "1"}, "Out of reach")
    repository.commit({"m/b": "1"}, "Oldest")
    head = repository.commit({"m/c": "1"}, "Newest")
    repository.git("clone", "--quiet", "--depth=2", repository.path.as_uri(), str(tmp_path / "shallow"))
    source = opened("shallow")
    assert source.head() == head
    assert "shallow clone" in source.notes()[0]
    commit_infos = attributed(source, head, ["m/a", "m/b", "m/c"])
    assert [commit_infos[path].subject for path in ("m/a", "m/b", "m/c")] == ["Oldest", "Oldest", "Newest"]
    assert len(changed_paths(source, head, "m")) == 3


def test_a_work_tree_that_cannot_be_looked_at_does_not_stop_anything(
    repository: GitRepository, opened: Opener
) -> None:
    """A broken index is a note; the commits are as good as before."""
    commit = repository.commit({"a": "1"})
    (repository.path / ".git" / "index").write_bytes(b"garbage that is no index at all, but long enough")
    source = opened("repo")
    assert "is not known" in source.notes()[0]
    assert source.snapshot(commit, "").exists


def test_looking_at_the_work_tree_writes_nothing(repository: GitRepository, opened: Opener) -> None:
    """Not even the index, whose refresh would wake whoever watches the repository."""
    repository.commit({"a": "1"})
    (repository.path / "a").touch()
    index = repository.path / ".git" / "index"
    before = (index.stat().st_mtime_ns, index.read_bytes())
    opened("repo").notes()
    assert (index.stat().st_mtime_ns, index.read_bytes()) == before


def test_a_bare_mirror_of_a_dirty_work_tree_has_no_notes(repository: GitRepository, opened: Opener) -> None:
    """What lies in somebody else's work tree is not visible through a URL."""
    repository.commit({"a": "1"})
    repository.write({"a": "2"})
    source = opened(repository.path.as_uri())
    source.head()
    assert source.notes() == []


def test_a_changed_submodule_is_not_entered(
    repository: GitRepository, tmp_path: Path, opened: Opener
) -> None:
    """Its work tree, and its configuration, are another repository's."""
    other = GitRepository(tmp_path / "other")
    other.commit({"x": "1"})
    local = ("-c", "protocol.file.allow=always")
    repository.commit({"a": "1"})
    repository.git(*local, "submodule", "--quiet", "add", other.path.as_uri(), "sub")
    repository.commit({})
    (repository.path / "sub" / "x").write_text("dirty")
    assert opened("repo").notes() == []
