"""Which commits changed the document that declares a model: every one, in whichever file it stood.

    log ─▶ what each commit did to the files ─▶ what it did to each model's document ─▶ kept in the index

A commit is told of when the documents that name the pair differ from those of every parent. Of a file with
one document any change counts, as git counts it; of one with several, what was done to a neighbour does not.
"""

from __future__ import annotations

from collections import defaultdict
from hashlib import blake2b
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from reconciler.engine.graph import CommitGraph, Logged, generations
from reconciler.engine.values import CommitInfo, FileChange, HistoryUpdate, ParsedFile
from reconciler.manifest import is_manifest
from reconciler.manifest.reading import claim, is_json, sections
from reconciler.manifest.text import LARGEST_FILE

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping, Sequence

    from reconciler.contract.model_key import ModelKey
    from reconciler.engine.ports.git import Source
    from reconciler.engine.values import Delta

_PLACES = 10
"""Files of one commit that declare one model and are told of: it may stand in very many."""

_FILE = "100"  # how the mode of a file begins, and of nothing else
_MODE = len("100644 ")

_Kind = tuple[bool, str]
"""Whether a content is read as JSON, and its object id."""


class _Touch(NamedTuple):
    """One file in which a commit differs from every parent, with the kinds before and after.

    None stands for what is no file.
    """

    logged: Logged
    path: str
    before: list[_Kind | None]
    after: _Kind | None


class _Content(NamedTuple):
    """Which documents of a file name which pair; each document by a digest of its text."""

    number: int
    pairs: Mapping[ModelKey, tuple[bytes, ...]]


_NOTHING = _Content(0, {})


class _Asked(NamedTuple):
    """Which models are asked about; None for every name, and every version."""

    name: str | None = None
    version: str | None = None

    def wants(self, pair: ModelKey) -> bool:
        """Whether a model is one of these."""
        return self.name in (None, pair.model_name) and self.version in (None, pair.model_version)


class _Contents(NamedTuple):
    """What contents say of the models that are asked about.

    Attributes:
        single: pairs of contents with one document, which are made into values when they are asked for: there
            may be very many.
    """

    asked: _Asked
    single: Mapping[_Kind, ModelKey]
    read: Mapping[_Kind, _Content]

    def of(self, kind: _Kind | None) -> _Content:
        """What a content says; nothing where none is known."""
        if kind is None:
            return _NOTHING
        content = self.read.get(kind) if self.read else None
        if content is not None:
            return content
        pair = self._alone(kind)
        return _NOTHING if pair is None else _Content(1, {pair: (b"",)})

    def changed(self, touch: _Touch) -> tuple[Container[ModelKey | None], Iterable[ModelKey]]:
        """The models that a file declares afterwards, and those whose document in it was changed."""
        if not self.read and len(touch.before) == 1:  # as in a move of very many: no text is compared
            now, then = map(self._alone, (touch.after, *touch.before))
            return (now,), dict.fromkeys([pair for pair in (now, then) if pair is not None])
        after, before = self.of(touch.after), list(map(self.of, touch.before))
        pairs = dict.fromkeys(pair for content in (after, *before) for pair in content.pairs)
        return after.pairs, [pair for pair in pairs if not any(_is_same(pair, one, after) for one in before)]

    def _alone(self, kind: _Kind | None) -> ModelKey | None:
        """The wanted pair of a content with one document."""
        pair = None if kind is None else self.single.get(kind)
        return pair if pair is not None and self.asked.wants(pair) else None


def no_generations(_: Collection[str]) -> dict[str, int]:
    """The generations of commits beyond a graph that is whole: there are none."""
    return {}


def history_update(  # noqa: PLR0913 - what is known, and of what
    graph: CommitGraph,
    source: Source,
    root: str,
    *,
    earlier: Iterable[ParsedFile] = (),
    older: Callable[[Collection[str]], Mapping[str, int]] = no_generations,
    is_whole: bool = False,
) -> HistoryUpdate:
    """What the commits of a graph add to a history that is kept.

    The graph has children before parents, with what is below `root`; `is_whole` where it has all commits of
    its branch. `earlier` is what files say or said: a content with a single document is not read again,
    unless what it replaced had several. `older` gives the generations of commits beyond the graph. Raises
    SourceError.
    """
    generation = generations(graph, older)
    changes = _changes(graph, source, root, generation=generation, asked=_Asked(), earlier=earlier)
    # made into values one after the other, when they are written: there may be very many
    made = ((one.commit, generation[one.commit], one.commit_info if one.deltas else None) for one in graph)
    return HistoryUpdate(made, changes, is_whole)


def whole_history(
    source: Source, root: str, commit: str, earlier: Iterable[ParsedFile]
) -> HistoryUpdate | None:
    """All that there is to keep of the branch of this commit; None where its history ends too soon.

    Raises:
        BudgetError: there is more to read than may be.
        SourceError: git could not be read.
    """
    if source.is_shallow():
        return None
    with source.graph(commit, [root], whole=True) as graph:
        if graph.cut is not None:
            return None
        return history_update(graph, source, root, earlier=earlier, is_whole=True)


