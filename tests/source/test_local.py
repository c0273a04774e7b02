"""Repositories on this machine: where they are, and which commit their branch has."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from reconciler.errors import SourceError
from reconciler.source.commands import Commands
from tests.git_repository import GitRepository, git_environment
from tests.source.asking import attributed, changed_paths

if TYPE_CHECKING:
    from pathlib import Path

    from tests.source.conftest import Opener


def test_the_head_of_a_local_repository_is_read_without_a_process(
    repository: GitRepository, opened: Opener
) -> None:
    """Loose, packed, moved on: a tick that finds nothing new starts nothing."""
    first = repository.commit({"a": "1"})
    source = opened("repo")
    before = Commands.started
    assert source.head() == first
    repository.git("pack-refs", "--all")
    assert source.head() == first
    second = repository.commit({"a": "2"})
    assert source.head() == second
    assert source.last_head() == second
    assert Commands.started == before


def test_any_folder_of_a_work_tree_finds_its_repository(repository: GitRepository, opened: Opener) -> None:
    """A path below the top gives the same repository, and paths still start at the top."""
    commit = repository.commit({"models.d/team/a.yaml": "1"})
    source = opened("repo/models.d/team")
    assert source.head() == commit
    assert [file.path for file in source.snapshot(commit, "models.d").files] == ["models.d/team/a.yaml"]


def test_a_path_is_taken_literally(tmp_path: Path, opened: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    """A dollar sign in a folder's name is no variable."""
    monkeypatch.setenv("PLACE", "elsewhere")
    repository = GitRepository(tmp_path / "$PLACE" / "~x")
    commit = repository.commit({"a": "1"})
    source = opened("$PLACE/~x")
    assert source.resolve("HEAD") == commit


def test_a_bare_repository_is_read_like_any_other(
    repository: GitRepository, tmp_path: Path, opened: Opener
) -> None:
    """Head, files and contents come from a repository without a work tree, and nothing is noted."""
    commit = repository.commit({"models.d/a.yaml": "content"})
    repository.git("clone", "--quiet", "--bare", ".", str(tmp_path / "bare.git"))
    source = opened("bare.git")
    (file,) = source.snapshot(source.head(), "models.d").files
    assert source.head() == commit
    assert list(source.read([file.blob])) == [(file.blob, b"content")]
    assert source.notes() == []


def test_a_linked_work_tree_follows_its_own_head(
    repository: GitRepository, tmp_path: Path, opened: Opener
) -> None:
    """The work tree's branch is read from its own folder, the refs from the common one."""
    repository.commit({"a": "1"})
    repository.git("worktree", "add", "--quiet", "-b", "side", str(tmp_path / "side"))
    linked = GitRepository(tmp_path / "side")
    commit = linked.commit({"a": "2"}, "On the side")
    source = opened("side")
    assert source.head() == commit
    assert attributed(source, commit, ["a"])["a"].subject == "On the side"
    watched = source.watch_paths()
    assert repository.path / ".git" / "worktrees" / "side" in watched
    assert repository.path / ".git" / "refs" / "heads" in watched


def test_a_branch_is_followed_whatever_is_checked_out(repository: GitRepository, opened: Opener) -> None:
    """Its short and its full name mean the same."""
    first = repository.commit({"a": "1"})
    repository.git("branch", "team/vision")
    repository.commit({"a": "2"})
    assert opened("repo", branch="team/vision").head() == first
    assert opened("repo", branch="refs/heads/team/vision").head() == first


def test_a_detached_head_is_read_and_noted(repository: GitRepository, opened: Opener) -> None:
    """A checkout by commit id works; a person is told that it follows nothing."""
    first = repository.commit({"a": "1"})
    repository.commit({"a": "2"})
    repository.git("checkout", "--quiet", first)
    source = opened("repo")
    assert source.head() == first
    assert "detached" in "\n".join(source.notes())


def test_a_symbolic_branch_leads_to_the_branch_it_names(repository: GitRepository, opened: Opener) -> None:
    """An alias made with git symbolic-ref is followed; one that goes in circles is an error."""
    commit = repository.commit({"a": "1"})
    repository.git("symbolic-ref", "refs/heads/alias", "refs/heads/main")
    assert opened("repo", branch="alias").head() == commit
    repository.git("symbolic-ref", "refs/heads/main", "refs/heads/alias")
    with pytest.raises(SourceError, match="damaged"):
        opened("repo", branch="alias").head()


