"""Which commits changed the document that declares a model: every one, in whichever file it stood.

A commit is told of when the documents that name the pair differ from those of every parent. Of a file with
one document any change counts, as git counts it; of one with several, what was done to a neighbour does not.
"""

from __future__ import annotations

from collections import defaultdict
from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple

from reconciler.engine.values import FileChange
from reconciler.manifest import is_manifest
from reconciler.manifest.limits import LARGEST_FILE
from reconciler.manifest.sections import claim, is_json, sections

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from reconciler.contract.pair import Pair
    from reconciler.engine.graph import CommitGraph, Logged
    from reconciler.engine.ports import Source

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
    pairs: Mapping[Pair, tuple[bytes, ...]]


_NOTHING = _Content(0, {})


def model_changes(
    graph: CommitGraph, source: Source, root: str, name: str | None = None, version: str | None = None
) -> dict[Pair, Sequence[FileChange]]:
    """What the commits did to each model's document, in the order of the log.

    Args:
        graph: whole, with what is below `root`.
        source: gives the bytes of every content that the files ever had.
        root: the target's directory.
        name: one model; None takes all.
        version: one version of it; None takes all.

    Raises:
        SourceError: git could not be read.
    """
    touches = [
        _Touch(logged, delta.path, before, delta.after)
        for logged in graph
        for delta, before in graph.changed(logged)
        if is_manifest(delta.path, root)
    ]

    def is_wanted(pair: Pair) -> bool:
        return name in (None, pair.model_name) and version in (None, pair.model_version)

    contents = _contents(touches, source, is_wanted, name)
    found: defaultdict[Pair, dict[str, list[FileChange]]] = defaultdict(lambda: defaultdict(list))
    for touch in touches:
        after = contents.get(_kind(touch.path, touch.after), _NOTHING)
        before = [contents.get(_kind(touch.path, entry), _NOTHING) for entry in touch.before]
        for pair in dict.fromkeys(pair for content in (after, *before) for pair in content.pairs):
            if not any(_is_same(pair, one, after) for one in before):
                change = FileChange(touch.path, touch.logged.attribution, pair not in after.pairs)
                found[pair][touch.logged.commit].append(change)
    return {pair: list(_told(commits.values())) for pair, commits in found.items()}


def _is_same(pair: Pair, before: _Content, after: _Content) -> bool:
    if before.number == after.number == 1 and pair in before.pairs and pair in after.pairs:
        return False
    return before.pairs.get(pair) == after.pairs.get(pair)


def _told(commits: Iterable[list[FileChange]]) -> Iterator[FileChange]:
    """The changes of each commit, without the files that it moved the document out of."""
    for changes in commits:
        yield from [change for change in changes if not change.deleted][:_PLACES] or changes[:1]


def _contents(
    touches: Iterable[_Touch], source: Source, is_wanted: Callable[[Pair], bool], name: str | None
) -> dict[_Kind, _Content]:
    """What every content says of the wanted pairs; of those that say nothing, nothing is kept."""
    paths: defaultdict[str, dict[bool, str]] = defaultdict(dict)
    for touch in touches:
        for entry in (*touch.before, touch.after):
            if entry is not None and entry.startswith(_FILE):
                kind, blob = _kind(touch.path, entry)
                paths[blob][kind] = touch.path
    found: dict[_Kind, _Content] = {}
    for blob, data in source.contents(paths, at_most=LARGEST_FILE):
        if name is None or name.encode("utf-8", "surrogateescape") in data or b"\\" in data:
            for kind, path in paths[blob].items():
                content = _content(path, data, is_wanted)
                if content.pairs:
                    found[kind, blob] = content
    return found


def _content(path: str, data: bytes, is_wanted: Callable[[Pair], bool]) -> _Content:
    documents = sections(path, data)
    pairs: dict[Pair, tuple[bytes, ...]] = {}
    for document in documents:
        pair = claim(path, document.text)
        if pair is not None and is_wanted(pair):
            digest = blake2b(document.text, digest_size=16).digest()
            pairs[pair] = (*pairs.get(pair, ()), digest)
    return _Content(len(documents), pairs)


def _kind(path: str, entry: str | None) -> _Kind:
    return is_json(path), "" if entry is None else entry.partition(" ")[2]
