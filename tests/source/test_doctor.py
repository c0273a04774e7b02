"""What `doctor` tells of a repository and of where it lies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.source.git_files import discover
from reconciler.source.repository_traits import file_system, traits
from tests.git_repository import GitRepository

if TYPE_CHECKING:
    from pathlib import Path

    from tests.source.conftest import Opener

MOUNTS = """\
22 1 0:21 / / rw,relatime - ext4 /dev/vda rw
30 22 0:30 / /mnt/share rw - nfs4 server:/x rw
31 22 0:31 / /mnt/with\\040blank rw shared:1 - fuse.sshfs host:/ rw
32 30 0:32 / /mnt/share/local rw - xfs /dev/vdb rw
"""


@pytest.mark.parametrize(
    ("folder", "system"),
    [
        ("/srv/models", "ext4"),
        ("/mnt/share/models", "nfs4"),
        ("/mnt/shared", "ext4"),
        ("/mnt/share/local/models", "xfs"),
        ("/mnt/with blank/x", "fuse.sshfs"),
    ],
)
def test_the_file_system_of_a_folder_is_that_of_its_nearest_mount(
    tmp_path: Path, folder: str, system: str
) -> None:
    """As Linux lists them, with blanks escaped."""
    from pathlib import Path  # noqa: PLC0415 - a folder that need not exist

    assert file_system(Path(folder), MOUNTS) == system
    assert file_system(tmp_path) != ""


def _fine_by_message(source_path: Path, commit: str, mounts: str | None = None) -> dict[str, bool]:
    return {trait.message: trait.fine for trait in traits(source_path, discover(source_path), commit, mounts)}


def test_a_file_system_that_announces_nothing_is_a_warning(repository: GitRepository) -> None:
    """The loop works by its schedule there."""
    commit = repository.commit({"a": "1"})
    mounts = f"1 0 0:1 / {repository.path} rw - nfs4 server:/x rw\n"
    fine_by_message = _fine_by_message(repository.path, commit, mounts)
    assert fine_by_message == {
        f"{repository.path}/.git is on nfs4, which announces no changes: the schedule finds them": False
    }
    assert _fine_by_message(repository.path, commit, mounts.replace("nfs4", "ext4")) == {}


def test_what_is_followed_is_named(repository: GitRepository, opened: Opener) -> None:
    """A branch, the branch of HEAD, a detached HEAD, a mirror."""
    repository.commit({"a": "1"})
    assert opened("repo").described() == "HEAD, which is branch main"
    assert opened("repo", branch="main").described() == "branch main"
    repository.git("checkout", "--quiet", "--detach")
    assert opened("repo").described() == "a detached HEAD, which follows no branch"
    assert (
        opened(repository.path.as_uri(), branch="main").described().startswith("branch main, mirrored in /")
    )


def test_an_ordinary_repository_is_worth_no_further_word(repository: GitRepository, opened: Opener) -> None:
    """Nor is a mirror."""
    repository.commit({"a": "1"})
    assert opened("repo").traits() == []
    assert opened(repository.path.as_uri()).traits() == []


def test_everything_unusual_is_told(
    repository: GitRepository, tmp_path: Path, opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A link, a linked work tree, borrowed objects, SHA-256, grafts, replacements, more configuration."""
    repository.commit({"a": "1"})
    second = repository.commit({"a": "2"})
    git_dir = repository.path / ".git"
    repository.git("worktree", "add", "--quiet", "--detach", str(tmp_path / "tree"))
    (tmp_path / "link").symlink_to("tree")
    (git_dir / "info").mkdir(exist_ok=True)
    (git_dir / "info" / "grafts").write_text(f"{second}\n")
    repository.git("replace", "--graft", second)
    (git_dir / "objects" / "info").mkdir(exist_ok=True)
    (git_dir / "objects" / "info" / "alternates").write_text("/nowhere\n")
    (tmp_path / "gitconfig").write_text("[user]\n\tname = A\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    fine_by_message = {trait.message: trait.fine for trait in opened("link").traits()}
    assert fine_by_message == {
        f"{tmp_path}/link leads by a link to {tmp_path}/tree": True,
        f"a linked work tree of {git_dir}": True,
        "objects are borrowed from /nowhere, which is not there: clone it anew": False,
        "info/grafts counts for nothing here: history is what the commits say": False,
        "refs/replace counts for nothing here: history is what the commits say": False,
        f"git's configuration comes from {tmp_path}/gitconfig, too": True,
    }
    modern = GitRepository(tmp_path / "modern", object_format="sha256")
    modern.commit({"a": "1"})
    assert [trait.message for trait in opened("modern").traits()][:1] == ["object ids are SHA-256"]


def test_a_partial_clone_is_told_with_what_to_do(
    repository: GitRepository, tmp_path: Path, opened: Opener
) -> None:
    """By `doctor`, and by whoever needs what it lacks."""
    from reconciler.errors import SourceError  # noqa: PLC0415 - for this test alone

    repository.commit({"m/a": "1"})
    repository.git("config", "uploadpack.allowFilter", "true")
    options = ("--quiet", "--no-checkout", "--filter=blob:none")
    repository.git("clone", *options, repository.path.as_uri(), str(tmp_path / "partial"))
    source = opened("partial")
    fine_by_message = {trait.message: trait.fine for trait in source.traits()}
    assert (
        fine_by_message["a partial clone: what it lacks is not fetched; set source.repo to its URL"] is False
    )
    with pytest.raises(SourceError, match=r"it is a partial clone.*set source\.repo to the URL"):
        source.snapshot(source.head(), "m")