def model_changes(  # noqa: PLR0913 - what is asked for
    graph: CommitGraph,
    source: Source,
    root: str,
    name: str | None = None,
    version: str | None = None,
    *,
    generation: Mapping[str, int] | None = None,
) -> dict[ModelKey, Sequence[FileChange]]:
    """What the commits of a graph did to each model's document, newest first.

    `generation` is that of each commit in its branch, None for a graph that is whole. Raises SourceError.
    """
    generation = generations(graph, no_generations) if generation is None else generation
    asked = _Asked(name, version)
    changes: defaultdict[ModelKey, list[FileChange]] = defaultdict(list)
    for pair, change in _changes(graph, source, root, generation=generation, asked=asked):
        changes[pair].append(change)
    return dict(changes)


def _changes(  # noqa: PLR0913 - what is asked for
    graph: CommitGraph,
    source: Source,
    root: str,
    *,
    generation: Mapping[str, int],
    asked: _Asked,
    earlier: Iterable[ParsedFile] = (),
) -> Iterator[tuple[ModelKey, FileChange]]:
    """What each commit did, newest first; git is read before this returns."""
    kinds: tuple[dict[str, _Kind], dict[str, _Kind]] = ({}, {})  # a content may stand at very many paths
    touches = [
        _touch(logged, delta, before, kinds[is_json(delta.path)])
        for logged in sorted(graph, key=lambda logged: (-generation[logged.commit], logged.commit))
        for delta, before in graph.changed(logged)
        if is_manifest(delta.path, root)
    ]
    contents = _contents(touches, source, asked, _single(earlier))
    return (
        (pair, change)
        for _, some in groupby(touches, key=lambda touch: touch.logged.commit)
        for pair, of_commit in _changes_of_commit(some, contents, generation).items()
        for change in _destinations(of_commit)
    )


def _changes_of_commit(
    touches: Iterable[_Touch], contents: _Contents, generation: Mapping[str, int]
) -> dict[ModelKey, list[FileChange]]:
    changes: defaultdict[ModelKey, list[FileChange]] = defaultdict(list)
    made: CommitInfo | None = None
    for touch in touches:
        after, changed = contents.changed(touch)
        for pair in changed:
            made = made or touch.logged.commit_info
            commit = touch.logged.commit
            changes[pair].append(FileChange(touch.path, made, pair not in after, generation[commit]))
    return changes


def _is_same(pair: ModelKey, before: _Content, after: _Content) -> bool:
    if before.number == after.number == 1 and pair in before.pairs and pair in after.pairs:
        return False
    return before.pairs.get(pair) == after.pairs.get(pair)


def _destinations(changes: list[FileChange]) -> list[FileChange]:
    """The changes of one commit, without the files that it moved the document out of."""
    return [change for change in changes if not change.deleted][:_PLACES] or changes[:1]


def _single(files: Iterable[ParsedFile]) -> dict[_Kind, ModelKey]:
    """The pairs of contents with one valid document; which text it is tells nobody, and matters to nobody."""
    return {
        (is_json(file.path), file.blob): file.declarations[0].pair
        for file in files
        if len(file.declarations) == 1 and not file.invalid
    }


def _contents(
    touches: Iterable[_Touch], source: Source, asked: _Asked, single: Mapping[_Kind, ModelKey]
) -> _Contents:
    """What every content says of the wanted pairs; of those that say nothing, nothing is kept."""
    paths: defaultdict[str, dict[bool, str]] = defaultdict(dict)
    for touch in touches:
        kinds = [kind for kind in (*touch.before, touch.after) if kind is not None]
        if not all(map(single.__contains__, kinds)):  # texts may have to be compared
            for is_of_json, blob in kinds:
                paths[blob][is_of_json] = touch.path
    name, read = asked.name, dict[_Kind, _Content]()
    for blob, data in source.contents(paths, at_most=LARGEST_FILE):
        if name is None or name.encode("utf-8", "surrogateescape") in data or b"\\" in data:
            for kind, path in paths[blob].items():
                content = _content(path, data, asked)
                if content.pairs:
                    read[kind, blob] = content
    return _Contents(asked, single, read)


def _content(path: str, data: bytes, asked: _Asked) -> _Content:
    documents = sections(path, data)
    pairs: dict[ModelKey, tuple[bytes, ...]] = {}
    for document in documents:
        pair = claim(path, document.text)
        if pair is not None and asked.wants(pair):
            digest = blake2b(document.text, digest_size=16).digest()
            pairs[pair] = (*pairs.get(pair, ()), digest)
    return _Content(len(documents), pairs)


def _touch(logged: Logged, delta: Delta, before: Sequence[str | None], by_entry: dict[str, _Kind]) -> _Touch:
    """`by_entry` are kinds, of files that are read as this one is."""
    entries = (*before, delta.after)
    for entry in entries:
        if entry is not None and entry not in by_entry and entry.startswith(_FILE):
            by_entry[entry] = (is_json(delta.path), entry[_MODE:])
    *kinds, after = [None if entry is None else by_entry.get(entry) for entry in entries]
    return _Touch(logged, delta.path, kinds, after)
