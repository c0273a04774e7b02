"""Files as they lie on disk, for `validate` before a commit. No cycle ever reads them: git does that.

In come a directory and paths below it; out go the same values a commit gives, so that the same rules judge
both. Links are reported, never followed.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from reconciler.contract.model_key import ModelKey
from reconciler.engine.values import File, Snapshot
from reconciler.errors import ConfigurationError, SourceError
from reconciler.manifest import Reason, is_manifest
from reconciler.manifest.reading import claims
from reconciler.phrases import listed
from reconciler.printable import printable
from reconciler.remote import parse_remote
from reconciler.source.git_files import Layout, discover
from reconciler.source.plain_git import ignored, is_ignored, is_tracked, submodules

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from reconciler.source.repository import GitSource

REFERRING = ModelKey("", "")
"""In the place of a pair: what a manifest declares that names a file beside it."""
_REFERS = b"initial_config_file"
_DECLARES = b"model_name"
_FEW = 1000  # manifests; so many are opened sooner than git has told what is staged
_ONLY_STAGED = (
    "another manifest of the same model and version was looked for in what is staged, not in other changes "
    "of this large work tree: `reconciler validate` without a file looks at everything"
)
_LINK, _SUBMODULE = "120000", "160000"
_SPECIAL = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
_FIRST_READ = 1 << 16  # bytes; nearly every manifest is smaller, and room for more costs time
_LARGEST_READ = 1 << 20  # more than any manifest may have; the rules refuse what is cut off here


def work_tree(
    repo: str, base: Path, folders: Collection[str], opened: Callable[[], GitSource] | None = None
) -> WorkTree:
    """The work tree that a repository has; the folder `base` for a URL, a bare repository or none at all.

    Args:
        repo: as configured: a folder, relative to `base`, or a URL.
        base: what a relative folder starts from.
        folders: inside the repository; what git ignores is looked for in these.
        opened: opens the repository, where there is a large tree of which few files are asked about.
    """
    try:
        layout = None if parse_remote(repo) is not None else discover(base / repo)
    except SourceError:
        layout = None
    if layout is None:
        return WorkTree(base)
    if layout.top is None:
        return WorkTree(base, is_bare=True)
    return WorkTree(layout.top, layout, tuple(folders), opened)


class RelatedFiles(NamedTuple):
    """Some files, and what it takes to judge them.

    Attributes:
        notes: what was not looked at, for a person.
    """

    snapshot: Snapshot
    notes: tuple[str, ...]


@dataclass(frozen=True)
class WorkTree:
    """The files below one directory; a file's blob id is its path.

    What cannot be read, or was removed meanwhile, stops nothing: it is left out, and `unread` says why.

    Attributes:
        base: the directory.
        layout: of its repository; None where there is none.
        folders: inside it; what git ignores is looked for in these.
        opened: opens the repository; None where all files are looked at.
        is_bare: the repository has no files, only commits.
        unread: why files and folders could not be looked at, by path.
    """

    base: Path
    layout: Layout | None = None
    folders: tuple[str, ...] = ()
    opened: Callable[[], GitSource] | None = None
    is_bare: bool = False
    unread: dict[str, Reason] = field(default_factory=dict)

    @cached_property
    def ignored(self) -> frozenset[str]:
        """What git ignores, files and, with a `/` at the end, whole folders."""
        return frozenset() if self.layout is None else ignored(self.layout, self.folders)

    @cached_property
    def submodules(self) -> frozenset[str]:
        """The paths of other repositories."""
        return frozenset() if self.layout is None else submodules(self.layout, self.folders)

    def snapshot(self, path: str) -> Snapshot:
        """All files below `path`, sorted. Raises ConfigurationError when there is no such directory."""
        if (why := self._why_none(path)) is not None:
            raise ConfigurationError(f"{path}: no such directory in {self.base}; {why}")
        files = (self._file(one, path) for one in sorted(one for one, _ in self._entries(path, self.ignored)))
        return Snapshot("", path, tuple(file for file in files if file is not None))

    def _why_none(self, path: str) -> str | None:
        """What stands in place of a directory, and what to do; None where there is one to look at."""
        links = [step for step in (Path(path), *Path(path).parents)[:-1] if os.path.islink(self.base / step)]  # noqa: PTH114
        if not links and os.path.isdir(self.base / path):  # noqa: PTH112 - raises nothing
            is_other = self._is_submodule(path) and Path(path).parts
            return f"{path} is a submodule, which is never looked into" if is_other else None
        if self.is_bare:
            return "a bare repository has no files: check a commit, such as `--commit HEAD`"
        if links:
            return f"{printable(str(links[0]))} is a symbolic link, which is never followed"
        if os.path.lexists(self.base / path):
            return "there is a file of that name"
        if self.layout is not None and is_tracked(self.layout, path):
            return (
                "git has it, and it is not checked out: run `git sparse-checkout add` with it, or "
                "`git restore` it, or check a commit, such as `--commit HEAD`"
            )
        return "`reconciler init` makes it"

    def with_related(self, paths: Collection[str], root: str) -> RelatedFiles:
        """Some files below `root`, with what it takes to judge them without parsing everything there.

        Whatever declares a pair that one of them declares comes too, and with a file that declares no model
        the manifests of the folders above it, because one of them may name it.
        """
        files = {path: file for path in paths if (file := self._file(path)) is not None}
        texts = {path: self._text(path) for path, file in files.items() if file.mode != _LINK}
        pairs = {pair for path, text in texts.items() for pair in declared_keys(path, text)} - {REFERRING}
        lonely = {Path(path).parent for path, text in texts.items() if _DECLARES not in text}
        near, notes = self._declaring(pairs | ({REFERRING} if lonely else set()), root)
        above = {folder for start in lonely for folder in (start, *start.parents)}
        for path, declared in near.items():
            if not declared.isdisjoint(pairs) or Path(path).parent in above:
                beside = self._file(path)
                files |= {path: beside} if beside is not None and path not in files else {}
        return RelatedFiles(Snapshot("", root, tuple(files[name] for name in sorted(files))), notes)

    def referring(self, paths: Collection[str], root: str) -> dict[str, set[str]]:
        """By each of these that declares nothing, as a configuration, the files that seem to name it."""
        files = [file for path in paths if (file := self._file(path)) is not None and file.mode != _LINK]
        lonely = [file.path for file in files if _DECLARES not in self._text(file.path)]
        if not lonely:
            return {}
        near = {path: self._text(path) for path in self._declaring({REFERRING}, root)[0]}
        named: dict[str, set[str]] = {}
        for path in lonely:
            name, above = os.fsencode(Path(path).name), set(Path(path).parents)
            by = {one for one, text in near.items() if name in text and Path(one).parent in above}
            named |= {path: by} if by else {}
        return named

    def look(self, path: str) -> File | None:
        """The file at a path, or None where none is that a commit could have."""
        place = self.base / path
        if os.path.isdir(place) and not os.path.islink(place):  # noqa: PTH112, PTH114 - they raise nothing
            return None
        is_there = os.path.lexists(place) and not (self.layout is not None and is_ignored(self.layout, path))
        return self._file(path) if is_there else None

    def read(self, blobs: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """The bytes of each file that can be read."""
        for path in blobs:
            text = self._text(path)
            if path not in self.unread:
                yield path, text

    def _text(self, path: str) -> bytes:
        """The bytes of a file; none, and a note of it, where it cannot be read."""
        try:
            text = _first(f"{self.base}/{path}")
            if len(text) < _FIRST_READ:
                return text
            with (self.base / path).open("rb") as file:
                return file.read(_LARGEST_READ)
        except OSError as error:
            self._leave_out(path, error)
            return b""

    def _leave_out(self, path: str, error: OSError) -> None:
        why = f"cannot be read: {error.strerror}; check its permissions, or remove it"
        if isinstance(error, FileNotFoundError):
            why = "was removed, or replaced, while it was looked at: run this again"
        self.unread.setdefault(path, Reason("unreadable-file", why, printable(path)))

    def _declaring(
        self, pairs: Collection[ModelKey], root: str
    ) -> tuple[dict[str, set[ModelKey]], tuple[str, ...]]:
        """The manifests below `root` that declare one of these pairs, with all that they declare; and notes.

        Where there are few, all are opened; else those that git's index and what is kept of a commit name.
        """
        if not pairs:
            return {}, ()
        opened, missing, notes = self._candidates(pairs, root)
        texts = ((path, self._text(path)) for path in opened)
        declared = {path: declared_keys(path, text) for path, text in texts if may_declare(text, pairs)}
        near = {path: keys for path, keys in declared.items() if not keys.isdisjoint(pairs)}
        if missing:
            absent = (
                f"{listed(map(printable, sorted(missing)))} may declare the same, and is in git's index alone"
            )
            notes += (f"not looked at: {absent}",)
        return near, notes

    def _candidates(
        self, pairs: Collection[ModelKey], root: str
    ) -> tuple[list[str], list[str], tuple[str, ...]]:
        """Files to open, files that cannot be opened although they certainly declare a pair, and notes."""
        few = sum(1 for _ in islice(self._manifests(root, frozenset()), _FEW + 1)) <= _FEW
        staged = None
        if not few and self.layout is not None and self.opened is not None:
            from reconciler.source.staged import staged_declaring  # noqa: PLC0415 - SQLite, for large trees

            staged = staged_declaring(self.layout, self.opened, pairs, root)
        if staged is None:
            return list(self._manifests(root, self.ignored)), [], ()
        there = [p for p in staged.certain | staged.possible if is_manifest(p, root) and self._is_file(p)]
        return there, [path for path in staged.certain if not self._is_file(path)], (_ONLY_STAGED,)

    def _manifests(self, root: str, without: frozenset[str]) -> Iterator[str]:
        for path, entry in self._entries(root, without):
            if is_manifest(path, root) and entry.is_file(follow_symlinks=False):
                yield path

    def _is_file(self, path: str) -> bool:
        place = self.base / path
        return os.path.isfile(place) and not os.path.islink(place)  # noqa: PTH113, PTH114 - they raise nothing

    def _entries(self, folder: str, without: frozenset[str]) -> Iterator[tuple[str, os.DirEntry[str]]]:
        """Everything below a folder that is no folder, by its path as git would name it, in any order.

        Without what git ignores, if it is given: no commit will have it. A submodule is one entry, as in a
        commit.
        """
        folders = [folder]
        while folders:
            within = folders.pop()
            above = "" if within in ("", ".") else f"{within}/"
            for entry in self._within(within):
                path = above + entry.name
                if not entry.is_dir(follow_symlinks=False):
                    if path not in without:
                        yield path, entry
                elif self._is_submodule(path):
                    yield path, entry
                elif f"{path}/" not in without:
                    folders.append(path)

    def _within(self, folder: str) -> Iterator[os.DirEntry[str]]:
        """What lies in a folder, as far as it can be listed."""
        try:
            with os.scandir(self.base / folder) as entries:
                yield from entries
        except OSError as error:
            self._leave_out(folder, error)

    def _is_submodule(self, path: str) -> bool:
        return path in self.submodules or os.path.lexists(f"{self.base}/{path}/.git")

    def _file(self, path: str, root: str = "") -> File | None:
        """A file, link or submodule as a commit would have it; None for anything else.

        What has the name of a manifest below `root` and is none of these is told of.
        """
        try:
            status = os.lstat(self.base / path)
        except OSError as error:
            self._leave_out(path, error)
            return None
        kind = stat.S_IFMT(status.st_mode)
        if kind == stat.S_IFDIR and self._is_submodule(path):
            return File(path, path, _SUBMODULE, 0)
        if kind in (stat.S_IFREG, stat.S_IFLNK):
            return File(path, path, "100644" if kind == stat.S_IFREG else _LINK, status.st_size)
        if is_manifest(path, root):
            words = f"is {_SPECIAL.get(kind, 'no file')}, which no commit has: write a file, or remove it"
            self.unread.setdefault(path, Reason("special-file", words, printable(path)))
        return None


def _first(file: str) -> bytes:
    """The beginning of a file, by as few system calls as there can be: there may be very many files."""
    # a pipe that has taken the file's place meanwhile must not be waited for
    descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        return os.read(descriptor, _FIRST_READ)
    finally:
        os.close(descriptor)


# --- what a manifest declares, as far as it takes to find those that it has to be judged with -------------


def declared_keys(path: str, data: bytes) -> set[ModelKey]:
    """The pairs that a file's documents name, and `REFERRING`."""
    return claims(path, data) | ({REFERRING} if _REFERS in data else set())


def may_declare(data: bytes, pairs: Collection[ModelKey]) -> bool:
    """Whether a file may declare one of these: for most, this is found without parsing them.

    A name stands in the file as it is, unless it is written with escapes.
    """
    if REFERRING in pairs and _REFERS in data:
        return True
    return b"\\" in data or any(pair.model_name.encode() in data for pair in pairs if pair is not REFERRING)
