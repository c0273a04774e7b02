"""What all files of one commit say, or some of them; what is known by its content is not read."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from reconciler.engine.desired import moved_to

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reconciler.contract.model_key import ModelKey
    from reconciler.engine.desired import Look, ManifestParser
    from reconciler.engine.ports import Blobs, Index, Source
    from reconciler.engine.values import File, ParsedFile
    from reconciler.manifest import Manifest


class EveryFile(NamedTuple):
    """All files of one commit, beside what the index holds.

    Attributes:
        unchanged: what the index says of files that are as they were.
        fresh: what all others say.
        gone: what the index says of contents that no file has any more.
        manifests: some of those that were read, whole.
    """

    exists: bool
    unchanged: dict[str, ParsedFile]
    fresh: dict[str, ParsedFile]
    gone: dict[str, ParsedFile]
    manifests: dict[ModelKey, Manifest]
    parsed: int


def every_file(source: Source, index: Index, reader: ManifestParser, commit: str) -> EveryFile:
    """What the files of a commit say.

    Raises:
        BudgetError: there is more than is read.
        SourceError: git could not be read.
    """
    snapshot = source.snapshot(commit, reader.root)
    files = {file.path: file for file in snapshot.files}
    by_path = {file.path: file for file in snapshot.files if reader.concerns(file)}
    unchanged: dict[str, ParsedFile] = {}
    elsewhere: dict[str, ParsedFile] = {}
    for indexed in index.parsed_files():
        if indexed.path not in by_path or by_path[indexed.path].blob != indexed.blob:
            elsewhere[indexed.blob] = indexed
        elif all(_blob(files.get(path)) == blob for path, blob in indexed.companions):
            unchanged[indexed.path] = indexed
    unread = [file for file in by_path.values() if file.path not in unchanged]
    moved = moved_files(reader, unread, elsewhere)
    fresh, manifests = read_files(
        reader, source, (file for file in unread if file.path not in moved), files.get
    )
    now = {file.blob for file in unread}
    gone = {indexed.path: indexed for blob, indexed in elsewhere.items() if blob not in now}
    return EveryFile(snapshot.exists, unchanged, fresh | moved, gone, manifests, len(fresh))


def moved_files(
    reader: ManifestParser, files: Iterable[File], by_blob: Mapping[str, ParsedFile]
) -> dict[str, ParsedFile]:
    """What those of these files say, by path, whose content is known from another one."""
    moved: dict[str, ParsedFile] = {}
    for file in files:
        same = by_blob.get(file.blob)
        parsed_file = moved_to(same, file.path) if same is not None and reader.reads(file) else None
        if parsed_file is not None:
            moved[file.path] = parsed_file
    return moved


def read_files(
    reader: ManifestParser, source: Blobs, files: Iterable[File], look: Look
) -> tuple[dict[str, ParsedFile], dict[ModelKey, Manifest]]:
    """What these files say, by path, and some of their manifests whole; by one subprocess."""
    parsed_files: dict[str, ParsedFile] = {}
    whole: dict[ModelKey, Manifest] = {}
    for parsed_file, manifests in reader.read(source, files, look):
        parsed_files[parsed_file.path] = parsed_file
        if len(whole) < reader.kept:
            whole |= {manifest.pair: manifest for manifest in manifests}
    return parsed_files, whole


def _blob(file: File | None) -> str | None:
    return file.blob if file else None
