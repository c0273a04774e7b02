"""From files to what they say, and from what they say to what is declared."""

from __future__ import annotations

import posixpath
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reconciler.engine.values import Desired, ManifestRef, ParsedFile
from reconciler.manifest import InvalidManifest, Manifest, is_manifest, read, refuse
from reconciler.manifest.limits import LARGEST_FILE
from reconciler.manifest.sections import is_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from reconciler.contract.model_key import ModelKey
    from reconciler.engine.ports import Blobs
    from reconciler.engine.values import File, Snapshot
    from reconciler.manifest import Rules

    Look = Callable[[str], File | None]
    """The file at a path of the same commit, or None."""


_UNREAD = frozenset({"link", "unsafe-path", "ambiguous-path", "file-too-large"})  # what `refuse` says


def group_by_key(declarations: Iterable[ManifestRef], invalid: Iterable[InvalidManifest]) -> Desired:
    """Sorts declarations into unique ones and conflicts; the order given does not matter."""
    first: dict[ModelKey, ManifestRef] = {}
    several: defaultdict[ModelKey, list[ManifestRef]] = defaultdict(list)
    for declaration in declarations:
        if first.setdefault(declaration.pair, declaration) is not declaration:
            several[declaration.pair].append(declaration)
    conflicts = {
        pair: tuple(sorted([first.pop(pair), *found], key=_place)) for pair, found in several.items()
    }
    return Desired(
        manifests=first,
        conflicts=conflicts,
        invalid=tuple(sorted(invalid, key=_place)),
    )


@dataclass(frozen=True, slots=True)
class ManifestParser:
    """Reads the files of one target by the rules of its edition.

    Attributes:
        root: the target's directory inside the repository.
    """

    edition: Rules
    root: str

    def concerns(self, file: File) -> bool:
        """Whether the file is a manifest, or something that is refused in the place of one."""
        return is_manifest(file.path, self.root) or (_linked(file) and refuse(file, self.root) is not None)

    def reads(self, file: File) -> bool:
        """Whether the file is a manifest that is not refused unread."""
        return is_manifest(file.path, self.root) and not _linked(file) and refuse(file, self.root) is None

    def read(
        self, source: Blobs, files: Iterable[File], look: Look
    ) -> Iterator[tuple[ParsedFile, tuple[Manifest, ...]]]:
        """What each of these files says, with its valid manifests whole; in any order, by one subprocess.

        Files that are no concern of this target are left out; see `concerns`.
        """
        readable: defaultdict[str, list[File]] = defaultdict(list)
        for file in files:
            refused = refuse(file, self.root)
            if refused is not None:
                yield ParsedFile(file.path, file.blob, invalid=(refused,)), ()
            elif is_manifest(file.path, self.root) and not _linked(file):
                readable[file.blob].append(file)
        for blob, data in source.read(readable):
            for file in readable[blob]:
                yield self._one(source, file, data, look)

    def _one(
        self, source: Blobs, file: File, data: bytes, look: Look
    ) -> tuple[ParsedFile, tuple[Manifest, ...]]:
        companions: dict[str, str | None] = {}

        def sibling(path: str) -> bytes | None:
            """The bytes of a file of the same commit; links are not followed."""
            found = look(posixpath.normpath(path))
            companions[path] = found.blob if found else None
            if found is None or _linked(found):
                return None
            if found.size > LARGEST_FILE:
                return b" " * (LARGEST_FILE + 1)  # refused for its size, without being read
            return next(content for _, content in source.read([found.blob]))

        results = read(file.path, data, self.edition, sibling)
        manifests = tuple(result for result in results if isinstance(result, Manifest))
        reading = ParsedFile(
            file.path,
            file.blob,
            tuple(map(declared_by, manifests)),
            tuple(result for result in results if isinstance(result, InvalidManifest)),
            tuple(companions.items()),
        )
        return reading, manifests

    def snapshot(self, source: Blobs, snapshot: Snapshot) -> tuple[Desired, dict[ModelKey, Manifest]]:
        """What a whole snapshot declares, and its valid manifests; of those in conflict, one."""
        files = {file.path: file for file in snapshot.files}
        readings: list[ParsedFile] = []
        manifests: dict[ModelKey, Manifest] = {}
        for reading, whole in self.read(source, snapshot.files, files.get):
            readings.append(reading)
            manifests |= {one.pair: one for one in whole}
        named = frozenset(path for reading in readings for path, _ in reading.companions)
        declarations = (declaration for reading in readings for declaration in reading.declarations)
        return group_by_key(declarations, reportable(readings, named)), manifests


def moved_to(reading: ParsedFile, path: str) -> ParsedFile | None:
    """What a file of the same content says elsewhere; None where that takes a look at it.

    What is wrong with a file, and what it names beside it, depends on where it is.
    """
    if reading.invalid or reading.companions or is_json(path) != is_json(reading.path):
        return None
    declarations = (
        declaration._replace(
            path=path, warnings=tuple(replace(warning, path=path) for warning in declaration.warnings)
        )
        for declaration in reading.declarations
    )
    return ParsedFile(path, reading.blob, tuple(declarations))


def declared_by(manifest: Manifest) -> ManifestRef:
    """What a plan needs of a manifest."""
    return ManifestRef(manifest.pair, manifest.digest, manifest.path, manifest.line, manifest.warnings)


def reportable(readings: Iterable[ParsedFile], named: frozenset[str]) -> Iterator[InvalidManifest]:
    """What is invalid, without files that declare nothing and that a manifest names as its configuration.

    A file that was refused unread is told of in any case.
    """
    for reading in readings:
        unread = any(reason.code in _UNREAD for found in reading.invalid for reason in found.reasons)
        if reading.declarations or unread or reading.path not in named:
            yield from reading.invalid


def _place(found: ManifestRef | InvalidManifest) -> tuple[str, int]:
    return found.path, found.line


def _linked(file: File) -> bool:
    return not file.mode.startswith("100")
