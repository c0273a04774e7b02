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

from reconciler.engine.graph import places
from reconciler.engine.values import FileChange, HistoryUpdate
from reconciler.manifest import is_manifest
from reconciler.manifest.limits import LARGEST_FILE
from reconciler.manifest.sections import claim, is_json, sections

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from reconciler.contract.model_key import ModelKey
    from reconciler.engine.graph import CommitGraph, Logged
    from reconciler.engine.ports import Source
    from reconciler.engine.values import CommitInfo, ParsedFile

_PLACES = 10
"""Files of one commit that declare one model and are told of: it may stand in very many."""

_FILE = "100"  # how the mode of a file begins, and of nothing else

_Kind = tuple[bool, str]
"""Whether a content is read as JSON, and its object id."""


class _Touch(NamedTuple):
    """One file in which a commit differs from every parent, with the entries before and after."""

    logged: Logged
    path: str
    before: tuple[str | None, ...]
    after: str | None


class _Content(NamedTuple):
    """Which documents of a file name which pair; each document by a digest of its text."""

    number: int
    pairs: Mapping[ModelKey, tuple[bytes, ...]]


_NOTHING = _Content(0, {})


def no_places(_: Collection[str]) -> dict[str, int]:
    """The places of commits beyond a graph that is whole."""
    return {}


def history_update(  # noqa: PLR0913 - what is known, and of what
    graph: CommitGraph,
    source: Source,
    root: str,
    *,
    earlier: Iterable[ParsedFile] = (),
    older: Callable[[Collection[str]], Mapping[str, int]] = no_places,
    is_whole: bool = False,
) -> HistoryUpdate:
    """What the commits of a graph add to a history that is kept.

    Args:
        graph: children before parents, with what is below `root`.
        source: gives the bytes of contents that are not known.
        root: the target's directory.
        earlier: what files say or said.
        older: gives the places of commits beyond the graph.
        is_whole: whether the graph has all commits of its branch.

    Raises:
        SourceError: git could not be read.
    """
    place = places(graph, older)
    changes = model_changes(graph, source, root, place=place, earlier=earlier)
    # made into values one after the other, when they are written: there may be very many
    made = ((one.commit, place[one.commit], one.commit_info if one.deltas else None) for one in graph)
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
    place: Mapping[str, int] | None = None,
    earlier: Iterable[ParsedFile] = (),
) -> dict[ModelKey, Sequence[FileChange]]:
    """What the commits of a graph did to each model's document, newest first.

    Args:
        graph: with what is below `root`.
        source: gives the bytes of contents that are not known.
        root: the target's directory.
        name: one model; None takes all.
        version: one version of it; None takes all.
        place: of each commit in its branch; None for a graph that is whole.
        earlier: what files say or said: a content with a single document is not read again, unless what it
            replaced had several.

    Raises:
        SourceError: git could not be read.
    """
    place = places(graph, no_places) if place is None else place
    touches = [
        _Touch(logged, delta.path, before, delta.after)
        for logged in sorted(graph, key=lambda logged: (-place[logged.commit], logged.commit))
        for delta, before in graph.changed(logged)
        if is_manifest(delta.path, root)
    ]

    def is_wanted(pair: ModelKey) -> bool:
        return name in (None, pair.model_name) and version in (None, pair.model_version)

    contents = _contents(touches, source, is_wanted, name, _single(earlier, is_wanted))
    changes: defaultdict[ModelKey, list[FileChange]] = defaultdict(list)
    for _, some in groupby(touches, key=lambda touch: touch.logged.commit):
        for pair, of_commit in _changes_of_commit(some, contents, place).items():
            changes[pair] += _told(of_commit)
    return dict(changes)


def _changes_of_commit(
    touches: Iterable[_Touch], contents: Mapping[_Kind, _Content], place: Mapping[str, int]
) -> dict[ModelKey, list[FileChange]]:
    """What one commit did to each model's document."""
    changes: defaultdict[ModelKey, list[FileChange]] = defaultdict(list)
    made: CommitInfo | None = None
    for touch in touches:
        after = contents.get(_kind(touch.path, touch.after), _NOTHING)
        before = [contents.get(_kind(touch.path, entry), _NOTHING) for entry in touch.before]
        for pair in dict.fromkeys(pair for content in (after, *before) for pair in content.pairs):
            if not any(_is_same(pair, one, after) for one in before):
                made = made or touch.logged.commit_info
                is_gone, commit = pair not in after.pairs, touch.logged.commit
                changes[pair].append(FileChange(touch.path, made, is_gone, place[commit]))
    return changes


def _is_same(pair: ModelKey, before: _Content, after: _Content) -> bool:
    if before.number == after.number == 1 and pair in before.pairs and pair in after.pairs:
        return False
    return before.pairs.get(pair) == after.pairs.get(pair)


def _told(changes: list[FileChange]) -> list[FileChange]:
    """The changes of one commit, without the files that it moved the document out of."""
    return [change for change in changes if not change.deleted][:_PLACES] or changes[:1]


def _single(files: Iterable[ParsedFile], is_wanted: Callable[[ModelKey], bool]) -> dict[_Kind, _Content]:
    """What contents with one valid document say; which text it is tells nobody, and matters to nobody."""
    contents: dict[_Kind, _Content] = {}
    for parsed_file in files:
        if len(parsed_file.declarations) == 1 and not parsed_file.invalid:
            pair = parsed_file.declarations[0].pair
            pairs = {pair: (b"",)} if is_wanted(pair) else {}
            contents[is_json(parsed_file.path), parsed_file.blob] = _Content(1, pairs)
    return contents


def _contents(
    touches: Iterable[_Touch],
    source: Source,
    is_wanted: Callable[[ModelKey], bool],
    name: str | None,
    single: Mapping[_Kind, _Content],
) -> dict[_Kind, _Content]:
    """What every content says of the wanted pairs; of those that say nothing, nothing is kept."""
    paths: defaultdict[str, dict[bool, str]] = defaultdict(dict)
    for touch in touches:
        entries = [e for e in (*touch.before, touch.after) if e is not None and e.startswith(_FILE)]
        kinds = [_kind(touch.path, entry) for entry in entries]
        if not all(kind in single for kind in kinds):  # texts may have to be compared
            for is_of_json, blob in kinds:
                paths[blob][is_of_json] = touch.path
    contents = dict(single)
    for blob, data in source.contents(paths, at_most=LARGEST_FILE):
        if name is None or name.encode("utf-8", "surrogateescape") in data or b"\\" in data:
            for kind, path in paths[blob].items():
                content = _content(path, data, is_wanted)
                if content.pairs:
                    contents[kind, blob] = content
    return contents


def _content(path: str, data: bytes, is_wanted: Callable[[ModelKey], bool]) -> _Content:
    documents = sections(path, data)
    pairs: dict[ModelKey, tuple[bytes, ...]] = {}
    for document in documents:
        pair = claim(path, document.text)
        if pair is not None and is_wanted(pair):
            digest = blake2b(document.text, digest_size=16).digest()
            pairs[pair] = (*pairs.get(pair, ()), digest)
    return _Content(len(documents), pairs)


def _kind(path: str, entry: str | None) -> _Kind:
    return is_json(path), "" if entry is None else entry.partition(" ")[2]