def test_rewritten_history_is_just_another_commit(repository: GitRepository, opened: Opener) -> None:
    """After a reset the branch has the older commit, and the newer one can still be read."""
    first = repository.commit({"a": "1"})
    second = repository.commit({"a": "2"})
    source = opened("repo")
    assert source.head() == second
    repository.git("reset", "--quiet", "--hard", first)
    assert source.head() == first
    assert source.snapshot(second, "").files != source.snapshot(first, "").files


@pytest.mark.parametrize("bare", [False, True])
def test_a_sha256_repository_is_read_like_any_other(tmp_path: Path, opened: Opener, bare: bool) -> None:
    """Object ids of 64 digits work in every question."""
    repository = GitRepository(tmp_path / "modern", object_format="sha256")
    commit = repository.commit({"m/a": "1"})
    if bare:
        repository.git("clone", "--quiet", "--bare", ".", str(tmp_path / "modern.git"))
    source = opened("modern.git" if bare else "modern")
    (file,) = source.snapshot(commit, "m").files
    assert len(commit) == 64
    assert source.head() == source.resolve("HEAD") == commit
    assert list(source.read([file.blob])) == [(file.blob, b"1")]
    assert attributed(source, commit, ["m/a", "gone"]).keys() == {"m/a"}
    assert changed_paths(source, commit, "m") == ["m/a"]


def test_garbage_collection_between_two_questions_changes_nothing(
    repository: GitRepository, opened: Opener
) -> None:
    """Objects that moved into a pack are found there."""
    commit = repository.commit({"a": "1", "b": "2"})
    source = opened("repo")
    before = source.snapshot(commit, "")
    contents = source.read(file.blob for file in before.files)
    first = next(contents)
    repository.git("gc", "--quiet", "--prune=now")
    assert source.head() == commit
    assert source.snapshot(commit, "") == before
    assert [first, *contents] == [(before.files[0].blob, b"1"), (before.files[1].blob, b"2")]


def test_a_commit_moves_something_in_a_watched_folder(repository: GitRepository, opened: Opener) -> None:
    """What git writes when a branch moves lies directly in a folder named by watch_paths."""
    repository.commit({"a": "1"})
    repository.git("checkout", "--quiet", "-b", "team/x")
    repository.commit({"a": "2"})
    source = opened("repo")
    git_dir = repository.path / ".git"
    assert set(source.watch_paths()) >= {git_dir, git_dir / "refs/heads", git_dir / "refs/heads/team"}
    assert all(folder.is_dir() for folder in source.watch_paths())
    before = {folder: folder.stat().st_mtime_ns for folder in source.watch_paths()}
    repository.commit({"a": "3"})
    assert any(folder.stat().st_mtime_ns != mtime for folder, mtime in before.items())


def test_a_packed_branch_leaves_no_vanished_folder_to_watch(
    repository: GitRepository, opened: Opener
) -> None:
    """When packing refs removes a branch's folder, the folders above it are watched."""
    repository.commit({"a": "1"})
    repository.git("checkout", "--quiet", "-b", "team/x")
    repository.git("pack-refs", "--all", "--prune")
    watched = opened("repo").watch_paths()
    assert repository.path / ".git" / "refs" / "heads" in watched
    assert all(folder.is_dir() for folder in watched)


def test_the_git_folder_itself_may_be_named(repository: GitRepository, opened: Opener) -> None:
    """Then there is no work tree to note anything about."""
    commit = repository.commit({"m/a": "1"})
    repository.write({"m/a": "2"})
    source = opened("repo/.git")
    assert source.head() == commit
    assert attributed(source, commit, ["m/a"])["m/a"].commit == commit
    assert source.notes() == []


def test_refs_that_are_in_no_files_are_asked_from_git(repository: GitRepository, opened: Opener) -> None:
    """A reftable repository costs a process for each look, and is read all the same."""
    commit = repository.commit({"a": "1"})
    (repository.path / ".git" / "reftable").mkdir()
    source = opened("repo")
    before = Commands.started
    assert source.head() == commit
    assert Commands.started == before + 1
    assert repository.path / ".git" / "reftable" in source.watch_paths()
    assert source.notes() == []
    with pytest.raises(SourceError, match="refs/heads/none has no commit"):
        opened("repo", branch="none").head()


