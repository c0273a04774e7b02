"""Files as they lie on disk, for `validate` before a commit. No cycle ever reads them: git does that.

In come a directory and paths below it; out go the same values a commit gives, so that the same rules judge
both. Links are reported, never followed.
"""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.engine.values import File, Snapshot
from reconciler.errors import ConfigurationError, SourceError
from reconciler.manifest import is_manifest
from reconciler.source.address import parse_remote
from reconciler.source.ignored import ignored, submodules
from reconciler.source.layout import discover

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

_REFERS = b"initial_config_file"
_DECLARES = b"model_name"
_DECLARED = re.compile(rb"""model_name["']?\s*:\s*["']?([^"'\s,}#]+)""")
_LINK, _SUBMODULE = "120000", "160000"
_FIRST_READ = 1 << 16  # bytes; nearly every manifest is smaller, and room for more costs time
_LARGEST_READ = 1 << 20  # more than any manifest may have; the rules refuse what is cut off here


def work_tree(repo: str, base: Path, folders: Collection[str]) -> WorkTree:
    """The work tree that a repository has; the folder `base` for a URL, a bare repository or none at all.

    Args:
        repo: as configured: a folder, relative to `base`, or a URL.
        base: what a relative folder starts from.
        folders: inside the repository; what git ignores is looked for in these.
    """
    try:
        layout = None if parse_remote(repo) is not None else discover(base / repo)
    except SourceError:
        layout = None
    if layout is None:
        return WorkTree(base)
    if layout.top is None:
        return WorkTree(base, is_bare=True)
    return WorkTree(layout.top, ignored(layout, folders), submodules(layout, folders))


@dataclass(frozen=True, slots=True)
class WorkTree:
    """The files below one directory; a file's blob id is its path.

    Attributes:
        base: the directory.
        ignored: what git ignores, files and, with a `/` at the end, whole folders.
        submodules: the paths of other repositories.
        is_bare: the repository has no files, only commits.
    """

    base: Path
    ignored: frozenset[str] = frozenset()
    submodules: frozenset[str] = frozenset()
    is_bare: bool = False

    def snapshot(self, path: str) -> Snapshot:
        """All files below `path`, sorted. Raises ConfigurationError when there is no such directory."""
        root = self.base / path
        if not root.is_dir():
            way_out = "`reconciler init` makes it"
            if self.is_bare:
                way_out = "a bare repository has no files: check a commit, such as `--commit HEAD`"
            raise ConfigurationError(f"{path}: no such directory in {self.base}; {way_out}")
        return Snapshot("", path, tuple(map(self._file, sorted(self._walk(path)))))

    def around(self, paths: Collection[str], root: str) -> Snapshot:
        """Some files below `root`, with what it takes to judge them without parsing everything there.

        A manifest that names a file beside it comes with its folder; a file that declares no model comes with
        the manifests of the folders above it, because one of them may name it; and whatever declares a model
        of the same name comes too, because it may claim the same version.

        Raises:
            ConfigurationError: one of the files does not exist or cannot be read.
        """
        files = {path: self._existing(path) for path in paths}
        texts = {path: self._text(path) for path, file in files.items() if file.mode != _LINK}
        names = {name for text in texts.values() for name in _DECLARED.findall(text)}
        folders = {Path(path).parent for path, text in texts.items() if _REFERS in text}
        lonely = {Path(path).parent for path, text in texts.items() if _DECLARES not in text}
        files |= {file.path: file for file in self._above(lonely, root)}
        for path, text in self._namesakes(names, root) if names else ():
            files.setdefault(path, self._file(path))
            folders |= {Path(path).parent} if _REFERS in text else set()
        files |= {path: self._file(path) for folder in folders for path in self._walk(folder.as_posix())}
        return Snapshot("", root, tuple(files[name] for name in sorted(files)))

    def referring(self, paths: Collection[str], root: str) -> set[str]:
        """The files that seem to name one of these, which declare nothing themselves, as their configuration.

        Raises:
            ConfigurationError: one of the files does not exist or cannot be read.
        """
        files = (self._existing(path) for path in paths)
        lonely = [
            Path(file.path) for file in files if file.mode != _LINK and _DECLARES not in self._text(file.path)
        ]
        names = [path.name.encode("utf-8", "surrogateescape") for path in lonely]
        return {
            file.path
            for file in self._above({path.parent for path in lonely}, root)
            if any(name in self._text(file.path) for name in names)
        }

    def read(self, blobs: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """The bytes of each file. Raises ConfigurationError when one cannot be read."""
        for path in blobs:
            yield path, self._text(path)

    def _existing(self, path: str) -> File:
        place = self.base / path
        if not place.is_symlink() and not place.is_file():
            raise ConfigurationError(f"{path}: no such file in {self.base}")
        return self._file(path)

    def _text(self, path: str) -> bytes:
        try:
            text = _first(f"{self.base}/{path}")
            if len(text) < _FIRST_READ:
                return text
            with (self.base / path).open("rb") as file:
                return file.read(_LARGEST_READ)
        except OSError as error:
            raise ConfigurationError(f"{path}: cannot be read: {error.strerror}") from None

    def _above(self, folders: Iterable[Path], root: str) -> Iterator[File]:
        """The files, in these folders and those between them and `root`, that name another file."""
        parents = {folder for start in folders for folder in (start, *start.parents)}
        for folder in parents:
            for file in (self.base / folder).iterdir() if folder.is_relative_to(root) else ():
                entry = self._file((folder / file.name).as_posix())
                if entry.path in self.ignored:
                    continue
                if entry.mode != _LINK and _REFERS in self._text(entry.path):
                    yield entry

    def _namesakes(self, names: set[bytes], root: str) -> Iterator[tuple[str, bytes]]:
        """The files below `root`, with their bytes, that declare a model of one of these names."""
        for path, entry in self._entries(root):
            if is_manifest(path, root) and entry.is_file(follow_symlinks=False):
                text = self._text(path)
                if not names.isdisjoint(_DECLARED.findall(text)):
                    yield path, text

    def _walk(self, folder: str) -> Iterator[str]:
        return (path for path, _ in self._entries(folder))

    def _entries(self, folder: str) -> Iterator[tuple[str, os.DirEntry[str]]]:
        """Everything below a folder that is no folder, by its path as git would name it, in any order.

        Without what git ignores, which no commit will have; a submodule is one entry, as in a commit.
        """
        folders = [folder]
        while folders:
            within = folders.pop()
            above = "" if within in ("", ".") else f"{within}/"
            with os.scandir(self.base / within) as entries:
                for entry in entries:
                    path = above + entry.name
                    if not entry.is_dir(follow_symlinks=False):
                        if path not in self.ignored:
                            yield path, entry
                    elif self._is_submodule(path):
                        yield path, entry
                    elif f"{path}/" not in self.ignored:
                        folders.append(path)

    def _is_submodule(self, path: str) -> bool:
        return path in self.submodules or os.path.lexists(f"{self.base}/{path}/.git")

    def _file(self, path: str) -> File:
        status = (self.base / path).lstat()
        if stat.S_ISDIR(status.st_mode) and self._is_submodule(path):
            return File(path, path, _SUBMODULE, 0)
        return File(path, path, "100644" if stat.S_ISREG(status.st_mode) else _LINK, status.st_size)


def _first(file: str) -> bytes:
    """The beginning of a file, by as few system calls as there can be: there may be very many files."""
    descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(descriptor, _FIRST_READ)
    finally:
        os.close(descriptor)
