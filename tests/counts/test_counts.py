"""A tick costs what changed, and not what there is: the same with ten manifests and with thousands.

In the usual run with twelve hundred, and with ten thousand in `make thorough`.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
import structlog

from tests.counts.ticks import Counts, every_kind, served
from tests.effort import THOROUGH

if TYPE_CHECKING:
    from collections.abc import Mapping

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(1200),  # the first of them waits for all kinds of ticks
]

_FEW, _MANY = 10, 10_000 if THOROUGH else 1_200
_PAGES = _MANY // 1000 + 2  # with one model more than thousands, and the empty page that ends the list
_AT_A_TIME = 200  # models compared in one cycle that could as well be compared later
_MARKS_MORE = 8  # rows
_STEPS_OF_A_COUNT = 7 * _MANY // 100  # hundreds
_STEPS_ASIDE = 20  # hundreds
_STATEMENTS = 3  # of one question

Kinds = dict[int, dict[str, Counts]]


@pytest.fixture(scope="session")
def kinds(tmp_path_factory: pytest.TempPathFactory) -> Kinds:
    """What every kind of tick did, by the number of manifests."""

    async def counted(models: int) -> dict[str, Counts]:
        async with served(tmp_path_factory.mktemp("counts"), models) as site:
            return await every_kind(site)

    with structlog.testing.capture_logs():
        return {models: asyncio.run(counted(models)) for models in (_FEW, _MANY)}


def test_a_tick_with_nothing_to_do_does_nothing(kinds: Kinds) -> None:
    """No process, request, parse or write: after a change, and with something broken too."""
    for models in (_FEW, _MANY):
        quiet = {what for what in kinds[models] if what.startswith("nothing moved")}
        assert len(quiet) == 4
        assert {what for what in quiet if kinds[models][what] != Counts(0)} == set()


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        ("added", Counts(4, {"list": 1, "import": 1}, parsed=1, written=3, indexed=1)),
        ("comment edited", Counts(4, {"detail": 1}, parsed=1, written=1, indexed=1)),
        ("content edited", Counts(4, {"detail": 1, "list": 1}, parsed=1, written=2, indexed=1)),
        ("content as it was", Counts(4, {"detail": 1}, parsed=1, written=2, indexed=1)),
        ("renamed", Counts(4, {"detail": 1}, parsed=1, written=1, indexed=1)),
        ("deleted", Counts(2, {"list": 1}, parsed=0, written=1, indexed=1)),
        ("a file of no concern", Counts(2, {}, parsed=0, written=1, indexed=1)),
        ("first tick, an import unfinished", Counts(2, {"detail": 1}, parsed=0, written=2)),
    ],
)
def test_a_change_costs_the_same_with_few_and_with_many_manifests(
    kinds: Kinds, what: str, expected: Counts
) -> None:
    """An import is found absent, intended, sent and journalled; what is known is asked for by its id.

    Of what drifted, the registry is asked whether the version that is advised is free.

    Who is credited is known from the log of what is new; only where a file may have held several documents is
    its older content measured and read.
    """
    assert kinds[_FEW][what] == kinds[_MANY][what] == expected


@pytest.mark.parametrize(
    ("what", "rows", "counts"),
    [
        ("added", 85, 1),
        ("comment edited", 87, 1),
        ("content edited", 120, 1),
        ("content as it was", 89, 1),
        ("renamed", 88, 1),
        ("deleted", 87, 1),
        ("a file of no concern", 82, 1),
        ("first tick, an import unfinished", 88, 2),
    ],
)
def test_a_change_reads_as_many_rows_with_few_and_with_many_manifests(
    kinds: Kinds, what: str, rows: int, counts: int
) -> None:
    """Of the state and of the index together.

    Many are remembered with one mark more, which is among those that are read in each transaction. What is
    gone through beside the rows that are read is the count of all verdicts, once a cycle, and once more where
    an import is followed.
    """
    few, many = kinds[_FEW][what], kinds[_MANY][what]
    assert (few.rows, many.rows) == (rows, rows + _MARKS_MORE)
    assert abs(many.steps - few.steps - counts * _STEPS_OF_A_COUNT) <= _STEPS_ASIDE


def test_a_tick_with_nothing_to_do_reads_the_position_of_the_journal(kinds: Kinds) -> None:
    """One row, and hardly a step: each statement of it may fill a hundred that was begun in earlier ticks."""
    for models in (_FEW, _MANY):
        quiet = [counts for what, counts in kinds[models].items() if what.startswith("nothing moved")]
        assert {counts.rows for counts in quiet if counts.parsed is not None} == {1}
        assert max(counts.steps for counts in quiet) <= _STATEMENTS


def test_a_commit_that_moves_everything_reads_no_manifest_and_no_log_but_its_own(kinds: Kinds) -> None:
    """What each file says is known by its content, and who moved it by the one commit that did.

    Few are compared, for which they are read; of many as many as can be compared at a time.
    """
    few, many = kinds[_FEW]["all moved"], kinds[_MANY]["all moved"]
    assert (few.git, few.written, few.indexed) == (4, 1, 1)
    assert (many.git, many.parsed, many.written, many.indexed) == (5, 0, 2, 1)


@pytest.mark.parametrize("what", ["broken", "mended"])
def test_a_file_that_begins_or_ceases_to_hide_models_costs_one_look_at_all(kinds: Kinds, what: str) -> None:
    """Which registered models are declared nowhere is decided anew: one look, and no file is read again.

    Two processes tell, for the history that is kept, which models the broken file may name.
    """
    few, many = kinds[_FEW][what], kinds[_MANY][what]
    assert {(one.git, one.parsed, one.written, one.indexed) for one in (few, many)} == {(8, 1, 1, 1)}
    assert sum(few.asked.values()) == 1
    assert many.asked["list"] <= _PAGES


def test_a_new_process_that_finds_nothing_moved_does_nothing(kinds: Kinds) -> None:
    """With few models, which are judged together each time, it looks at their one page of the list."""
    assert kinds[_MANY]["apply, nothing moved"] == Counts(0, {}, parsed=None)
    assert kinds[_FEW]["apply, nothing moved"] == Counts(0, {"list": 1}, parsed=None)


def test_a_new_process_imports_one_more_model_by_as_many_steps_as_the_loop(kinds: Kinds) -> None:
    """Beside the one look at what git it is."""
    one = Counts(5, {"list": 1, "import": 1}, parsed=None, written=3, indexed=1)
    assert kinds[_FEW]["apply, one added"] == kinds[_MANY]["apply, one added"] == one


def test_where_few_are_judged_together_an_import_costs_one_page_of_the_list(kinds: Kinds) -> None:
    """One request, as looking for the one model would be; and with many nothing else either."""
    what = "added, where few are judged together"
    one = Counts(4, {"list": 1, "import": 1}, parsed=1, written=3, indexed=1)
    assert kinds[_FEW][what] == kinds[_MANY][what] == one


@pytest.mark.parametrize(
    ("models", "asked"),
    [(_FEW, {"list": 1, "detail": _FEW + 1}), (_MANY, {"list": _PAGES, "detail": _AT_A_TIME})],
)
def test_a_start_with_nothing_lists_the_registry_once_and_reads_each_manifest_once(
    kinds: Kinds, models: int, asked: Mapping[str, int]
) -> None:
    """In two transactions of the state and one of the index, and never with more than a few processes.

    Two of them read the log once more when all else is done, for the history that is kept.
    """
    counts = kinds[models]["start, nothing kept"]
    assert counts.git in (5, 6)
    assert (counts.asked, counts.parsed) == (asked, models + 1)
    assert (counts.written, counts.indexed) == (2, 1)


def test_a_start_with_an_index_reads_no_manifest_at_all(kinds: Kinds) -> None:
    """Only those that are compared are read again; the registry is listed as at any start."""
    some = {"list": 1, "detail": _FEW + 3}  # by now three were added, and one is declared no more
    assert kinds[_FEW]["start, index kept"] == Counts(2, some, parsed=0, written=2)
    many = {"list": _PAGES, "detail": _AT_A_TIME}
    assert kinds[_MANY]["start, index kept"] == Counts(2, many, parsed=0, written=2)


def test_what_was_only_listed_is_compared_some_at_a_time(kinds: Kinds) -> None:
    """Two hundred details, read and journalled; with nothing left to compare, nothing."""
    assert kinds[_FEW]["time to compare some"] == Counts(0)
    assert kinds[_MANY]["time to compare some"] == Counts(2, {"detail": _AT_A_TIME}, written=2)


def test_the_look_at_everything_asks_for_pages_and_for_so_many_details_at_most(kinds: Kinds) -> None:
    """Once in an hour, whatever is known; and the index is held to git, by seven processes.

    Three for the files, and four for the history: its length, and what some of its commits did. Two more read
    what some of the files said before, where one of those that are credited anew was edited.
    """
    some = {"list": 1, "detail": _FEW + 2}
    assert kinds[_FEW]["time to look at all"] == Counts(11, some, written=1)
    many = {"list": _PAGES, "detail": _AT_A_TIME}
    counts = kinds[_MANY]["time to look at all"]
    assert counts.git in (9, 11)
    assert counts == Counts(counts.git, many, written=2)


def test_the_history_of_one_model_asks_git_nothing_that_the_index_keeps(kinds: Kinds) -> None:
    """No process and no request, however many models and commits there are; of all models neither.

    What a commit is called is asked, after git was asked for its version.
    """
    for models in (_FEW, _MANY):
        for what, processes in (("a model", 0), ("a commit", 2), ("all", 0)):
            assert kinds[models][f"history of {what}"] == Counts(processes, parsed=None), what


def test_what_was_known_earlier_asks_git_only_what_the_commit_is(kinds: Kinds) -> None:
    """No request and nothing written, and as many processes however many models there are."""
    for models in (_FEW, _MANY):
        for what, processes in (("a commit", 3), ("a time", 2)):
            assert kinds[models][f"status at {what}"] == Counts(processes, parsed=None), what