# --- what cannot be opened or read -----------------------------------------------------------------------


def test_a_path_that_does_not_exist_is_named(opened: Opener) -> None:
    """Where, what and what to do."""
    with pytest.raises(SourceError, match=r"nowhere: no such folder; set source\.repo"):
        opened("nowhere")


def test_a_file_is_no_repository(tmp_path: Path, opened: Opener) -> None:
    """A path to a file says so."""
    (tmp_path / "file").write_text("")
    with pytest.raises(SourceError, match="file: is a file"):
        opened("file")


def test_a_folder_without_git_is_no_repository(tmp_path: Path, opened: Opener) -> None:
    """The remedy is in the message."""
    (tmp_path / "plain").mkdir()
    with pytest.raises(SourceError, match=r"plain: not a git repository.*git init"):
        opened("plain")


def test_a_folder_that_looks_bare_but_is_not_is_no_repository(tmp_path: Path, opened: Opener) -> None:
    """HEAD alone does not make one."""
    (tmp_path / "half").mkdir()
    (tmp_path / "half" / "HEAD").write_text("ref: refs/heads/main\n")
    with pytest.raises(SourceError, match="not a git repository"):
        opened("half")


def test_a_path_with_a_nul_is_refused(opened: Opener) -> None:
    """No traceback for what no file system can hold."""
    with pytest.raises(SourceError, match=r"cannot be opened|no such folder"):
        opened("re\0po")


def test_an_empty_repository_has_no_commit_yet(
    repository: GitRepository, tmp_path: Path, opened: Opener
) -> None:
    """Fresh from git init, with a work tree or bare."""
    assert repository.path.exists()
    GitRepository(tmp_path / "bare.git", bare=True)
    for path in ("repo", "bare.git"):
        with pytest.raises(SourceError, match=r"no commit yet; commit a manifest.*`reconciler init`"):
            opened(path).head()


def test_a_missing_branch_names_those_there_are(repository: GitRepository, opened: Opener) -> None:
    """The nearest name is offered, packed branches included."""
    repository.commit({"a": "1"})
    repository.git("branch", "production")
    repository.git("pack-refs", "--all")
    repository.git("branch", "team/staging")
    with pytest.raises(SourceError) as caught:
        opened("repo", branch="prodution").head()
    assert "no branch 'prodution'; did you mean 'production'?" in str(caught.value)
    assert "there are: main, production, team/staging" in str(caught.value)


def test_a_head_that_names_a_branch_without_commits_says_so(
    repository: GitRepository, opened: Opener
) -> None:
    """An orphan branch checked out beside real ones is not an empty repository."""
    repository.commit({"a": "1"})
    repository.git("checkout", "--quiet", "--orphan", "fresh")
    with pytest.raises(SourceError, match=r"no branch 'fresh'.*there are: main"):
        opened("repo").head()


def test_many_branches_are_not_all_listed(repository: GitRepository, opened: Opener) -> None:
    """The message stays readable."""
    repository.commit({"a": "1"})
    for number in range(12):
        repository.git("branch", f"b{number:02}")
    with pytest.raises(SourceError, match=r"b07 and 5 more"):
        opened("repo", branch="zzz").head()


@pytest.mark.parametrize(
    "name", ["", "@", "a b", "a..b", "../x", "a\x1b[31m", "a.lock", "-x/", "a@{1}", "a~1"]
)
def test_a_name_no_branch_can_have_is_refused(repository: GitRepository, opened: Opener, name: str) -> None:
    """Git's own rules, checked before anything is read, and shown without control characters."""
    repository.commit({"a": "1"})
    with pytest.raises(SourceError, match="not a name that a branch can have") as caught:
        opened("repo", branch=name)
    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize("content", ["", "garbage\n", "ref: ../../etc/passwd\n"])
