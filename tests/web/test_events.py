"""What an open page hears."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

from starlette.requests import Request

from reconciler.engine.values import Report
from reconciler.web.application import Events
from tests.web.served import Loop, Served

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

TOKEN = "a-token-of-many-characters"  # noqa: S105 - nobody's


def _events(answer: httpx.Response) -> Iterator[str]:
    return (line for line in answer.iter_lines() if line.startswith("event:"))


def test_a_page_hears_at_once_and_then_of_every_change_until_the_program_stops(site: Served) -> None:
    """By a token, and of nothing else; the page has that of the state that it shows."""
    with site.client.stream("GET", "/events") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["cache-control"] == "no-store"
        events = _events(answer)
        assert next(events) == "event: state"
        site.loop.report = Report("c" * 40, "d" * 64, ())
        assert next(events) == "event: state"
        site.loop.stopping = True
        assert list(events) == []


def test_there_are_only_so_many_readers_at_a_time() -> None:
    """Who comes later is told when to come again."""

    async def asked() -> list[int]:
        events = Events(lambda: "1", most=1)
        request = Request({"type": "http"})
        first = await events.stream(request)
        body = cast("Any", first).body_iterator
        await anext(body)
        second = await events.stream(request)
        await body.aclose()
        return [first.status_code, second.status_code, (await events.stream(request)).status_code]

    assert asyncio.run(asked()) == [200, 503, 200]


def test_who_may_not_look_hears_nothing_either() -> None:
    """Neither the pages nor their events."""
    with Served(Loop(), tokens=lambda: [TOKEN]) as guarded:
        for path in ("/events", "/models/local/mnist/1.0.0", "/models/local/mnist"):
            assert guarded.client.get(path).status_code == 401
            assert guarded.client.get(path, headers={"Host": "evil.example"}).status_code in (401, 421)
        assert guarded.loop.asked == []
