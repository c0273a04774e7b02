"""What a reader of the verdicts asks for, and gets: some of very many models, and numbers of all."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from reconciler.engine.values import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reconciler.contract.model_key import ModelKey
    from reconciler.engine.values import ModelState

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
        numbers: how many models match the text, by target and verdict, whatever target and verdict were
            asked for.
    """

    items: tuple[ModelState, ...] = ()
    numbers: Mapping[tuple[str, Verdict], int] = field(default_factory=dict)

    def by_verdict(self, target: str = "") -> dict[Verdict, int]:
        """How many models of one target, or of all, have each verdict."""
        numbers = dict.fromkeys(ATTENTION_ORDER, 0)
        for (of, verdict), number in self.numbers.items():
            numbers[verdict] += number if target in ("", of) else 0
        return numbers

    def matching(self, query: ListingQuery) -> int:
        """How many models there are on all pages of this query."""
        numbers = self.by_verdict(query.target)
        return sum(numbers[verdict] for verdict in query.verdicts or numbers)


class MatrixRow(NamedTuple):
    """One name and version, in every target that knows it."""

    pair: ModelKey
    cells: Mapping[str, ModelState]


@dataclass(frozen=True, slots=True)
class Matrix:
    """Names and versions of one page.

    Attributes:
        rows: those of which a model matches, with all of their models.
        matching: how many there are on all pages.
        numbers: as in `Listing`.
    """

    rows: tuple[MatrixRow, ...] = ()
    matching: int = 0
    numbers: Mapping[tuple[str, Verdict], int] = field(default_factory=dict)


def by_pair(items: Iterable[ModelState]) -> tuple[MatrixRow, ...]:
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
