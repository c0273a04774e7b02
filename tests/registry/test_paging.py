"""A whole list is gathered whatever the server's offset counts, and while the list moves."""

from __future__ import annotations

import asyncio
from itertools import cycle
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.contract.model_key import ModelKey
from reconciler.engine.values import ObservedModel
from reconciler.registry.paging import EndlessList, Paginator
from reconciler.registry.vendor import ModelPage
from tests.effort import examples

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def _models(*numbers: int) -> list[ObservedModel]:
    return [ObservedModel(f"m-{number}", ModelKey("a", f"0.0.{number}")) for number in numbers]


class Listing:
    """A server's list: pages of `cap` items at most, an offset of pages or of items, counted right or not."""

    def __init__(
        self, size: int, *, counts: str, limit: int, cap: int | None = None, total: str = "right"
    ) -> None:
        self.models = _models(*range(size))
        self.counts = counts
        self.limit = min(limit, cap or limit)
        self.total = total
        self.requests = 0

    def page(self, offset: int) -> ModelPage:
        """The page at an offset."""
        self.requests += 1
        start = {"pages": offset * self.limit, "items": offset, "nothing": 0}[self.counts]
        shown = self.models[start : start + self.limit]
        total = {"right": len(self.models), "zero": 0, "none": None, "page": len(shown), "more": 10**6}[
            self.total
        ]
        return ModelPage(tuple(shown), total=total)


def _paginated(
    fetch: Callable[[int], ModelPage], limit: int, max_pages: int = 200, late: Sequence[int] = (0,)
) -> tuple[Sequence[ObservedModel], Paginator]:
    """What a sweep gathers from a server that makes each page `late` turns of the loop after it was asked."""
    turns = cycle(late)

    async def asynchronous(offset: int) -> ModelPage:
        for _ in range(next(turns)):
            await asyncio.sleep(0)
        return fetch(offset)

    sweep = Paginator(asynchronous, limit, max_pages)
    return asyncio.run(sweep.models()), sweep


@settings(max_examples=examples(200), deadline=None)
@given(
    size=st.integers(0, 60),
    limit=st.integers(1, 12),
    counts=st.sampled_from(["pages", "items"]),
    total=st.sampled_from(["right", "zero", "none", "page", "more"]),
    late=st.lists(st.integers(0, 9), min_size=1, max_size=7),
)
def test_every_model_is_listed_once_whatever_the_offset_counts(
    size: int, limit: int, counts: str, total: str, late: list[int]
) -> None:
    """Cases 32 and 33: page index and item offset, and a total_count that is right, zero, absent or wrong."""
    listing = Listing(size, counts=counts, limit=limit, total=total)
    models, _ = _paginated(listing.page, limit, late=late)
    assert [model.model_id for model in models] == [model.model_id for model in listing.models]


@pytest.mark.parametrize("counts", ["pages", "items"])
@pytest.mark.parametrize("total", ["right", "zero"])
@pytest.mark.parametrize("cap", [10, 100, 280])
def test_a_server_that_gives_fewer_than_asked_is_still_listed_whole(
    counts: str, total: str, cap: int
) -> None:
    """The largest limit is not documented: a server may cap it in silence."""
    listing = Listing(950, counts=counts, limit=1000, cap=cap, total=total)
    models, _ = _paginated(listing.page, 1000, 2000)
    assert len(models) == 950


@pytest.mark.parametrize(
    ("size", "total", "requests"), [(0, "right", 1), (7, "zero", 1), (40, "right", 1), (40, "zero", 2)]
)
def test_a_short_list_costs_one_request(size: int, total: str, requests: int) -> None:
    """Only a length that looks like a server's own cap is asked about once more."""
    listing = Listing(size, counts="pages", limit=1000, total=total)
    models, _ = _paginated(listing.page, 1000)
    assert (len(models), listing.requests) == (size, requests)


@pytest.mark.parametrize("counts", ["pages", "items"])
def test_a_long_list_that_stands_still_is_gone_through_once(counts: str) -> None:
    """One request a page, and at most two more: to calibrate and to see the end."""
    listing = Listing(5000, counts=counts, limit=1000)
    models, _ = _paginated(listing.page, 1000)
    assert len(models) == 5000
    assert listing.requests <= 7


