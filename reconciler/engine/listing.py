"""What a reader of the verdicts asks for, and gets: some of very many models, and numbers of all.

All verdicts are prepared so that a page of a hundred thousand models is searched and cut in milliseconds.
Kept is what is searched and ordered by; the rows of one page are read where they are stored. The table is
brought up to date by the rows that are new, and by those that it is told went or were written anew.
"""

from __future__ import annotations

from bisect import insort
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from enum import StrEnum
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from reconciler.contract.model_key import ModelKey, version_key
from reconciler.engine.trust import is_held_commit
from reconciler.engine.values import ModelState, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence


ATTENTION_ORDER = (
    Verdict.REFUSED,
    Verdict.INVALID,
    Verdict.CONFLICT,
    Verdict.FAILED,
    Verdict.DRIFTED,
    Verdict.MISSING,
    Verdict.WAITING,
    Verdict.PUBLISHING,
    Verdict.IMPORT,
    Verdict.UNMANAGED,
    Verdict.IN_SYNC,
)
"""What needs a human first, then what moves, then what rests."""

RANKS = {verdict: rank for rank, verdict in enumerate(ATTENTION_ORDER)}


class Sorting(StrEnum):
    """By what the models are ordered; models that are equal in it stand by name, version and target."""

    ATTENTION = "attention"
    NAME = "name"
    SINCE = "since"
    AUTHOR = "author"
    PATH = "path"


@dataclass(frozen=True, slots=True)
class ListingQuery:
    """Which models are listed.

    Attributes:
        text: words, each of which is in `name@version`, path, author, reasons, model id or commit, in
            whatever case; empty for all models.
        verdicts: only models with one of these; empty for all.
        descending: the first key of `sorting` the other way round.
        offset: so many models come before the first one that is listed.
    """

    text: str = ""
    verdicts: frozenset[Verdict] = frozenset()
    target: str = ""
    sorting: Sorting = Sorting.ATTENTION
    descending: bool = False
    offset: int = 0
    limit: int = 50


@dataclass(frozen=True, slots=True)
class Listing:
    """The models of one page.

    Attributes:
        items: in the order that was asked for.
        matching: how many models, or names and versions, there are on all pages.
        numbers: how many models match the text, by target and verdict, whatever target and verdict were
            asked for.
    """

    items: tuple[ModelState, ...] = ()
    matching: int = 0
    numbers: Mapping[tuple[str, Verdict], int] = field(default_factory=dict)

    def by_verdict(self, target: str) -> dict[Verdict, int]:
        """How many models of one target, or of all (`""`), have each verdict."""
        numbers = dict.fromkeys(ATTENTION_ORDER, 0)
        for (of, verdict), number in self.numbers.items():
            numbers[verdict] += number if target in ("", of) else 0
        return numbers


class MatrixRow(NamedTuple):
    """One name and version, in every target that knows it."""

    pair: ModelKey
    cells: Mapping[str, ModelState]


def matrix_rows(items: Iterable[ModelState]) -> tuple[MatrixRow, ...]:
    """The models by name and version, in the order in which these come; without those of no known pair.

    Of several models of one pair in one target the one that needs most attention is shown.
    """
    rows: dict[ModelKey, dict[str, ModelState]] = {}
    for item in items:
        if item.pair is not None:
            cells = rows.setdefault(item.pair, {})
            other = cells.get(item.target)
            if other is None or RANKS[item.verdict] < RANKS[other.verdict]:
                cells[item.target] = item
    return tuple(MatrixRow(pair, cells) for pair, cells in rows.items())


_MOST_WORDS = 8
_Group = tuple[str, Verdict]


class _Row(NamedTuple):
    """What is kept of one row; `group` is target and verdict, `place` the key of the usual order."""

    number: int
    group: _Group
    pair: ModelKey | None
    place: tuple[Any, ...]
    since: float
    author: str
    path: str
    text: str


_KEYS: Mapping[Sorting, Callable[[_Row], Any]] = {
    Sorting.ATTENTION: lambda row: RANKS[row.group[1]],
    Sorting.SINCE: attrgetter("since"),
    Sorting.AUTHOR: attrgetter("author"),
    Sorting.PATH: attrgetter("path"),
}


