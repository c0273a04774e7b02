"""Debian's buildah with a storage of its own: no daemon, and no runtime but chroot."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

CACHE = Path("/var/tmp/model-reconciler-image")  # noqa: S108 - kept from run to run; root's alone
"""Holds the storage, with the base, and the packages that are installed into the image."""


class MissingError(Exception):
    """Something that the machine or a registry of packages lacks: the image cannot be tried here."""


@dataclass(frozen=True)
class Buildah:
    """Runs it with the storage below `folder`."""

    folder: Path = CACHE

    def command(self, *arguments: str) -> list[str]:
        """The words of a call."""
        storage = ("--root", str(self.folder / "storage"), "--runroot", str(self.folder / "run"))
        return ["buildah", "--storage-driver", "vfs", *storage, *arguments]

    def __call__(self, *arguments: str, seconds: float = 120, check: bool = True) -> str:
        """What it prints.

        Raises:
            CalledProcessError: it failed; what it printed is in there.
            TimeoutExpired: it took longer than `seconds`.
        """
        done = subprocess.run(
            self.command(*arguments), capture_output=True, text=True, timeout=seconds, check=False
        )
        if check and done.returncode:
            raise subprocess.CalledProcessError(done.returncode, arguments, done.stdout, done.stderr)
        return done.stdout.strip()
