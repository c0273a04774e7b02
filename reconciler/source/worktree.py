"""Files as they lie on disk, for `validate` before a commit. No cycle ever reads them: git does that.

In come a directory and paths below it; out go the same values a commit gives, so that the same rules judge
both. Links are reported, never followed.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.engine.values import File, Snapshot
from reconciler.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_REFERS = b"initial_config_file"
_DECLARES = b"model_name"
_LARGEST_READ = 1 << 20  # more than any manifest may have; the rules refuse what is cut off here


@dataclass(frozen=True, slots=True)
class WorkTree:
    """The files below one directory; a file's blob id is its path."""

    base: Path

    def snapshot(self, path: str) -> Snapshot:
        """All files below `path`, sorted. Raises ConfigurationError when there is no such directory."""
        root = self.base / path
        if not root.is_dir():
            raise ConfigurationError(f"{path}: no such directory in {self.base}")
        return Snapshot("", path, tuple(sorted(self._walk(root), key=lambda file: file.path)))

    def around(self, path: str, root: str) -> Snapshot:
        """One file, with what it takes to judge it without reading everything below `root`.

        A manifest that names a file beside it comes with its folder; a file that declares no model comes with
        the manifests of the folders above it, because one of them may name it.

        Raises:
            ConfigurationError: the file does not exist.
        """
        if not (self.base / path).is_symlink() and not (self.base / path).is_file():
            raise ConfigurationError(f"{path}: no such file in {self.base}")
        own = self._file(self.base / path)
        text = b"" if own.mode == "120000" else next(self.read([path]))[1]
        found = {own.path: own}
        if _REFERS in text:
            found |= {file.path: file for file in self._walk((self.base / path).parent)}
        elif _DECLARES not in text:
            found |= {file.path: file for file in self._above(path, root)}
        return Snapshot("", root, tuple(found[name] for name in sorted(found)))

    def read(self, blobs: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """The bytes of each file. Raises ConfigurationError when one cannot be read."""
        for path in blobs:
            try:
                with (self.base / path).open("rb") as file:
                    yield path, file.read(_LARGEST_READ)
            except OSError as error:
                raise ConfigurationError(f"{path}: cannot be read: {error.strerror}") from None

    def _above(self, path: str, root: str) -> Iterator[File]:
        """The files, in the folders between `path` and `root`, that name another file."""
        folder = Path(path).parent
        while folder.is_relative_to(root):
            for file in (self.base / folder).iterdir():
                if file.is_file() and not file.is_symlink() and _REFERS in file.read_bytes()[:_LARGEST_READ]:
                    yield self._file(file)
            folder = folder.parent

    def _walk(self, folder: Path) -> Iterator[File]:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    yield from self._walk(Path(entry.path))
                else:
                    yield self._file(Path(entry.path))

    def _file(self, file: Path) -> File:
        status = file.lstat()
        path = file.relative_to(self.base).as_posix()
        return File(path, path, "100644" if stat.S_ISREG(status.st_mode) else "120000", status.st_size)
