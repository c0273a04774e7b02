"""A whole list is gathered whatever the server's offset counts, and while the list moves."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.contract.pair import Pair
from reconciler.engine.values import ObservedModel
from reconciler.registry.paging import EndlessList, Sweep
from reconciler.registry.wire import Page

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def _models(*numbers: int) -> list[ObservedModel]:
    return [ObservedModel(f"m-{number}", Pair("a", f"0.0.{number}")) for number in numbers]


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

    def page(self, offset: int) -> Page:
        """The page at an offset."""
        self.requests += 1
        start = {"pages": offset * self.limit, "items": offset, "nothing": 0}[self.counts]
        shown = self.models[start : start + self.limit]
        total = {"right": len(self.models), "zero": 0, "none": None, "page": len(shown), "more": 10**6}[
            self.total
        ]
        return Page(tuple(shown), total=total)


def _sweep(
    fetch: Callable[[int], Page], limit: int, max_pages: int = 200
) -> tuple[Sequence[ObservedModel], Sweep]:
    async def asynchronous(offset: int) -> Page:
        return fetch(offset)

    sweep = Sweep(asynchronous, limit, max_pages)
    return asyncio.run(sweep.models()), sweep


@settings(max_examples=200, deadline=None)
@given(
    size=st.integers(0, 60),
    limit=st.integers(1, 12),
    counts=st.sampled_from(["pages", "items"]),
    total=st.sampled_from(["right", "zero", "none", "page", "more"]),
)
def test_every_model_is_listed_once_whatever_the_offset_counts(
    size: int, limit: int, counts: str, total: str
) -> None:
    """Cases 32 and 33: page index and item offset, and a total_count that is right, zero, absent or wrong."""
    listing = Listing(size, counts=counts, limit=limit, total=total)
    models, _ = _sweep(listing.page, limit)
    assert [model.model_id for model in models] == [model.model_id for model in listing.models]


@pytest.mark.parametrize("counts", ["pages", "items"])
@pytest.mark.parametrize("total", ["right", "zero"])
@pytest.mark.parametrize("cap", [10, 100, 280])
def test_a_server_that_gives_fewer_than_asked_is_still_listed_whole(
    counts: str, total: str, cap: int
) -> None:
    """The largest limit is not documented: a server may cap it in silence."""
    listing = Listing(950, counts=counts, limit=1000, cap=cap, total=total)
    models, _ = _sweep(listing.page, 1000, 2000)
    assert len(models) == 950


@pytest.mark.parametrize(
    ("size", "total", "requests"), [(0, "right", 1), (7, "zero", 1), (40, "right", 1), (40, "zero", 2)]
)
def test_a_short_list_costs_one_request(size: int, total: str, requests: int) -> None:
    """Only a length that looks like a server's own cap is asked about once more."""
    listing = Listing(size, counts="pages", limit=1000, total=total)
    models, _ = _sweep(listing.page, 1000)
    assert (len(models), listing.requests) == (size, requests)


@pytest.mark.parametrize("counts", ["pages", "items"])
def test_a_long_list_that_stands_still_is_gone_through_once(counts: str) -> None:
    """One request a page, and at most two more: to calibrate and to see the end."""
    listing = Listing(5000, counts=counts, limit=1000)
    models, _ = _sweep(listing.page, 1000)
    assert len(models) == 5000
    assert listing.requests <= 7


def test_a_server_that_ignores_the_offset_does_not_loop() -> None:
    """Repeated pages end the list; what the server counts beyond them is told."""
    listing = Listing(50, counts="nothing", limit=20)
    models, sweep = _sweep(listing.page, 20)
    assert len(models) == 20
    assert sweep.missing == 30
    assert listing.requests <= 4


@settings(max_examples=150, deadline=None)
@given(data=st.data(), counts=st.sampled_from(["pages", "items"]), total=st.sampled_from(["right", "zero"]))
def test_models_that_stay_are_listed_while_others_come_and_go(
    data: st.DataObject, counts: str, total: str
) -> None:
    """New models append (order=asc), deletions shift later pages: what was there throughout is listed."""
    limit = data.draw(st.integers(5, 12))
    listing = Listing(data.draw(st.integers(0, 60)), counts=counts, limit=limit, total=total)
    stay = {model.model_id for model in listing.models}
    move = st.tuples(st.integers(1, 8), st.booleans(), st.integers(0, 59))
    moves = data.draw(st.lists(move, max_size=3, unique_by=lambda drawn: drawn[0]))

    def fetch(offset: int) -> Page:
        page = listing.page(offset)
        for at, deletes, number in moves:
            if at == listing.requests and deletes and listing.models:
                stay.discard(listing.models.pop(number % len(listing.models)).model_id)
            elif at == listing.requests:
                listing.models += _models(1000 + at * 100 + number)
        return page

    models, _ = _sweep(fetch, limit)
    listed = [model.model_id for model in models]
    assert stay <= set(listed)
    assert len(listed) == len(set(listed))


def test_a_list_without_end_is_given_up() -> None:
    """A server that invents a new page each time meets a limit instead of the memory's."""
    with pytest.raises(EndlessList):
        _sweep(lambda offset: Page(tuple(_models(*range(offset * 10, offset * 10 + 10)))), 10, 50)


def test_items_that_cannot_be_used_do_not_hide_the_rest() -> None:
    """A page with nothing usable in it is a page like any other; each such item counts once."""
    pages = [Page(tuple(_models(0, 1))), Page((), ("x", "y")), Page(tuple(_models(2, 3)), ()), Page(())]
    models, sweep = _sweep(lambda offset: pages[min(offset, 3)], 2)
    assert len(models) == 4
    assert sweep.skipped == 2
