"""One file: decode, parse, interpret every document."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.manifest.document import accept, claimed, interpret
from reconciler.manifest.fast_parser import NotSimple, read_quickly
from reconciler.manifest.json_text import read_json
from reconciler.manifest.nodes import Builder, Document
from reconciler.manifest.text import (
    Issue,
    Text,
    UnreadableFile,
    conflict_or,
    decode,
    decode_leniently,
)
from reconciler.manifest.values import (
    InvalidManifest,
    Manifest,
    ReasonLimits,
    reasons_of,
    trimmed,
    with_reasons,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from reconciler.contract import Edition

_EMPTY = Issue("empty-file", "the file declares nothing: it is empty, or has only comments; write a manifest")


def read(
    path: str,
    data: bytes,
    rules: Edition,
    sibling: Callable[[str], bytes | None],
    limits: ReasonLimits = ReasonLimits(),  # noqa: B008 - a constant
) -> tuple[Manifest | InvalidManifest, ...]:
    """What a manifest file declares: one result for each of its documents, at least one in all.

    Documents without content are skipped. A file that is empty, cannot be parsed or is over a limit is one
    InvalidManifest at line 1. Never raises for what is in the file, but what `sibling` raises.

    Args:
        path: the file's path inside the repository; `.json` in any case is read as JSON, all else as YAML.
        data: the file's bytes.
        rules: the edition that judges.
        sibling: the bytes of a file of the same commit by its path inside the repository, or None where
            there is no such file; asked only for an `initial_config_file`.
        limits: how much is told of what is wrong with it.
    """
    return tuple(_trimmed(_results(path, data, rules, sibling), limits))


def _trimmed(
    results: Iterable[Manifest | InvalidManifest], limits: ReasonLimits
) -> Iterator[Manifest | InvalidManifest]:
    left = limits.problems
    for result in results:
        reasons = reasons_of(result)
        yield with_reasons(result, trimmed(reasons, left, limits.longest)) if reasons else result
        left = max(left - len(reasons), 0)


def _results(
    path: str, data: bytes, rules: Edition, sibling: Callable[[str], bytes | None]
) -> tuple[Manifest | InvalidManifest, ...]:
    """The same with every problem."""
    text, builder = None, Builder()
    try:
        text = decode(data, path, json=is_json(path))
        manifests = _quickly(text, rules)
        if manifests is not None:
            return manifests
        parser(path)(text, builder)
    except UnreadableFile as error:
        issue = conflict_or(error.issue, text)
        return (_unreadable(text or decode_leniently(data, path), issue, builder),)
    written = [document for document in builder.documents if document.value is not None or document.flaws]
    broken = _EMPTY if not written else _conflict(text, written)
    if broken is not None:
        return (_unreadable(text, broken, builder),)
    return tuple(interpret(text, document, rules, sibling) for document in written)


def _quickly(text: Text, rules: Edition) -> tuple[Manifest, ...] | None:
    """The manifests of a file in which there is nothing to tell of and nothing unusual, else None."""
    try:
        written = read_quickly(text.characters, is_json=is_json(text.path))
        return tuple(accept(text.path, line, value, rules) for value, line in written)
    except NotSimple:
        return None


def _conflict(text: Text, documents: list[Document]) -> Issue | None:
    """Conflict markers that happen to be YAML, such as one that is a whole document, or None."""
    if all(isinstance(document.value, dict) and not document.flaws for document in documents):
        return None
    issue = conflict_or(_EMPTY, text)
    return None if issue is _EMPTY else issue


def is_json(path: str) -> bool:
    """Whether a file of this name is read as JSON."""
    return path.lower().endswith(".json")


def parser(path: str) -> Callable[[Text, Builder], None]:
    """What pushes the documents of a text into a builder. It raises UnreadableFile."""
    if is_json(path):
        return read_json
    from reconciler.manifest.yaml_text import read_yaml  # noqa: PLC0415 - with PyYAML, which few files need

    return read_yaml


def _unreadable(text: Text, issue: Issue, builder: Builder) -> InvalidManifest:
    """The whole file as one result; it bears a name when the file is about one model, as far as read."""
    name, version = (None, None) if builder.documents else claimed(builder.unfinished)
    return InvalidManifest(text.path, 1, (text.reason_of(issue),), name, version)