class Selected(NamedTuple):
    """What matches a query.

    Attributes:
        numbers: of the rows of the page that was asked for.
        matching: how many rows, or pairs, there are on all pages.
        groups: how many rows match the text, by target and verdict.
    """

    numbers: Sequence[int]
    matching: int
    groups: Mapping[_Group, int]


@dataclass(slots=True)
class VerdictTable:
    """Used by one thread at a time.

    Attributes:
        targets: whose rows it holds; those of others are left out.
        author: what is searched of an author.
        newest: it holds every row up to this number; SQLite gives greater ones again.
    """

    targets: frozenset[str]
    author: Callable[[str], str | None] = str
    newest: int = 0
    _rows: list[_Row] = field(default_factory=list)
    _ordered: dict[tuple[Sorting, bool], list[_Row]] = field(default_factory=dict)
    _groups: dict[_Group, _Group] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """How many rows it holds."""
        return len(self._rows)

    def add(self, rows: Iterable[tuple[int, ModelState]]) -> None:
        """Takes rows that it does not hold."""
        new = []
        for number, item in rows:
            self.newest = max(self.newest, number)
            if item.target in self.targets:
                new.append(self._row(number, item))
        if len(new) > len(self._rows) // 100:
            self._rows = sorted([*self._rows, *new], key=_place)
        else:
            for row in new:
                insort(self._rows, row, key=_place)
        self._ordered.clear()

    def remove(self, numbers: Collection[int]) -> None:
        """Drops these rows, as far as it holds them."""
        self._rows = [row for row in self._rows if row.number not in numbers]
        self.newest = max((row.number for row in self._rows), default=0)
        self._ordered.clear()

    def select(self, query: ListingQuery) -> Selected:
        """The rows of one page, and how many there are."""
        matching, groups = self._matching(query)
        shown = matching[query.offset : query.offset + query.limit]
        return Selected([row.number for row in shown], len(matching), groups)

    def select_pairs(self, query: ListingQuery) -> Selected:
        """The rows of the names and versions of one page: all rows of those of which one matches."""
        matching, groups = self._matching(query)
        pairs = list(dict.fromkeys(row.pair for row in matching if row.pair is not None))
        shown = {pair: n for n, pair in enumerate(pairs[query.offset : query.offset + query.limit])}
        rows: defaultdict[int, list[int]] = defaultdict(list)
        for row in self._rows:
            if row.pair in shown:
                rows[shown[row.pair]].append(row.number)
        return Selected([number for n in sorted(rows) for number in rows[n]], len(pairs), groups)

    def _matching(self, query: ListingQuery) -> tuple[list[_Row], Mapping[_Group, int]]:
        rows = self._in_order(query.sorting, descending=query.descending)
        for word in query.text.casefold().split()[:_MOST_WORDS]:
            rows = [row for row in rows if word in row.text]
        groups = Counter(map(attrgetter("group"), rows))
        verdicts = {
            group
            for group in groups
            if query.target in ("", group[0]) and (not query.verdicts or group[1] in query.verdicts)
        }
        if len(verdicts) < len(groups):
            rows = [row for row in rows if row.group in verdicts]
        return rows, groups

    def _in_order(self, sorting: Sorting, *, descending: bool) -> list[_Row]:
        ordered = self._ordered.get((sorting, descending))
        if ordered is None:
            key = _KEYS.get(sorting, _place)
            ordered = sorted(self._rows, key=key, reverse=descending)
            self._ordered[sorting, descending] = ordered
        return ordered

    def _row(self, number: int, item: ModelState) -> _Row:
        group = self._groups.setdefault((item.target, item.verdict), (item.target, item.verdict))
        author, path = (self.author(item.author or "") or "").casefold(), item.path or ""
        shown = self.author if is_held_commit(item) else str  # its words name people
        reasons = [f"{reason.code} {shown(reason.message)}" for reason in item.reasons]
        words = (item.title, path, author, item.model_id or "", item.commit or "", *reasons)
        return _Row(
            number,
            group,
            item.pair,
            (item.model_name or "", version_key(item.model_version or ""), item.target, path, number),
            item.since.timestamp() if item.since else 0.0,
            author,
            path,
            "\n".join(words).casefold(),
        )


_place = attrgetter("place")
