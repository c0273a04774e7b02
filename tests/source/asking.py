"""What several tests ask of a source."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.engine.last_commits import find_last_commits
from reconciler.engine.values import ParsedFile
from reconciler.manifest import InvalidManifest

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from reconciler.engine.values import CommitInfo
    from reconciler.source import GitSource


def attributed(source: GitSource, commit: str, paths: Collection[str]) -> Mapping[str, CommitInfo]:
    """Who gave each path the content it has at a commit, every file taken as a whole."""
    parsed_files = [
        ParsedFile(path, file.blob, invalid=(InvalidManifest(path, 1, ()),))
        for path, file in source.files(commit, paths).items()
    ]
    commit_infos: dict[str, CommitInfo] = {}
    if not parsed_files:
        return commit_infos
    with source.graph(commit, paths) as graph:
        for path, lines in find_last_commits(graph, source, parsed_files).by_file.items():
            logged = graph.get(lines[1].commit)
            assert logged is not None
            commit_infos[path] = logged.commit_info
    return commit_infos


def changed_paths(source: GitSource, commit: str, root: str) -> list[str]:
    """The files below a folder that commits changed, newest first, each as often as it was."""
    with source.graph(commit, [root], whole=True) as graph:
        return [delta.path for logged in graph for delta, _ in graph.changed(logged)]
