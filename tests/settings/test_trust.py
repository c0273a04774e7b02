"""Whose configuration is obeyed: real folders and files of other users, and the program run as another."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.forked import run as run_forked
from tests.git_repository import GitRepository, git_environment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MINE, STRANGER = 61_001, 61_002
"""Users of no name."""

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("setpriv") is None,
    reason="folders of other users need root and setpriv",
)

OBEYED = "unknown key"
"""What the program says of the planted file when it reads it."""

PLANTED = "[obeyed]\n"


@pytest.fixture
def shared() -> Iterator[Path]:
    """A folder that everybody may write to, with the sticky bit, as `/tmp` is; pytest's own are closed."""
    with tempfile.TemporaryDirectory() as made:
        top = Path(made).resolve()
        top.chmod(0o755)
        folder = top / "shared"
        folder.mkdir()
        folder.chmod(0o1777)
        yield folder


def run(folder: Path, *arguments: str, user: int = MINE, more: Mapping[str, str] | None = None) -> str:
    """What `reconciler` says there when that user runs it."""
    as_user: dict[str, Any] = {"user": user, "group": user, "extra_groups": ()} if user else {}
    done = run_forked(
        [sys.executable, "-m", "reconciler", *arguments],
        cwd=folder,
        env=git_environment() | {"PYTHONDONTWRITEBYTECODE": "1"} | dict(more or {}),
        **as_user,
    )
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


def place(folder: Path, owner: int, *, mode: int = 0o644, file_owner: int | None = None) -> Path:
    """A folder of that owner with a configuration in it."""
    folder.mkdir(exist_ok=True)
    file = folder / "reconciler.toml"
    file.write_text(PLANTED)
    file.chmod(mode)
    os.chown(file, owner if file_owner is None else file_owner, -1)
    os.chown(folder, owner, -1)
    return file


def repository(folder: Path, owner: int) -> Path:
    """A repository that is all that user's."""
    GitRepository(folder).commit({"models.d/a.yaml": "a: 1"})
    for path in (folder, *folder.rglob("*")):
        os.chown(path, owner, owner, follow_symlinks=False)
    return folder


@pytest.mark.parametrize("user", [MINE, 0])
def test_a_file_planted_above_ones_own_folder_is_not_obeyed(shared: Path, user: int) -> None:
    """A stranger's `reconciler.toml` and `.git` in a shared folder: told with what to do, exit code 2."""
    planted = place(shared, 0, file_owner=STRANGER)
    (shared / ".git").mkdir()
    shared.chmod(0o1777)
    own = shared / "mine"
    own.mkdir()
    os.chown(own, user, -1)
    for folder in (own, shared):
        said = run(folder, "plan", user=user)
        assert OBEYED not in said
        assert f"error: {planted}: it or its folder belongs to uid {STRANGER}" in said
        assert "--config FILE" in said
        assert "safe.directory" in said


@pytest.mark.parametrize(("owner", "obeyed"), [(MINE, True), (0, True), (STRANGER, False)])
def test_only_ones_own_folder_and_roots_are_trusted(shared: Path, owner: int, obeyed: bool) -> None:
    """As git does with a repository."""
    place(shared / "folder", owner)
    assert (OBEYED in run(shared / "folder", "plan")) is obeyed


def test_a_stranger_in_whose_folder_ones_own_file_lies_could_exchange_it(shared: Path) -> None:
    """The folder's owner counts as well."""
    place(shared / "folder", STRANGER, file_owner=MINE)
    assert OBEYED not in run(shared / "folder", "plan")


def test_a_link_counts_as_its_owners_file(shared: Path) -> None:
    """One that a stranger made chooses the content, whoever owns that."""
    target = place(shared / "elsewhere", MINE)
    link = shared / "reconciler.toml"
    link.symlink_to(target)
    os.chown(link, STRANGER, -1, follow_symlinks=False)
    assert OBEYED not in run(shared, "plan")
    os.chown(link, MINE, -1, follow_symlinks=False)
    assert OBEYED in run(shared, "plan")