def test_a_corrupt_head_file_is_damage_not_another_repository(
    repository: GitRepository, opened: Opener, content: str
) -> None:
    """A repository inside another one's work tree never silently becomes the outer one."""
    repository.commit({"a": "1"})
    inner = GitRepository(repository.path / "inner")
    inner.commit({"b": "1"})
    (inner.path / ".git" / "HEAD").write_text(content)
    with pytest.raises(SourceError, match="not a usable git repository"):
        opened("repo/inner")


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="setpriv is not installed here")
def test_a_repository_that_may_not_be_read_is_not_called_damaged(repository: GitRepository) -> None:
    """Whoever is told to clone it anew would lose what only lies there."""
    repository.commit({"a": "1"})
    (repository.path / ".git" / "HEAD").chmod(0o000)
    bare_root = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
    done = subprocess.run(
        [*bare_root, sys.executable, "-m", "reconciler", "plan"],
        cwd=repository.path,
        env=git_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3
    assert "HEAD cannot be read: permission denied; run as its owner" in done.stderr


def test_a_head_that_leads_out_of_the_repository_is_damage(repository: GitRepository, opened: Opener) -> None:
    """A symbolic ref is a name under refs/, never a path."""
    repository.commit({"a": "1"})
    (repository.path / ".git" / "HEAD").write_text("ref: refs/../../../secret\n")
    with pytest.raises(SourceError, match="damaged"):
        opened("repo").head()


@pytest.mark.parametrize("content", [b"", b"\x00" * 41, b"abc\n", b"\xff\xfe"])
def test_a_corrupt_branch_file_names_the_file(
    repository: GitRepository, opened: Opener, content: bytes
) -> None:
    """Such as the zeros that a power cut leaves."""
    repository.commit({"a": "1"})
    (repository.path / ".git" / "refs" / "heads" / "main").write_bytes(content)
    with pytest.raises(SourceError, match=r"heads/main: is damaged.*git fsck"):
        opened("repo").head()


def test_a_repository_that_vanishes_is_an_error_not_a_crash(
    repository: GitRepository, tmp_path: Path, opened: Opener
) -> None:
    """Moved away between two questions."""
    commit = repository.commit({"a": "1"})
    source = opened("repo")
    source.snapshot(commit, "")
    repository.path.rename(tmp_path / "moved")
    with pytest.raises(SourceError):
        source.head()
    with pytest.raises(SourceError, match="cannot be entered"):
        source.snapshot(commit, "")


def test_a_git_file_that_names_no_repository_is_damage(repository: GitRepository, opened: Opener) -> None:
    """Of a submodule or a linked work tree whose repository is gone."""
    (repository.path / "sub").mkdir()
    (repository.path / "sub" / ".git").write_text("not a pointer")
    with pytest.raises(SourceError, match="neither a git folder nor names one"):
        opened("repo/sub")
    (repository.path / "sub" / ".git").write_text("gitdir: ../nothing\n")
    with pytest.raises(SourceError, match="not a usable git repository"):
        opened("repo/sub")


def test_a_repository_of_another_user_is_explained(
    repository: GitRepository, opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Git's refusal becomes a sentence with the command that allows it; reading the branch needs no git."""
    commit = repository.commit({"a": "1"})
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    source = opened("repo")
    assert source.head() == commit
    blob = "1" * 40
    for ask in (lambda: source.snapshot(commit, ""), lambda: list(source.read([blob] * 20_000))):
        with pytest.raises(SourceError, match=r"belongs to another user.*safe\.directory '.*/repo'"):
            ask()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_root_does_not_read_what_belongs_to_somebody_else(
    repository: GitRepository, opened: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until the owner's folder is declared safe."""
    commit = repository.commit({"a": "1"})
    subprocess.run(["chown", "-R", "12345:12345", repository.path], check=True)
    with pytest.raises(SourceError, match="belongs to another user"):
        opened("repo").snapshot(commit, "")
    configuration = tmp_path / "gitconfig"
    configuration.write_text(f"[safe]\n\tdirectory = {repository.path}\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(configuration))
    assert opened("repo").snapshot(commit, "").exists


def test_a_commit_contains_its_ancestors_and_not_what_a_rewrite_lost(
    repository: GitRepository, opened: Opener
) -> None:
    """So that rewritten history is noticed, also when the lost commit is gone altogether."""
    first = repository.commit({"models.d/a.yaml": "a"})
    lost = repository.commit({"models.d/a.yaml": "b"})
    repository.git("reset", "--quiet", "--hard", first)
    head = repository.commit({"models.d/a.yaml": "c"})
    source = opened(repository.path)
    assert source.contains(head, first)
    assert source.contains(head, head)
    assert not source.contains(head, lost)
    assert not source.contains(head, "f" * 40)
