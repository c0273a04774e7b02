"""Who last touched each declared file: asked once, and after that only of what came since."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from reconciler.engine.ports import Source
    from reconciler.engine.values import Attribution, Snapshot


@dataclass(frozen=True, slots=True)
class _Known:
    """What one commit's files were attributed to; by path, with the blob it is about."""

    commit: str
    found: Mapping[str, tuple[str, Attribution]]


@dataclass(slots=True)
class Attributions:
    """The memory of one process: for each target, the newest commit looked at and its files. Never grows."""

    _known: dict[str, _Known] = field(default_factory=dict)

    def of(
        self, target: str, source: Source, snapshot: Snapshot, paths: Collection[str]
    ) -> dict[str, Attribution]:
        """For each of these paths, the commit that gave it the content it has at the snapshot.

        Git is asked nothing when the commit is the one looked at last, for the log since then when the branch
        went on from it, and for the whole log when it was rewritten.

        Raises:
            SourceError: git could not be read.
        """
        blobs = {file.path: file.blob for file in snapshot.files if file.path in paths}
        found = self._still_true(target, source, snapshot.commit, blobs)
        missing = {path: blob for path, blob in blobs.items() if path not in found}
        if missing:
            found |= source.attribute(snapshot.commit, missing)
        remembered = {path: (blobs[path], attribution) for path, attribution in found.items()}
        self._known[target] = _Known(snapshot.commit, remembered)
        return found

    def _still_true(
        self, target: str, source: Source, commit: str, blobs: Mapping[str, str]
    ) -> dict[str, Attribution]:
        """What is known of the files, brought up to the commit."""
        known = self._known.get(target)
        newer = None if known is None else source.attribute(commit, blobs, since=known.commit)
        if known is None or newer is None:
            return {}
        kept = {path: made for path, (blob, made) in known.found.items() if blobs.get(path) == blob}
        return kept | dict(newer)