@pytest.mark.parametrize("counts", ["pages", "items"])
@pytest.mark.parametrize(("total", "at_once"), [("right", 8), ("more", 8), ("zero", 1), ("page", 1)])
def test_pages_that_the_server_counts_are_asked_for_a_few_at_once(
    counts: str, total: str, at_once: int
) -> None:
    """The wait for one is the wait for eight; what nobody promised is asked for in turn."""
    listing = Listing(200, counts=counts, limit=10, total=total)
    now, most = 0, 0

    async def fetch(offset: int) -> ModelPage:
        nonlocal now, most
        now += 1
        most = max(most, now)
        try:
            await asyncio.sleep(0.001)
            return listing.page(offset)
        finally:
            now -= 1

    models = asyncio.run(Paginator(fetch, 10, 200).models())
    assert (len(models), most, now) == (200, at_once, 0)


def test_a_page_of_another_length_than_the_first_hides_nothing() -> None:
    """Where the offset counts items, a page begins where the last one ended."""
    models = _models(*range(60))
    limits = {0: 10, 1: 10, 11: 4}

    def fetch(offset: int) -> ModelPage:
        return ModelPage(tuple(models[offset : offset + limits.get(offset, 10)]), total=60)

    assert len(_paginated(fetch, 10)[0]) == 60


def test_a_page_that_fails_ends_the_list_and_what_was_asked_for_ahead() -> None:
    """The error is the page's own, and nothing is left running."""
    listing = Listing(200, counts="pages", limit=10)
    under_way: set[int] = set()

    async def fetch(offset: int) -> ModelPage:
        under_way.add(offset)
        try:
            await asyncio.sleep(30 if offset > 5 else 0)
            if offset == 5:
                raise ConnectionError
            return listing.page(offset)
        finally:
            under_way.discard(offset)

    with pytest.raises(ConnectionError):
        asyncio.run(Paginator(fetch, 10, 200).models())
    assert not under_way


def test_a_server_that_ignores_the_offset_does_not_loop() -> None:
    """Repeated pages end the list; what the server counts beyond them is told."""
    listing = Listing(50, counts="nothing", limit=20)
    models, sweep = _paginated(listing.page, 20)
    assert len(models) == 20
    assert sweep.missing == 30
    assert listing.requests <= 4


@settings(max_examples=examples(150), deadline=None)
@given(data=st.data(), counts=st.sampled_from(["pages", "items"]), total=st.sampled_from(["right", "zero"]))
def test_models_that_stay_are_listed_while_others_come_and_go(
    data: st.DataObject, counts: str, total: str
) -> None:
    """New models append (order=asc), deletions shift later pages: what was there throughout is listed.

    Pages that are asked for at once may be made in any order.
    """
    limit = data.draw(st.integers(5, 12))
    listing = Listing(data.draw(st.integers(0, 60)), counts=counts, limit=limit, total=total)
    stay = {model.model_id for model in listing.models}
    move = st.tuples(st.integers(1, 8), st.booleans(), st.integers(0, 59))
    moves = data.draw(st.lists(move, max_size=3, unique_by=lambda drawn: drawn[0]))
    late = data.draw(st.lists(st.integers(0, 9), min_size=1, max_size=7))

    def fetch(offset: int) -> ModelPage:
        page = listing.page(offset)
        for at, deletes, number in moves:
            if at == listing.requests and deletes and listing.models:
                stay.discard(listing.models.pop(number % len(listing.models)).model_id)
            elif at == listing.requests:
                listing.models += _models(1000 + at * 100 + number)
        return page

    models, _ = _paginated(fetch, limit, late=late)
    listed = [model.model_id for model in models]
    assert stay <= set(listed)
    assert len(listed) == len(set(listed))


def test_a_list_without_end_is_given_up() -> None:
    """A server that invents a new page each time meets a limit instead of the memory's."""
    with pytest.raises(EndlessList):
        _paginated(lambda offset: ModelPage(tuple(_models(*range(offset * 10, offset * 10 + 10)))), 10, 50)


def test_items_that_cannot_be_used_do_not_hide_the_rest() -> None:
    """A page with nothing usable in it is a page like any other; each such item counts once."""
    pages = [
        ModelPage(tuple(_models(0, 1))),
        ModelPage((), ("x", "y")),
        ModelPage(tuple(_models(2, 3)), ()),
        ModelPage(()),
    ]
    models, sweep = _paginated(lambda offset: pages[min(offset, 3)], 2)
    assert len(models) == 4
    assert sweep.skipped == 2


@pytest.mark.parametrize("names", ["ab", "ba"])
def test_models_that_a_list_gives_one_id_do_not_hide_each_other(names: str) -> None:
    """A list that contradicts itself shows every pair it names: one that is hidden would count as missing."""
    rows = tuple(ObservedModel("m-1", ModelKey(name, "1.0.0")) for name in names)
    models, _ = _paginated(lambda offset: ModelPage(rows if offset == 0 else ()), 10)
    assert tuple(models) == rows
