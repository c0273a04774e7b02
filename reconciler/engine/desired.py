"""From a snapshot to what it declares: reads manifests, remembers them by blob id, finds conflicts."""

from __future__ import annotations

import posixpath
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reconciler.engine.values import Desired
from reconciler.manifest import InvalidManifest, Manifest, is_manifest, read, refuse
from reconciler.manifest.limits import LARGEST_FILE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reconciler.contract import Edition
    from reconciler.contract.pair import Pair
    from reconciler.engine.ports import Blobs
    from reconciler.engine.values import File, Snapshot

Result = Manifest | InvalidManifest


def gather(results: Iterable[Result]) -> Desired:
    """Sorts results into unique manifests, conflicts and invalid ones; the order given does not matter."""
    claims: defaultdict[Pair, list[Manifest]] = defaultdict(list)
    invalid: list[InvalidManifest] = []
    for result in results:
        if isinstance(result, Manifest):
            claims[result.pair].append(result)
        else:
            invalid.append(result)
    ordered = {pair: tuple(sorted(found, key=_place)) for pair, found in claims.items()}
    return Desired(
        manifests={pair: found[0] for pair, found in ordered.items() if len(found) == 1},
        conflicts={pair: found for pair, found in ordered.items() if len(found) > 1},
        invalid=tuple(sorted(invalid, key=_place)),
    )


def _place(result: Result) -> tuple[str, int]:
    return result.path, result.line


@dataclass(frozen=True, slots=True)
class _Remembered:
    """The results of one file, with the blob ids of everything they were made from."""

    blob: str
    results: tuple[Result, ...]
    siblings: Mapping[str, str | None]


@dataclass(slots=True)
class ManifestReader:
    """Reads a target's manifests; a file whose blobs did not change is not read again.

    One reader belongs to one target, because results depend on the target's edition and path.
    """

    edition: Edition
    _known: dict[str, _Remembered] = field(default_factory=dict)

    def desired(self, source: Blobs, snapshot: Snapshot) -> Desired:
        """What `snapshot` declares. A file that a manifest names as its configuration is no manifest."""
        files = {file.path: file for file in snapshot.files}
        wanted = [file for file in snapshot.files if is_manifest(file.path, snapshot.path) or _linked(file)]
        refused = {file.path: found for file in wanted if (found := refuse(file, snapshot.path))}
        readable = [file for file in wanted if file.path not in refused and not _linked(file)]
        stale = [file for file in readable if not self._is_current(file, files)]
        texts = dict(source.read(dict.fromkeys(file.blob for file in stale)))
        fresh = {file.path: self._read(file, files, texts, source) for file in stale}
        self._known = {file.path: fresh.get(file.path) or self._known[file.path] for file in readable}
        named = {path for known in self._known.values() for path in known.siblings}
        results = [
            known.results
            for path, known in self._known.items()
            if path not in named or any(isinstance(result, Manifest) for result in known.results)
        ]
        return gather([*refused.values(), *(result for found in results for result in found)])

    def _is_current(self, file: File, files: Mapping[str, File]) -> bool:
        known = self._known.get(file.path)
        return (
            known is not None
            and known.blob == file.blob
            and all(_blob(files.get(path)) == blob for path, blob in known.siblings.items())
        )

    def _read(
        self, file: File, files: Mapping[str, File], texts: Mapping[str, bytes], source: Blobs
    ) -> _Remembered:
        siblings: dict[str, str | None] = {}

        def sibling(path: str) -> bytes | None:
            """The bytes of a file of the same commit; links are not followed."""
            found = files.get(posixpath.normpath(path))
            siblings[path] = _blob(found)
            if found is None or _linked(found):
                return None
            if found.size > LARGEST_FILE:
                return b" " * (LARGEST_FILE + 1)  # refused for its size, without being read
            return texts[found.blob] if found.blob in texts else dict(source.read([found.blob]))[found.blob]

        results = read(file.path, texts[file.blob], self.edition, sibling)
        return _Remembered(file.blob, results, siblings)


def _blob(file: File | None) -> str | None:
    return file.blob if file else None


def _linked(file: File) -> bool:
    return not file.mode.startswith("100")
