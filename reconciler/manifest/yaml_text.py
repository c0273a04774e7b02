"""YAML text to documents: PyYAML's event layer, which does not recurse, drives the builder.

Nothing is constructed by PyYAML. Anchors, aliases, tags, merge keys and directives are refused, because each
of them lets a manifest mean something other than what stands in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml
from yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from reconciler.manifest.text import Text, UnreadableFile, shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.manifest.nodes import Builder

LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The parser: libyaml where PyYAML was built with it, else the slower one in Python."""


def read_yaml(text: Text, builder: Builder, loader: Any = LOADER) -> None:  # noqa: ANN401 - yaml's classes
    """Pushes all documents of a YAML text into `builder`.

    Raises:
        UnreadableFile: not YAML, or over a limit; `builder` holds what came before.
    """
    try:
        for event in yaml.parse(text.characters, Loader=loader):
            take, mark = _TAKE.get(type(event)), event.start_mark
            if take is not None and mark is not None:
                if isinstance(event, _WITH_PROPERTIES):
                    _refuse_properties(builder, event, mark.index)
                take(builder, event, mark.index)
    except yaml.MarkedYAMLError as error:
        raise _not_yaml(error, text) from None
    except yaml.YAMLError as error:
        raise UnreadableFile("syntax", f"not YAML: {shown(str(error))}") from None


def _not_yaml(error: yaml.MarkedYAMLError, text: Text) -> UnreadableFile:
    mark = error.problem_mark or error.context_mark
    index = min(mark.index, len(text.characters)) if mark else 0
    problem = error.problem or error.context or "it cannot be parsed"
    message = f"not YAML: {problem}"
    begin = error.context_mark.index if error.context and error.context_mark else index
    if problem.startswith(_SAID_TOO_LATE):
        index = begin
    elif begin != index:
        line, column = text.place(begin)
        message += f", {error.context} that begins at {line}:{column}"
    hint = _hint(problem, text.characters[index : index + 1])
    return UnreadableFile("syntax", message + hint, index)


def _hint(problem: str, character: str) -> str:
    """What to do about one of the parser's complaints, as `; …`, or nothing."""
    if "cannot start any token" in problem:
        if character == "\t":
            return "; a tab cannot indent, use spaces"
        return f"; put text that begins with {character} in quotes" if character else ""
    return next((f"; {hint}" for words, hint in _HINTS.items() if words in problem), "")


_SAID_TOO_LATE = ("found unexpected end of stream", "could not find expected ':'")
"""Complaints that make sense where the thing begins, not where the parser gave up."""

_HINTS = {
    "mapping values are not allowed": "put a value that holds ': ' in quotes, or correct the indentation",
    "could not find expected ':'": "every line of a mapping is `key: value`",
    "did not find expected key": "the line is indented unlike its neighbours, or a quote is missing",
    "did not find expected '-' indicator": "every item of this list begins with `- ` in the same column",
    "did not find expected ',' or": "a comma or the closing bracket is missing",
    "found a tab character": "indent with spaces",
    "unexpected end of stream": "a closing quote is missing",
    "unknown escape character": "write a backslash twice, or use single quotes",
    "undefined tag handle": "tags are refused",
    "did not find expected <document start>": "text goes on after a value; quote the whole value",
    "did not find expected node content": "a value is missing, or needs quotes",
}


def _begin_document(builder: Builder, event: DocumentStartEvent, index: int) -> None:
    builder.begin_document(index)
    if event.version or event.tags:
        builder.issue("directive", "directives (%YAML, %TAG) are refused; remove the line", index)


def _refuse_properties(
    builder: Builder, event: ScalarEvent | MappingStartEvent | SequenceStartEvent, index: int
) -> None:
    if event.anchor is not None:
        builder.issue("anchor", f"anchors (&{event.anchor[:40]}) are refused; remove it", index)
    if event.tag is not None:
        message = (
            f"tags ({shown(event.tag)}) are refused; remove it, and put text that must stay text in quotes"
        )
        builder.issue("tag", message, index)


_WITH_PROPERTIES = (ScalarEvent, MappingStartEvent, SequenceStartEvent)

_TAKE: dict[type, Callable[[Builder, Any, int], None]] = {
    DocumentStartEvent: _begin_document,
    DocumentEndEvent: lambda builder, _event, _index: builder.end_document(),
    ScalarEvent: lambda builder, event, index: builder.scalar(event.value, index, plain=not event.style),
    AliasEvent: lambda builder, _event, index: builder.alias(index),
    MappingStartEvent: lambda builder, _event, index: builder.begin({}, index),
    MappingEndEvent: lambda builder, _event, _index: builder.end(),
    SequenceStartEvent: lambda builder, _event, index: builder.begin([], index),
    SequenceEndEvent: lambda builder, _event, _index: builder.end(),
}