@pytest.mark.parametrize(("mode", "obeyed"), [(0o664, True), (0o640, True), (0o666, False), (0o602, False)])
def test_a_file_that_everybody_may_write_is_not_obeyed(shared: Path, mode: int, obeyed: bool) -> None:
    """One of a private group may be; `--config` is taken as given."""
    file = place(shared / "folder", MINE, mode=mode)
    said = run(shared / "folder", "plan")
    assert (OBEYED in said) is obeyed
    assert obeyed or f"chmod o-w {file}" in said
    assert OBEYED in run(shared / "folder", "plan", "--config", "reconciler.toml")


def test_a_file_that_is_given_is_taken_as_given(shared: Path) -> None:
    """By the option or by the variable, whoever owns it."""
    file = place(shared / "folder", STRANGER)
    assert OBEYED in run(shared, "plan", "--config", str(file))
    assert OBEYED in run(shared, "plan", more={"RECONCILER_CONFIG": str(file)})
    assert OBEYED in run(shared / "folder", "plan", more={"RECONCILER_CONFIG": "reconciler.toml"})


@pytest.mark.parametrize(
    ("values", "trusted"),
    [
        (("{top}",), True),
        (("*",), True),
        (("{top}/",), True),
        (("/elsewhere", "{top}"), True),
        (("{top}", ""), False),
        (("*", "", "/elsewhere"), False),
        (("{top}/models.d",), False),
        (("repository",), False),
    ],
)
def test_a_mounted_repository_is_trusted_where_git_trusts_it(
    shared: Path, values: tuple[str, ...], trusted: bool
) -> None:
    """Named by `safe.directory` in the environment; git itself judges the same folder the same way."""
    top = repository(shared / "repository", STRANGER)
    place(top, STRANGER)
    entries = {f"GIT_CONFIG_KEY_{number}": "safe.directory" for number in range(len(values))}
    entries |= {f"GIT_CONFIG_VALUE_{number}": value.format(top=top) for number, value in enumerate(values)}
    entries["GIT_CONFIG_COUNT"] = str(len(values))
    assert (OBEYED in run(top, "plan", more=entries)) is trusted
    judged = subprocess.run(
        ["setpriv", f"--reuid={MINE}", "--clear-groups", "git", "rev-parse", "HEAD"],
        cwd=top,
        env=git_environment() | entries,
        capture_output=True,
        check=False,
    )
    assert (judged.returncode == 0) is trusted or values == ("{top}/",)


def test_the_users_own_configuration_of_git_counts_and_the_repositorys_does_not(shared: Path) -> None:
    """A repository cannot call itself safe."""
    top = repository(shared / "repository", STRANGER)
    place(top, STRANGER)
    with (top / ".git/config").open("a") as config:
        config.write("[safe]\n\tdirectory = *\n")
    assert OBEYED not in run(top, "plan")
    home = shared / "home"
    home.mkdir()
    (home / ".gitconfig").write_text(f"[safe]\n\tdirectory = {top}\n")
    assert OBEYED in run(top, "plan", more={"HOME": str(home), "GIT_CONFIG_GLOBAL": str(home / ".gitconfig")})


def test_a_folder_below_a_trusted_repository_is_trusted_with_it(shared: Path) -> None:
    """`safe.directory` names the top; git never asks about what lies in it."""
    top = repository(shared / "repository", STRANGER)
    place(top / "models.d", STRANGER)
    named = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": str(top)}
    assert OBEYED in run(top / "models.d", "plan", more=named)


def test_root_by_sudo_trusts_what_belongs_to_who_called_it(shared: Path) -> None:
    """As git does, and nobody else's."""
    place(shared / "folder", MINE)
    assert OBEYED not in run(shared / "folder", "plan", user=0)
    assert OBEYED in run(shared / "folder", "plan", user=0, more={"SUDO_UID": str(MINE)})
    assert OBEYED not in run(shared / "folder", "plan", user=0, more={"SUDO_UID": str(STRANGER)})
