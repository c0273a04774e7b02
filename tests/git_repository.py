"""Builds real git repositories for tests, with the git command line, the same on every machine."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_WITHOUT_CARE = {
    "GIT_CONFIG_COUNT": "2",
    "GIT_CONFIG_KEY_0": "maintenance.auto",
    "GIT_CONFIG_VALUE_0": "false",
    "GIT_CONFIG_KEY_1": "core.fsync",
    "GIT_CONFIG_VALUE_1": "none",
}
"""A repository that lives as long as its test is neither packed nor synced to the disk."""
_FIRST_SECOND = 1_700_000_000  # 2023-11-14T22:13:20Z


def git_environment() -> dict[str, str]:
    """The variables under which git reads nobody's configuration."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return inherited | {
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "LC_ALL": "C",
    }


class GitRepository:
    """A repository at `path`, made when it is not there yet.

    Every commit is a minute later than the one before, so that ids are the same in every run.
    """

    def __init__(
        self, path: Path, *, branch: str = "main", bare: bool = False, object_format: str = "sha1"
    ) -> None:
        self.path = path
        self._commits = 0
        if not (path / ("HEAD" if bare else ".git")).exists():
            folder = path if bare else path / ".git"
            folder.mkdir(parents=True, exist_ok=True)
            for name, content in _new(branch, bare=bare, object_format=object_format).items():
                if content is None:
                    (folder / name).mkdir()
                else:
                    (folder / name).write_bytes(content)

    def git(self, *arguments: str, stdin: bytes | None = None) -> str:
        """Runs git here and returns what it prints, without the last newline."""
        return os.fsdecode(self._run(arguments, self._identity("A. Author <author@example.org>"), stdin))

    def write(self, files: Mapping[str, str | bytes | None]) -> None:
        """Writes files to the work tree; None removes one."""
        for name, content in files.items():
            file = self.path / name
            if content is None:
                file.unlink()
            else:
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(content.encode() if isinstance(content, str) else content)

    def commit(
        self,
        files: Mapping[str, str | bytes | None],
        message: str = "Change",
        author: str = "A. Author <author@example.org>",
    ) -> str:
        """Writes `files`, commits everything in the work tree, and returns the commit id."""
        self.write(files)
        self._commits += 1
        identity = self._identity(author)
        self._run(("add", "--all"), identity)
        options = ("--quiet", "--allow-empty", "--allow-empty-message", "--no-verify", "--cleanup=verbatim")
        self._run(("commit", *options, f"--message={message}"), identity)
        return self._head()

    @property
    def _folder(self) -> Path:
        """What git keeps."""
        inner = self.path / ".git"
        return inner if inner.exists() else self.path

    def _head(self) -> str:
        """The id of the commit that was just made; git has written it to the file of its branch."""
        try:
            head = (self._folder / "HEAD").read_text("ascii").strip()
            ref = head.removeprefix("ref: ")
            return head if ref == head else (self._folder / ref).read_text("ascii").strip()
        except OSError:  # a work tree beside its repository, references kept otherwise
            return self.git("rev-parse", "HEAD")

    def _identity(self, author: str) -> dict[str, str]:
        name, _, email = author.rpartition(" <")
        date = f"{_FIRST_SECOND + 60 * self._commits} +0200"
        return {
            "GIT_AUTHOR_NAME": name,
            "GIT_AUTHOR_EMAIL": email.rstrip(">"),
            "GIT_AUTHOR_DATE": date,
            "GIT_COMMITTER_NAME": "C. Committer",
            "GIT_COMMITTER_EMAIL": "committer@example.org",
            "GIT_COMMITTER_DATE": date,
        }

    def _run(self, arguments: tuple[str, ...], identity: dict[str, str], stdin: bytes | None = None) -> bytes:
        return _run(self.path, arguments, identity, stdin)


@cache
def _new(branch: str, *, bare: bool, object_format: str) -> Mapping[str, bytes | None]:
    """What git makes of a new repository, once a process: files, and folders (None), by their path."""
    options = ("--quiet", f"--initial-branch={branch}", f"--object-format={object_format}")
    with tempfile.TemporaryDirectory() as parent:
        made = Path(parent, "made")
        made.mkdir()
        _run(made, ("init", "--template=", *options, *(("--bare",) if bare else ())), {})
        folder = made if bare else made / ".git"
        for name in ("hooks", "info"):  # all that a test uses of the template of 16 files
            (folder / name).mkdir()
        paths = sorted(folder.rglob("*"))  # a folder before what is in it
        return {str(one.relative_to(folder)): None if one.is_dir() else one.read_bytes() for one in paths}


def _run(
    folder: Path, arguments: tuple[str, ...], identity: dict[str, str], stdin: bytes | None = None
) -> bytes:
    done = subprocess.run(
        ["git", *arguments],
        cwd=folder,
        env=git_environment() | _WITHOUT_CARE | identity,
        input=b"" if stdin is None else stdin,
        capture_output=True,
        check=False,
    )
    if done.returncode:
        raise AssertionError(f"git {' '.join(arguments)}: {done.stderr.decode(errors='replace')}")
    return done.stdout.removesuffix(b"\n")


def path_with_git(folder: Path, case: str) -> str:
    """A `PATH` whose git does otherwise in one case, and then what git does.

    Args:
        folder: where the program is put.
        case: the shell's pattern of its arguments, and the commands for it, as in `*ls-tree*) sleep 60`.
    """
    program = folder / "altered" / "git"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\ncase "$*" in {case};; esac\nexec {shutil.which("git")} "$@"\n')
    program.chmod(0o755)
    return f"{program.parent}:{os.environ['PATH']}"
