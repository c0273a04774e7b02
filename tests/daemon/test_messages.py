"""The journal of a night: a model fails, a message comes once, the loop is killed, it recovers."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tests.daemon.nights import attention, documented, messages
from tests.daemon.running import SELDOM, inside, spawned
from tests.daemon.waiting import until
from tests.notify.receiving import TAKEN, receiving
from tests.program import EMBEDDED, manifest, modelarts
from tests.relay import Answer, honest, relayed, said

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.daemon.nights import Line
    from tests.daemon.running import Daemon
    from tests.program import Fleet
    from tests.relay import Request


def _hook(url: str, name: str = "oncall") -> str:
    return f'[[notify]]\nname = "{name}"\nkind = "webhook"\nurl = "{url}/hook"\n'


async def _once_it_says(daemon: Daemon, path: str, *words: str) -> str:
    """A page or the metrics, once all of this stands there: what waits is counted after the log has told."""
    text = ""
    for _ in range(1000):
        text = (await daemon.get(path)).text
        if all(one in text for one in words):
            break
        await asyncio.sleep(0.02)
    assert [one for one in words if one not in text] == []
    return text


async def _sent_and_marked(daemon: Daemon) -> None:
    """Waits until the sink took one message, and the outbox knows it."""
    numbers = {"sent_total": 1.0, "pending": 0.0}
    lines = [f'reconciler_notify_{name}{{sink="oncall"}} {number}' for name, number in numbers.items()]
    metrics = await _once_it_says(daemon, "/metrics", *lines)
    assert 'reconciler_notify_failed_total{sink="oncall"} 0.0' in metrics


def test_the_journal_of_a_night(fleet: Fleet) -> None:
    """One message when a model fails, none when the loop starts again after a kill, one when it recovers."""

    async def night() -> list[Line]:
        with receiving() as receiver, relayed() as relay:
            fleet.configure(SELDOM + modelarts(relay.url) + _hook(receiver.url))
            relay.meddle = _refusing
            async with spawned(fleet) as first:
                await first.tells("tick", did_imported=1)
                fleet.declare("churn@1.0.0")
                await first.tells("model needs attention", verdict="failed", code="ModelArts.3015")
                await _sent_and_marked(first)
                first.process.kill()
                await first.exit_code()
            journal = [*attention(first), *messages(receiver), ("operator", "kill -9")]
            async with spawned(fleet) as second:
                await second.tells("tick", failed=1)
                journal += [*attention(second), ("operator", "reconciler retry churn@1.0.0")]
                relay.meddle = honest
                done = await asyncio.to_thread(fleet.process, "retry", "churn@1.0.0", "--yes")
                assert done.code == 0
                await second.tells("model needs no attention any more")
                await until(lambda: len(receiver.requests) > 1)
                await _sent_and_marked(second)
            return [*journal, *attention(second, 1), *messages(receiver, 1)]

    assert asyncio.run(night()) == documented("notifications.md")


def _refusing(request: Request, forward: Callable[[], Answer]) -> Answer:
    if request.method == "POST" and b"churn" in request.body:
        return said(400, {"error_code": "ModelArts.3015", "error_msg": "Invalid source_location"})
    return forward()


def test_a_model_that_fails_once_more_is_another_message(fleet: Fleet) -> None:
    """By another manifest, and by `retry`; not by an `apply` that leaves it as it is."""
    with receiving() as receiver, relayed() as relay:
        fleet.configure(modelarts(relay.url) + _hook(receiver.url))
        relay.meddle = _refusing
        fleet.declare("churn@1.0.0")
        for commands, posts in ((("apply", "apply"), 1), (("apply", "apply"), 2), (("retry", "apply"), 3)):
            for command in commands:
                assert fleet(command, *["churn@1.0.0"] * (command == "retry")).code == 1
            kinds = [body["type"].rpartition(".")[2] for body in receiver.bodies]
            assert (kinds, relay.posts) == (["attention"] * posts, 1 + posts)
            if posts == 1:
                fleet.commit({"models.d/churn-1.0.0.yaml": manifest("churn@1.0.0", description="corrected")})
        assert len(set(receiver.ids)) == len(receiver.ids)


def test_a_sink_that_is_down_slows_no_tick_and_is_a_line_on_the_page(fleet: Fleet) -> None:
    """Metrics count the failures and tell how long the oldest message waits; another sink gets its own."""

    async def work() -> None:
        with receiving(Answer(503, b"down")) as down, receiving(TAKEN) as fine:
            fleet.configure(EMBEDDED + SELDOM + _hook(down.url, "down") + _hook(fine.url, "fine"))
            async with inside(fleet) as daemon:
                await daemon.tells("tick", did_imported=1)  # else it might see the next commit first
                fleet.commit({"models.d/bad.yaml": manifest("bad@01.0.0")})
                await daemon.tells("a sink does not take messages", sink="down", error="HTTP 503: down")
                await until(lambda: fine.requests)
                fleet.declare("other@1.0.0")
                await daemon.tells("tick", invalid=1, did_imported=1)
                waiting = "Messages to down are not delivered: 1 message waits since"
                page = await _once_it_says(daemon, "/", waiting)
                assert "HTTP 503: down" in page
                assert "Messages to fine" not in page
                metrics = (await daemon.get("/metrics")).text
                assert 'reconciler_notify_pending{sink="down"} 1.0' in metrics
                assert 'reconciler_notify_failed_total{sink="down"} 0.0' not in metrics
                oldest = metrics.partition('reconciler_notify_oldest_pending_seconds{sink="down"} ')[2]
                assert float(oldest.partition("\n")[0]) > 0
                # of the commit that was there at the start, nobody knows since when it was
                assert 'reconciler_commit_to_import_seconds_count{target="local"} 1.0' in metrics

    asyncio.run(work())
