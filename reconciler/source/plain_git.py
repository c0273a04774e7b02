"""What is asked of git without GitPython, whose import takes longer than a hook's whole check.

What lies in a work tree and will be in no commit, or in a commit of another repository; and which host a
repository was cloned from. Without git, or where git refuses to read the folder, nothing is known.
"""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from reconciler.errors import ConfigurationError
from reconciler.remote import parse_remote
from reconciler.source.git_env import for_local, not_passed_on
from reconciler.source.git_files import Layout, discover
from reconciler.source.plumbing import path_of, pathspec

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

_IGNORED = ("ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--directory")
_STAGED = ("ls-files", "-z", "--stage")
_SUBMODULE = "160000 "
_TIMEOUT = 60.0  # seconds


def ignored(layout: Layout, folders: Collection[str]) -> frozenset[str]:
    """The files below these folders that git ignores; whole folders with a `/` at the end."""
    return frozenset(listed(layout, *_IGNORED, *pathspec(*folders)) or ())


def is_ignored(layout: Layout, path: str) -> bool:
    """Whether git ignores this file."""
    return bool(listed(layout, *_IGNORED, *pathspec(path)))


def submodules(layout: Layout, folders: Collection[str]) -> frozenset[str]:
    """The paths below these folders at which another repository belongs; none where no file says so."""
    if layout.top is None or not (layout.top / ".gitmodules").exists():
        return frozenset()
    lines = listed(layout, *_STAGED, *pathspec(*folders)) or ()
    return frozenset(line.partition("\t")[2] for line in lines if line.startswith(_SUBMODULE))


def is_tracked(layout: Layout, path: str) -> bool:
    """Whether git's index has this file, or files below this folder, in the work tree or not."""
    return bool(listed(layout, *_STAGED, *pathspec(path)))


def listed(layout: Layout, *arguments: str) -> list[str] | None:
    """What git prints, ended by NUL characters; None where it fails."""
    environment = for_local(layout)
    gone = not_passed_on(environment)
    inherited = {name: value for name, value in os.environ.items() if name not in gone}
    try:
        done = subprocess.run(  # noqa: S603 - fixed words, and folders of the configuration behind `--`
            ["git", "-C", str(layout.folder), *arguments],  # noqa: S607 - the git that PATH names
            env=inherited | environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_TIMEOUT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return None if done.returncode else [path for path in path_of(done.stdout).split("\0") if path]


def origin_host(folder: Path) -> str:
    """The host that the remote `origin` names, such as `github.com`; empty where there is none, or no host.

    Raises:
        SourceError: the folder lies in no repository.
    """
    urls = listed(discover(folder), "config", "-z", "--get", "remote.origin.url")
    try:
        remote = parse_remote(urls[0]) if urls else None
    except ConfigurationError:
        return ""
    if remote is None:
        return ""
    if "://" in remote.shown:
        return urlsplit(remote.shown).hostname or ""
    return remote.shown.rpartition("@")[2].partition(":")[0].lower()
