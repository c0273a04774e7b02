"""The journal as one sequence, of which the older part lies in compressed chunks.

A chunk is zlib-compressed JSON lines: the names of the columns, then a list of their values for each event,
as the journal held them. What is archived is read as before, only not as quickly. Beside the body, in
the column `sketch`, lies a Bloom filter of the names, versions, commits and model ids in it: a chunk that
cannot answer a question is not unpacked.
"""

from __future__ import annotations

import json
import zlib
from contextlib import closing
from hashlib import blake2b
from heapq import heapify, heappop, heappush
from struct import unpack
from typing import TYPE_CHECKING, Any

from reconciler.state.errors import UnreadableState
from reconciler.state.rows import EVENT_COLUMNS, stored

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Generator, Iterator, Mapping, Sequence

    Ask = Callable[[str, Mapping[str, Any]], Generator[tuple[Any, ...]]]
    """Asks a database, by whichever library: SQL that names its values as `:name`, to rows.

    They are read some at a time, and closed after use.
    """

CHUNK = 1000
"""So many events a chunk holds at most."""

COLUMNS = ("seq", *EVENT_COLUMNS)
_LATER = frozenset({"actor", "epoch", "stage"})
"""Columns that a chunk of an earlier version does not have: no chunk is ever written again."""
_FILTERED = (("model_name",), ("model_name", "model_version"), ("commit",), ("model_id",))
"""What is asked for together with a target: the keys of a chunk's Bloom filter are made of these columns."""
ALL_COLUMNS = ", ".join(f'"{name}"' for name in COLUMNS)

Row = tuple[Any, ...]
"""An event's `seq`, and its values in the order of `EVENT_COLUMNS`."""


def rows(ask: Ask, *, after: int = 0, **asked: str | None) -> Generator[Row]:
    """Every event of the journal after a number, or those with these values, in the order they were written.

    `asked` is by column: `target`, `model_name`, `model_version`, `commit`, `model_id`; None takes all.

    They are read some at a time; close the iterator.

    Raises:
        UnreadableState: a chunk, or the order, is not what `compact` leaves behind.
    """
    given = {column: value for column, value in asked.items() if value is not None}
    as_stored = dict(zip(given, stored(tuple(given.values())), strict=True))
    before = 0
    recent = _recent(ask, as_stored, after)
    with closing(_in_order([(0, recent), *_archived(ask, as_stored, after)])) as ordered:
        for row in ordered:
            if row[0] <= before:
                raise UnreadableState(f"line {row[0]} of the journal, which is there twice,")
            before = row[0]
            if before > after:
                yield row


def archived_rows(ask: Ask, target: str) -> Generator[Row]:
    """Every archived event of a target, chunk after chunk, in no order.

    Raises:
        UnreadableState: a chunk is not what `compact` leaves behind.
    """
    as_stored = {"target": stored((target,))[0]}
    for _, chunk in _archived(ask, as_stored):
        yield from chunk


def _recent(ask: Ask, asked: Mapping[str, str], after: int) -> Generator[Row]:
    """The rows that were not archived."""
    same = "".join(f' AND "{name}" = :{name}' for name in asked)
    query = f"SELECT {ALL_COLUMNS} FROM journal WHERE seq > :after{same} ORDER BY seq"  # noqa: S608 - our names
    with closing(ask(query, {"after": after, **asked})) as rows:
        yield from rows


def _archived(ask: Ask, asked: dict[str, str], after: int = 0) -> Iterator[tuple[int, Generator[Row]]]:
    """The chunks that may hold something of it, each with the number it begins with."""
    keys = list(keys_of(asked))
    column = ", sketch" if keys else ""
    query = f"SELECT first, targets{column} FROM archive WHERE last > :after"  # noqa: S608 - our names
    for first, targets, *filters in list(ask(query, {"after": after})):
        if "target" in asked and asked["target"] not in json.loads(targets):
            continue
        if all(bits is None or may_hold(bits, key) for bits in filters for key in keys):
            yield first, _unpacked(ask, first, asked)


