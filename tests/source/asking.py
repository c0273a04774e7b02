"""What several tests ask of a source."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from reconciler.engine.values import Attribution
    from reconciler.source import GitSource


def blobs(source: GitSource, commit: str, paths: Collection[str]) -> dict[str, str | None]:
    """The object id of each path at a commit; None where it has none."""
    held = source.files(commit, paths)
    return {path: held[path].blob if path in held else None for path in paths}


def attributed(source: GitSource, commit: str, paths: Collection[str]) -> Mapping[str, Attribution]:
    """Who gave each path the content it has at a commit."""
    return source.attribute(commit, blobs(source, commit, paths))
