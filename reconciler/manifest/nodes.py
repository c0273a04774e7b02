"""Builds documents from what a parser reads: values, where each stands, and what is wrong with their shape.

The parsers push, and nothing here recurses, so a hostile file costs no stack. Unquoted scalars stay text
(`UnquotedScalar`); only null, true and false are words. A flaw in the shape is noted and reading goes on, so
that all flaws of a document are told at once; a limit ends the file.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from reconciler.contract.json_values import UnquotedScalar
from reconciler.manifest.text import Issue, UnreadableFile, shown, unusable_escape

if TYPE_CHECKING:
    from reconciler.contract.problem import Loc

DEEPEST = 32
"""Mappings and lists inside each other; the document itself is the first."""

MOST_NODES = 20_000
"""Keys, values, mappings and lists of one file together."""

MOST_DOCUMENTS = 100
"""YAML documents of one file, empty ones included."""

DUPLICATE_KEY = "duplicate-key"

WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
"""What stands for something else than itself when it is written without quotes."""

_TEMPLATE = "if this is a template such as {{ name }}, fill it in before committing"


class _Next(Enum):
    """What the next node of an open mapping or list is, where that is not the value of a key."""

    ITEM = "an item of a list"
    KEY = "a key"
    DROPPED = "the value of a key that could not be used: read and forgotten"


_ITEM, _KEY, _DROPPED = _Next  # an enumeration is slow to be asked for a member


class Container:
    """A mapping or list, and where it and all that it holds stand; a scalar's place is its index alone."""

    __slots__ = ("awaits", "keys", "members", "start", "value")

    def __init__(self, value: dict[str, Any] | list[Any], start: int) -> None:
        self.value = value
        self.start = start
        self.awaits: _Next | str = _KEY if isinstance(value, dict) else _ITEM
        self.keys: dict[str, int] = {}
        self.members: dict[str | int, int | Container] = {}


@dataclass(frozen=True, slots=True)
class Document:
    """One document as read.

    Attributes:
        value: dict, list, `str`, `UnquotedScalar`, bool or None.
        place: index where the value begins, or the places of all it holds.
        flaws: what is wrong with its shape, in the order of reading.
    """

    value: Any
    place: int | Container
    flaws: tuple[Issue, ...] = ()

    def index(self, loc: Loc = (), *, key: bool = False) -> int:
        """The index of the place at `loc`, or of the deepest part of `loc` that the document has.

        `key` says whether the key is meant, and not its value.
        """
        place, index = self.place, _start(self.place)
        for step in loc:
            if not isinstance(place, Container) or step not in place.members:
                break
            keys, place = place.keys, place.members[step]
            index = keys[step] if key and isinstance(step, str) else _start(place)
        return index


def _start(place: int | Container) -> int:
    return place.start if isinstance(place, Container) else place


class Builder:
    """Takes what a parser reads, node by node; `documents` are those that are complete."""

    def __init__(self) -> None:
        self.documents: list[Document] = []
        self._open: list[Container] = []
        self._document: tuple[Any, int | Container] = (None, 0)
        self._flaws: list[Issue] = []
        self._nodes = 0

    @property
    def unfinished(self) -> Any:  # noqa: ANN401 - as free as a document's value
        """What has been read of the document that is not complete, or None."""
        value, place = self._document
        return value if isinstance(place, Container) else None

    def begin_document(self, index: int) -> None:
        """A document begins."""
        if len(self.documents) == MOST_DOCUMENTS:
            raise UnreadableFile(
                "too-many-documents", f"a file holds at most {MOST_DOCUMENTS} documents", index
            )

    def end_document(self) -> None:
        """The document that was begun is complete."""
        self.documents.append(Document(*self._document, tuple(self._flaws)))
        self._document, self._flaws = (None, 0), []

    def scalar(self, text: str, index: int, *, plain: bool) -> None:
        """A key or a value; `plain` when it was written without quotes."""
        self._count(index)
        if not plain and (fault := unusable_escape(text)) is not None:
            self.issue("control-character", fault, index)
        if self._open and self._open[-1].awaits is _KEY:
            self._key(text, index, plain=plain)
        elif plain:
            self._attach(WORDS[text] if text in WORDS else UnquotedScalar(text), index)
        else:
            self._attach(text, index)

    def begin(self, value: dict[str, Any] | list[Any], index: int) -> None:
        """A mapping or list begins; `value` is an empty one."""
        self._count(index)
        if len(self._open) == DEEPEST:
            raise too_deep(index)
        container = Container(value, index)
        if self._open and self._open[-1].awaits is _KEY:
            kind = "mapping" if isinstance(value, dict) else "list"
            self._refuse_key("key-not-text", f"a key must be text, not a {kind}; {_TEMPLATE}", index)
        else:
            self._attach(value, container)
        self._open.append(container)

    def end(self) -> None:
        """The mapping or list that was begun last is complete."""
        self._open.pop()

    def alias(self, index: int) -> None:
        """A reference to another node, which is refused: a node stands where it is written."""
        self._count(index)
        message = "aliases (*name) are refused; write the value out"
        if self._open and self._open[-1].awaits is _KEY:
            self._refuse_key("alias", message, index)
        else:
            self.issue("alias", message, index)
            self._attach(None, index)

    def issue(self, code: str, message: str, index: int, first: int | None = None) -> None:
        """Something is wrong with the document's shape."""
        self._flaws.append(Issue(code, message, index, first))

    def _count(self, index: int) -> None:
        self._nodes += 1
        if self._nodes > MOST_NODES:
            message = f"the file holds more than {MOST_NODES:,} keys and values; make it smaller"
            raise UnreadableFile("too-many-nodes", message, index)

    def _key(self, text: str, index: int, *, plain: bool) -> None:
        mapping = self._open[-1]
        if plain and text == "<<":
            self._refuse_key("merge-key", "merge keys (<<) are refused; write the fields out", index)
        elif plain and not text:
            self._refuse_key("empty-key", "there is no key before this ':'; write one", index)
        elif text in mapping.keys:
            message = f"{shown(text)} is given twice"
            self._refuse_key(DUPLICATE_KEY, message, index, mapping.keys[text])
        else:
            mapping.awaits = text
            mapping.keys[text] = index

    def _refuse_key(self, code: str, message: str, index: int, first: int | None = None) -> None:
        self.issue(code, message, index, first)
        self._open[-1].awaits = _DROPPED

    def _attach(self, value: Any, place: int | Container) -> None:  # noqa: ANN401 - as free as YAML
        if not self._open:
            self._document = (value, place)
            return
        outer = self._open[-1]
        key = outer.awaits
        if isinstance(outer.value, list):
            outer.members[len(outer.value)] = place
            outer.value.append(value)
            return
        outer.awaits = _KEY
        if isinstance(key, str):
            outer.members[key] = place
            outer.value[key] = value


def too_deep(index: int) -> UnreadableFile:
    """The error for a mapping or list at `index` that is one level too deep."""
    return UnreadableFile("too-deep", f"this is nested deeper than {DEEPEST} levels; make it flatter", index)