def keys_of(values: Mapping[str, Any]) -> Iterator[str]:
    """The keys that the filter of a chunk with such an event holds; of a question, those it has to hold."""
    for group in _FILTERED:
        parts = [values.get(column) for column in ("target", *group)]
        if None not in parts:
            yield "\0".join(["+".join(group), *map(str, parts)])


def _unpacked(ask: Ask, first: int, asked: dict[str, str]) -> Generator[Row]:
    """The rows of one chunk; it is read when the first of them is asked for."""
    ((last, body),) = ask("SELECT last, body FROM archive WHERE first = :first", {"first": first})
    try:
        head, *lines = zlib.decompress(body).split(b"\n")
        places = _places(json.loads(head))
        _ensure_range(first, last, [json.loads(line)[places[0]] for line in (lines[0], lines[-1])])
        chunk = [
            tuple(values[place] if place < len(values) else None for place in places)
            for values in map(json.loads, _near(lines, asked))
        ]
    except (AttributeError, IndexError, TypeError, ValueError, zlib.error) as error:
        raise UnreadableState(f"the archive's chunk {first}") from error
    tests = [(COLUMNS.index(name), value) for name, value in asked.items()]
    for row in chunk:
        if all(row[place] == value for place, value in tests):
            yield row


def _places(head: list[str]) -> list[int]:
    """Where a chunk has each of our columns: beyond its end what came after the chunk was made.

    Raises ValueError when it lacks one of those that every version had.
    """
    return [len(head) if name in _LATER and name not in head else head.index(name) for name in COLUMNS]


def _ensure_range(first: int, last: int, numbers: list[int]) -> None:
    """Raises ValueError when a chunk's first and last event have other numbers than these."""
    if numbers != [first, last]:
        raise ValueError(f"events {numbers} where {first} to {last} should be")


def _near(lines: list[bytes], asked: dict[str, str]) -> list[bytes]:
    """The lines that contain every value asked for: parsing all lines takes ten times as long."""
    for value in asked.values():
        encoded = json.dumps(value).encode("ascii")
        lines = [line for line in lines if encoded in line]
    return lines


def _in_order(streams: Sequence[tuple[int, Generator[Row]]]) -> Generator[Row]:
    """The rows of several streams by number; each stream comes with one that is no greater than its first.

    A stream is begun when its turn comes, so that few chunks are in memory together. All are closed at the
    end, before what they read from is.
    """
    waiting: list[tuple[int, int, Row | None]] = [
        (first, place, None) for place, (first, _) in enumerate(streams)
    ]
    heapify(waiting)
    try:
        while waiting:
            _, place, row = heappop(waiting)
            if row is not None:
                yield row
            following = next(streams[place][1], None)
            if following is not None:
                heappush(waiting, (following[0], place, following))
    finally:
        for _, stream in streams:
            stream.close()


# --- a Bloom filter: says of a set of texts what is certainly not in it, in two bytes a text ---------------

_BITS_A_KEY = 16  # with four bits set a key, one in 400 that are not there is taken for one that may be


def bloom_filter(keys: Collection[str]) -> bytes:
    """The filter of these keys; never empty."""
    size = max(64, len(keys) * _BITS_A_KEY // 8)
    bits = bytearray(size)
    for key in keys:
        for place in _bits(key, size):
            bits[place // 8] |= 1 << place % 8
    return bytes(bits)


def may_hold(bits: bytes, key: str) -> bool:
    """False only when the key was certainly not among those that the filter was made of."""
    return all(bits[place // 8] >> place % 8 & 1 for place in _bits(key, len(bits)))


def _bits(key: str, size: int) -> Iterator[int]:
    digest = blake2b(key.encode("utf-8", "surrogatepass"), digest_size=16).digest()
    return (number % (size * 8) for number in unpack("<4I", digest))
