"""From files to what they say, and from what they say to what is declared."""

from __future__ import annotations

import posixpath
import sys
from collections import defaultdict
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING

from reconciler.budgets import DEFAULTS, Budgets
from reconciler.engine.values import Desired, File, ManifestRef, ParsedFile, Snapshot
from reconciler.errors import BudgetError
from reconciler.manifest import InvalidManifest, Manifest, Reason, is_manifest, read, refuse
from reconciler.manifest.reading import is_json
from reconciler.manifest.text import LARGEST_FILE
from reconciler.manifest.values import ReasonLimits, moved_result, reasons_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from reconciler.contract.model_key import ModelKey
    from reconciler.engine.ports.git import Blobs
    from reconciler.manifest import Rules

    FileLookup = Callable[[str], File | None]
    """The file at a path of the same commit, or None."""


KEPT_WHOLE = 10_000
"""Manifests that one cycle keeps as they were read."""

_MOST_NAMED = 10  # manifests of one conflict that its message names


def group_by_key(declarations: Iterable[ManifestRef], invalid: Iterable[InvalidManifest]) -> Desired:
    """Sorts declarations into unique ones and conflicts; the order given does not matter."""
    first: dict[ModelKey, ManifestRef] = {}
    several: defaultdict[ModelKey, list[ManifestRef]] = defaultdict(list)
    for ref in declarations:
        if first.setdefault(ref.pair, ref) is not ref:
            several[ref.pair].append(ref)
    conflicts = {pair: tuple(sorted([first.pop(pair), *refs], key=_place)) for pair, refs in several.items()}
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
        kept: so many manifests, about 2 KiB each, are kept as they were read, for the imports that follow.
    """

    edition: Rules
    root: str
    budgets: Budgets = DEFAULTS
    kept: int = KEPT_WHOLE

    def concerns(self, file: File) -> bool:
        """Whether the file is a manifest, or something that is refused in the place of one."""
        return is_manifest(file.path, self.root) or (_linked(file) and self._refusal(file) is not None)

    def reads(self, file: File) -> bool:
        """Whether the file is a manifest that is not refused unread."""
        return is_manifest(file.path, self.root) and not _linked(file) and self._refusal(file) is None

    def _refusal(self, file: File) -> InvalidManifest | None:
        return refuse(file, self.root, self.budgets.path)

    def again(self) -> ManifestParser:
        """The same for files that were read within the budget before, when there were fewer at a time."""
        return replace(self, budgets=self.budgets._replace(manifests=sys.maxsize, manifest_bytes=sys.maxsize))

    def require_few(self, documents: int) -> None:
        """Refuses more documents than one target may declare. Raises BudgetError."""
        if documents > self.budgets.manifests:
            raise BudgetError(
                f"{self.root} declares more than {self.budgets.manifests:,} manifests: remove some, or raise "
                "limits.manifests"
            )

    def read(
        self, source: Blobs, files: Iterable[File], find_file: FileLookup
    ) -> Iterator[tuple[ParsedFile, tuple[Manifest, ...]]]:
        """What each of these files says, with its valid manifests whole; in any order, by one subprocess.

        Files that are no concern of this target are left out; see `concerns`. Raises BudgetError.
        """
        readable: defaultdict[str, list[File]] = defaultdict(list)
        work = _Work(self, source, find_file)
        for file in files:
            refused = self._refusal(file)
            if refused is not None:
                yield work.as_parsed(file, (refused,)), ()
            elif is_manifest(file.path, self.root) and not _linked(file):
                work.take(file.size)
                readable[file.blob].append(file)
        for blob, data in source.read(readable):
            yield from work.of_one_content(readable[blob], data)

    def snapshot(
        self,
        source: Blobs,
        snapshot: Snapshot,
        find_file: FileLookup | None = None,
        whole: Callable[[Manifest], object] | None = None,
    ) -> Desired:
        """What a whole snapshot declares.

        `find_file` finds the files that manifests name, by default in the snapshot. `whole` is given each
        valid manifest, which is not kept here; those in conflict too.
        """
        find_file = find_file or {file.path: file for file in snapshot.files}.get
        faulty: list[ParsedFile] = []
        named: set[str] = set()

        def declarations() -> Iterator[ManifestRef]:
            for parsed_file, manifests in self.read(source, snapshot.files, find_file):
                named.update(path for path, _ in parsed_file.config_files)
                if parsed_file.invalid:
                    faulty.append(parsed_file)
                if whole is not None:
                    for manifest in manifests:
                        whole(manifest)
                yield from parsed_file.declarations

        desired = group_by_key(declarations(), ())
        return desired._replace(invalid=group_by_key((), reportable(faulty, frozenset(named))).invalid)


@dataclass(slots=True)
class _Work:
    """One pass over some files of a target; counts what it reads and what it tells.

    One content may stand at very many paths: it is taken apart once, unless it names a file beside it.
    """

    parser: ManifestParser
    source: Blobs
    find_file: FileLookup
    _bytes: int = 0
    _documents: int = 0
    _faults: int = 0
    _beside: tuple[str, bytes] = ("", b"")

    def take(self, size: int) -> None:
        """Counts bytes that are to be read. Raises BudgetError."""
        self._bytes += size
        most = self.parser.budgets.manifest_bytes
        if self._bytes > most:
            raise BudgetError(
                f"the manifests to read below {self.parser.root} have more than {most:,} bytes: remove some, "
                "or raise limits.manifest_bytes"
            )

    def of_one_content(
        self, files: Iterable[File], data: bytes
    ) -> Iterator[tuple[ParsedFile, tuple[Manifest, ...]]]:
        """What each of these files says, which have the same content."""
        parsed: dict[tuple[bool, int], tuple[Manifest | InvalidManifest, ...]] = {}
        for file in files:
            most, config_files = self._most(), dict[str, str | None]()
            kind = (is_json(file.path), most)
            same = parsed.get(kind)
            if same is None:
                results = self._read(file, data, config_files, most)
                if not config_files:
                    parsed[kind] = results
            else:
                results = tuple(moved_result(result, file.path) for result in same)
            parsed_file = self.as_parsed(file, results, tuple(config_files.items()))
            yield parsed_file, tuple(result for result in results if isinstance(result, Manifest))

    def _most(self) -> int:
        """How many problems are told of the next file: once very many were, one for each document."""
        budgets = self.parser.budgets
        return budgets.file_faults if self._faults < budgets.faults else 1

    def as_parsed(
        self,
        file: File,
        results: Collection[Manifest | InvalidManifest],
        config_files: tuple[tuple[str, str | None], ...] = (),
    ) -> ParsedFile:
        """What the file says. Raises BudgetError."""
        self._documents += len(results)
        self.parser.require_few(self._documents)
        self._faults += sum(len(reasons_of(one)) for one in results)
        return ParsedFile(
            file.path,
            file.blob,
            tuple(declared_by(one) for one in results if isinstance(one, Manifest)),
            tuple(one for one in results if isinstance(one, InvalidManifest)),
            config_files,
        )

    def _read(
        self, file: File, data: bytes, config_files: dict[str, str | None], most: int
    ) -> tuple[Manifest | InvalidManifest, ...]:
        def sibling(path: str) -> bytes | None:
            """The bytes of a file of the same commit; links are not followed."""
            file = self.find_file(posixpath.normpath(path))
            config_files[path] = file.blob if file else None
            if file is None or _linked(file):
                return None
            if file.size > LARGEST_FILE:
                return b" " * (LARGEST_FILE + 1)  # refused for its size, without being read
            self.take(file.size)
            return self._content(file.blob)

        return read(
            file.path, data, self.parser.edition, sibling, ReasonLimits(most, self.parser.budgets.reason)
        )

    def _content(self, blob: str) -> bytes | None:
        """The bytes of a file that a manifest names; that of the last one is kept, as many may name it."""
        if self._beside[0] != blob:
            read = next(iter(self.source.read([blob])), None)
            if read is None:
                return None
            self._beside = read
        return self._beside[1]


def declared_by(manifest: Manifest) -> ManifestRef:
    """What a plan needs of a manifest."""
    return ManifestRef(manifest.pair, manifest.digest, manifest.path, manifest.line, manifest.warnings)


def reportable(parsed_files: Iterable[ParsedFile], named: frozenset[str]) -> Iterator[InvalidManifest]:
    """What is invalid, without files that declare nothing and that a manifest names as its configuration.

    A file that was refused unread is told of in any case.
    """
    for parsed_file in parsed_files:
        refused = any(document.is_refused for document in parsed_file.invalid)
        if parsed_file.declarations or refused or parsed_file.path not in named:
            yield from parsed_file.invalid


def _place(document: ManifestRef | InvalidManifest) -> tuple[str, int]:
    return document.path, document.line


def _linked(file: File) -> bool:
    return not file.mode.startswith("100")


def conflict_reasons(
    pair: ModelKey, refs: Sequence[ManifestRef], only: Collection[str] = ()
) -> tuple[Reason, ...]:
    """One reason for each manifest that declares a pair which others declare too; for the first of very many.

    With `only`, those are the first in these files.
    """
    named = refs[:_MOST_NAMED]
    places = ", ".join(f"{ref.path}:{ref.line}" for ref in named)
    more = f" and {len(refs) - _MOST_NAMED:,} more" if len(refs) > _MOST_NAMED else ""
    return tuple(
        Reason(
            "conflict",
            f"{pair} is declared {len(refs)} times ({places}{more}): "
            "keep one, and give the others versions of their own",
            ref.path,
            ref.line,
        )
        for ref in islice((ref for ref in refs if not only or ref.path in only), _MOST_NAMED)
    )
