"""Who gave each document the content it has: the answer of `git log -1 -- PATH`, for any number of files.

From the newest commit on, the walk follows the first parent that holds the document as it is; the commit
that has no such parent gave it its content. Of a file with one document any change counts, as git counts it.
Of one with several, what a commit did to the neighbours does not. The order of commits and their clocks
decide nothing.

The walk takes many files at once. Where contents have to be compared it stops, and goes on once all of them
have been read together.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from reconciler.engine.values import Delta, LastCommit, ParsedFile
from reconciler.manifest.reading import is_json, sections
from reconciler.manifest.text import LARGEST_FILE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from reconciler.engine.graph import CommitGraph, Logged
    from reconciler.engine.ports.git import Source

_LINK = "120000"
_SUBMODULE = "160000"
_UNKNOWN = ""  # the id of no commit


class LastCommits(NamedTuple):
    """Who gave each document its content.

    Attributes:
        older: files that hold a document which is older than the graph, by the commit with which it ends.
    """

    by_file: Mapping[str, Mapping[int, LastCommit]]
    older: Mapping[str, Collection[str]]


@dataclass(slots=True)
class _Search:
    """One document that is looked for.

    Attributes:
        text: what it says; None while the file as a whole is meant.
    """

    path: str
    line: int
    text: bytes | None = None


_Open = dict[str, list[_Search]]
"""What is looked for at one commit, by path."""


class _Walk:
    """Walks one graph; its result is in `by_file` and `older`."""

    def __init__(self, graph: CommitGraph, source: Source, earlier: Iterable[ParsedFile]) -> None:
        """`earlier` is what files say or said; of these contents, fewer have to be read."""
        self.by_file: defaultdict[str, dict[int, LastCommit]] = defaultdict(dict)
        self.older: defaultdict[str, set[str]] = defaultdict(set)
        self._graph = graph
        self._source = source
        self._texts: dict[tuple[bool, str], Mapping[int, bytes]] = {}
        self._earlier = earlier
        self._by_commit: dict[str, LastCommit] = {}
        self._waiting: dict[str, _Open] = {}
        self._undecided: list[tuple[Logged, Delta, list[_Search]]] = []

    def run(self, parsed_files: Collection[ParsedFile]) -> None:
        """Looks for every document of these files, which are those of the newest commit."""
        self._waiting[self._graph.tip] = self._begun(parsed_files)
        while self._waiting:
            while self._waiting:
                newest = min(self._waiting, key=self._graph.position)
                self._follow(newest, self._waiting.pop(newest))
            self._decide()

    @cached_property
    def _single(self) -> set[tuple[bool, str]]:
        """The contents with one document; most walks compare none, and need not know."""
        single = (file for file in self._earlier if len(file.declarations) == 1 and not file.invalid)
        return {_kind(file.path, file.blob) for file in single}

    def _begun(self, parsed_files: Collection[ParsedFile]) -> _Open:
        self._read(
            (parsed_file.path, parsed_file.blob) for parsed_file in parsed_files if parsed_file.results > 1
        )
        opened: _Open = {}
        for parsed_file in parsed_files:
            lines = [d.line for d in parsed_file.declarations] + [f.line for f in parsed_file.invalid]
            opened[parsed_file.path] = [_Search(parsed_file.path, line) for line in lines]
            if len(lines) > 1:
                texts = self._texts[_kind(parsed_file.path, parsed_file.blob)]
                for search in opened[parsed_file.path]:
                    search.text = _at(texts, search.line)
        return opened

    def _follow(self, commit: str, sections: _Open) -> None:
        """Goes from commit to first parent until nothing is looked for; takes along what waits on the way."""
        while sections:
            logged = self._graph.get(commit)
            if logged is None:
                self.older[commit].update(sections)
                return
            for delta in logged.deltas:
                if delta.path in sections:
                    self._meet(logged, delta, sections.pop(delta.path))
            if not logged.parents:
                return
            commit = logged.parents[0]
            _add(sections, self._waiting.pop(commit, {}))

    def _meet(self, logged: Logged, delta: Delta, searches: list[_Search]) -> None:
        """A commit that changed the file against its first parent."""
        if delta.before is None and len(logged.parents) <= 1:
            self._record(logged, searches)
        else:
            self._undecided.append((logged, delta, searches))

    def _decide(self) -> None:
        """Compares the contents on which searches stopped; all that are needed are read by one subprocess."""
        undecided, self._undecided = self._undecided, []
        together: defaultdict[str, list[str]] = defaultdict(list)
        for logged, delta, _ in undecided:
            for parent in logged.parents[1:]:
                together[parent].append(delta.path)
        for parent, paths in together.items():
            self._graph.entries_at(parent, paths)  # so that what lies beyond the graph is asked once
        parent_entries = [self._parents_entries(logged, delta) for logged, delta, _ in undecided]
        self._texts.clear()
        self._read(
            (delta.path, _blob(entry))
            for (_, delta, _), entries in zip(undecided, parent_entries, strict=True)
            for entry in self._to_read(delta.path, [delta.after, *(entry for _, entry in entries)])
        )
        for (logged, delta, searches), entries in zip(undecided, parent_entries, strict=True):
            for search in searches:
                self._pass_on(logged, delta, entries, search)

    def _parents_entries(self, logged: Logged, delta: Delta) -> list[tuple[str, str | None]]:
        """The parents that are known to hold something in the file's place, with what they hold."""
        entries = [(parent, delta.before) for parent in logged.parents[:1]]
        for parent in logged.parents[1:]:
            parent_entries = self._graph.entries_at(parent, [delta.path])
            if delta.path not in parent_entries:  # beyond the end of this graph: it has to be asked elsewhere
                return [*entries, (_UNKNOWN, delta.after)]
            entries.append((parent, parent_entries[delta.path]))
        return entries

    def _to_read(self, path: str, entries: list[str | None]) -> list[str]:
        """Those whose documents have to be compared: none when each file is known to hold a single one."""
        texts = [entry for entry in entries if entry is not None and _has_text(entry)]
        kinds = {_kind(path, _blob(entry)) for entry in texts}
        return [] if kinds <= self._single else texts

    def _pass_on(
        self, logged: Logged, delta: Delta, entries: list[tuple[str, str | None]], search: _Search
    ) -> None:
        for parent, entry in entries:
            if self._is_same(search, entry, delta.after):
                _add(self._waiting.setdefault(parent, {}), {search.path: [search]})
                return
        self._record(logged, [search])

    def _is_same(self, search: _Search, before: str | None, after: str | None) -> bool:
        """Whether a parent holds the document as the commit does."""
        if before == after or before is None or after is None:
            return before == after
        if not (_has_text(before) and _has_text(after)):
            return False
        kinds = [_kind(search.path, _blob(entry)) for entry in (before, after)]
        if self._single.issuperset(kinds):
            return False
        old, new = (self._texts[kind] for kind in kinds)
        if len(old) == len(new) == 1:
            return False
        if search.text is None:
            if len(new) > 1:
                return False  # a file that cannot be parsed: it counts as a whole
            search.text = next(iter(new.values()))
        return search.text in old.values()

    def _read(self, blobs: Iterable[tuple[str, str]]) -> None:
        """Takes the documents of these files apart; each is a path and an object id."""
        paths: dict[str, dict[bool, str]] = {}
        for path, blob in blobs:
            paths.setdefault(blob, {})[is_json(path)] = path
        for blob, data in self._source.contents(paths, at_most=LARGEST_FILE):
            for kind, path in paths[blob].items():
                self._texts[kind, blob] = {section.line: section.text for section in sections(path, data)}

    def _record(self, logged: Logged, searches: Iterable[_Search]) -> None:
        last_commit = self._by_commit.get(logged.commit)
        if last_commit is None:
            last_commit = self._by_commit[logged.commit] = LastCommit(
                logged.commit, logged.commit_info.author
            )
        for search in searches:
            self.by_file[search.path][search.line] = last_commit


def find_last_commits(
    graph: CommitGraph,
    source: Source,
    parsed_files: Collection[ParsedFile],
    earlier: Iterable[ParsedFile] = (),
) -> LastCommits:
    """Who gave each document of these files its content.

    The graph is of the commit whose files these are. `earlier` is what files said at another commit; of these
    contents, fewer have to be read. Raises SourceError.
    """
    walk = _Walk(graph, source, [*earlier, *parsed_files])
    walk.run(parsed_files)
    return LastCommits(walk.by_file, walk.older)


def _add(sections: _Open, more: _Open) -> None:
    for path, searches in more.items():
        sections.setdefault(path, []).extend(searches)


def _kind(path: str, blob: str) -> tuple[bool, str]:
    return is_json(path), blob


def _has_text(entry: str) -> bool:
    return not entry.startswith((_LINK, _SUBMODULE))


def _blob(entry: str) -> str:
    return entry.partition(" ")[2]


def _at(texts: Mapping[int, bytes], line: int) -> bytes:
    """The document in which a line stands."""
    return texts[max(first for first in texts if first <= line)]
