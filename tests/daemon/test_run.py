"""`reconciler run` notices, imports, follows, and shows."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx
from sqlalchemy import event
from sqlalchemy.engine import Engine

from reconciler.web.server import listen
from tests.daemon.counted import CountedRegistry
from tests.daemon.running import FOLLOW, SELDOM, inside
from tests.daemon.waiting import until
from tests.plain_http import NO_TLS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.program import Fleet


def test_a_commit_is_noticed_imported_and_followed_although_the_schedule_looks_much_later(
    fleet: Fleet,
) -> None:
    """An hour later; and the first tick does not wait for it either."""

    async def work() -> None:
        async with CountedRegistry() as registry:
            fleet.configure(SELDOM + FOLLOW + registry.target())
            async with inside(fleet) as daemon:
                await daemon.tells("tick", why="schedule")
                await daemon.tells("import status updated", left=0)
                commit = await asyncio.to_thread(fleet.declare, "yolo@1.0.0")
                await until(lambda: registry.imports == 2)
                await daemon.tells("tick", commit=commit[:12], did_imported=1)
                await until(lambda: len(daemon.lines_of("import status updated", left=0)) == 2)

    asyncio.run(work())


def test_while_nothing_happens_there_is_no_tick_no_request_and_no_statement(fleet: Fleet) -> None:
    """Nor does its own writing to the state, which it watches, make it look again."""

    async def work() -> None:
        async with CountedRegistry() as registry:
            fleet.configure(SELDOM + FOLLOW + registry.target())
            async with inside(fleet) as daemon:
                await daemon.tells("import status updated", left=0)
                await asyncio.sleep(1)
                lines, requests = len(daemon.lines), len(registry.requests)
                with statements() as seen:
                    await asyncio.sleep(1.2)
                assert (len(daemon.lines), len(registry.requests), seen) == (lines, requests, [])
                assert [line for line in daemon.lines if line.get("why") not in (None, "schedule")] == []

    asyncio.run(work())


def test_ticks_asked_for_during_a_tick_are_one_tick_after_it(fleet: Fleet) -> None:
    """None is lost, none runs beside another, and they do not pile up."""

    async def work() -> None:
        async with CountedRegistry() as registry:
            fleet.configure(SELDOM + FOLLOW + registry.target().replace("1s", "30s"))
            registry.gate.clear()
            async with inside(fleet) as daemon:
                await until(lambda: registry.imports)
                for _ in range(3):
                    daemon.send(signal.SIGHUP)
                    daemon.send(signal.SIGUSR1)
                    await asyncio.sleep(0.05)
                assert not daemon.lines_of("tick")
                registry.gate.set()
                await until(lambda: [line for line in daemon.lines if "SIGHUP" in line.get("why", "")])
                await asyncio.sleep(0.3)
                ticks = [line for line in daemon.lines if "SIGHUP" in line.get("why", "")]
                assert len(ticks) == 1
                assert set(ticks[0]["why"].split("+")) >= {"SIGHUP", "SIGUSR1"}
                assert registry.imports == 1

    asyncio.run(work())


def test_the_page_and_its_neighbours_tell_how_the_loop_is(fleet: Fleet) -> None:
    """Not ready before a first success; alive all the while; report and metrics afterwards."""

    async def work() -> None:
        async with CountedRegistry() as registry:
            fleet.configure(SELDOM + FOLLOW + registry.target())
            await registry.go()
            async with inside(fleet) as daemon:
                await daemon.tells("tick failed")
                assert (await daemon.get("/readyz")).status_code == 503
                assert (await daemon.get("/healthz")).status_code == 200
                await registry.come()
                daemon.send(signal.SIGHUP)
                await daemon.tells("import status updated", left=0)

                assert (await daemon.get("/readyz")).status_code == 200
                metrics = (await daemon.get("/metrics")).text
                assert 'reconciler_models{target="prod",verdict="in-sync"} 1.0' in metrics
                assert 'reconciler_imports_total{outcome="published",target="prod"} 1.0' in metrics
                assert 'reconciler_ticks_total{result="error"} 1.0' in metrics
                await daemon.get("/")
                await daemon.get("/api/report")
                with statements() as seen:
                    page = await daemon.get("/")
                    report = (await daemon.get("/api/report")).json()
                assert "mnist" in page.text
                verdicts = [(item["model_name"], item["verdict"]) for item in report["items"]]
                assert verdicts == [("mnist", "in-sync")]
                assert [text for text in seen if "journal" not in text and text != "BEGIN"] == []

    asyncio.run(work())


def test_health_has_a_listener_of_its_own_and_the_page_asks_for_its_token(fleet: Fleet) -> None:
    """Both as the configuration says; the metrics ask for the token where the page is."""

    async def work() -> None:
        async with CountedRegistry() as registry:
            token = "a-token-of-many-characters"  # noqa: S105 - nobody's
            (fleet.folder / "token").write_text(f"{token}\n")
            web = "[web]\ntoken_file = 'token'\nhealth_listen = '127.0.0.1:0'\n"
            fleet.configure(SELDOM.replace("[web]\n", web) + FOLLOW + registry.target())
            async with inside(fleet) as daemon, httpx.AsyncClient(trust_env=False, verify=NO_TLS) as client:
                await daemon.tells("import status updated", left=0)
                health = (await daemon.tells("page"))["health"]
                asked = [await client.get(health + path) for path in ("/healthz", "/readyz", "/metrics", "/")]
                assert [answer.status_code for answer in asked] == [200, 200, 200, 404]
                asked = [await daemon.get(path) for path in ("/healthz", "/metrics", "/", "/api/report")]
                assert [answer.status_code for answer in asked] == [200, 401, 401, 401]
                url = (await daemon.tells("page"))["url"]
                answer = await client.get(url, headers={"Authorization": f"Bearer {token}"})
                assert (answer.status_code, "mnist" in answer.text) == (200, True)

    asyncio.run(work())


def test_a_new_process_shows_what_the_last_one_knew_until_it_knows_better(fleet: Fleet) -> None:
    """While the registry is away, the page is not empty, and not ready."""

    async def work() -> None:
        async with CountedRegistry() as registry:
            fleet.configure(SELDOM + FOLLOW + registry.target())
            async with inside(fleet) as daemon:
                await daemon.tells("import status updated", left=0)
            async with registry.away(), inside(fleet) as daemon:
                await daemon.tells("tick failed")
                assert (await daemon.get("/readyz")).status_code == 503
                report = (await daemon.get("/api/report")).json()
                assert [item["verdict"] for item in report["items"]] == ["in-sync"]

    asyncio.run(work())


def test_a_signed_delivery_asks_for_a_tick_and_an_unsigned_one_does_not(fleet: Fleet) -> None:
    """The webhook of a git host, for a remote that nothing else watches."""

    async def work() -> None:
        async with CountedRegistry() as registry:
            source = f'[source]\nrepo = "file://{fleet.folder}"\n'
            fleet.configure(
                SELDOM + 'webhook_secret = "canary-secret"\n' + source + FOLLOW + registry.target()
            )
            async with inside(fleet) as daemon:
                await daemon.tells("import status updated", left=0)
                fleet.declare("yolo@1.0.0")
                url = daemon.lines_of("page")[0]["url"] + "/hooks/git"
                body = b'{"ref": "refs/heads/main"}'
                signature = "sha256=" + hmac.new(b"canary-secret", body, hashlib.sha256).hexdigest()
                async with httpx.AsyncClient(trust_env=False, verify=NO_TLS) as client:
                    for sent, status in (("sha256=00", 401), (signature, 202)):
                        headers = {"X-Hub-Signature-256": sent, "X-GitHub-Delivery": f"id-{status}"}
                        answer = await client.post(url, content=body, headers=headers)
                        assert answer.status_code == status
                await daemon.tells("tick", why="webhook", did_imported=1)
                assert "canary-secret" not in str(daemon.lines)

    asyncio.run(work())
    asked = "asked for by webhook delivery id-202 from 127.0.0.1"
    details = {event["event"]: event["detail"] for event in fleet.json("history", "yolo").json[0]["events"]}
    assert (details["import-requested"], details["imported"]) == (asked, asked)
    assert "asked for" not in fleet("history", "mnist").out


def test_without_web_nothing_listens(fleet: Fleet) -> None:
    """`web.enabled = false`."""

    async def work() -> None:
        async with CountedRegistry() as registry:
            fleet.configure(
                SELDOM.replace("[web]\n", "[web]\nenabled = false\n") + FOLLOW + registry.target()
            )
            async with inside(fleet) as daemon:
                await daemon.tells("import status updated", left=0)
                assert daemon.lines_of("page") == []

    asyncio.run(work())


def test_a_busy_port_is_an_error_when_it_was_chosen_and_passed_over_when_not(fleet: Fleet) -> None:
    """Exit code 2, and what to do; the usual port moves on to the next."""
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        fleet.configure(f'[web]\nlisten = "127.0.0.1:{port}"\n')
        done = fleet("run")
    assert done.code == 2
    assert f"web.listen: cannot listen on 127.0.0.1, port {port}" in done.err
    assert "web.enabled = false" in done.err

    async def work() -> None:
        with listen("127.0.0.1", 8321, attempts=100) as usual:
            fleet.configure('[schedule]\nevery = "1h"\n')
            async with inside(fleet) as daemon:
                url = (await daemon.tells("page"))["url"]
                assert 8321 <= int(url.rpartition(":")[2]) < 8341
                assert int(url.rpartition(":")[2]) != usual.getsockname()[1]

    asyncio.run(work())


def test_a_state_that_another_process_writes_is_a_message_and_exit_3(fleet: Fleet) -> None:
    """Which process it is, and what still works."""

    async def work() -> None:
        async with CountedRegistry() as registry:
            fleet.configure(SELDOM + registry.target())
            async with inside(fleet) as daemon:
                await daemon.tells("tick")
                done = await asyncio.to_thread(fleet.process, "run")
                assert done.code == 3
                assert f"the state is being written by process {daemon.pid} on " in done.err
                assert "`plan`, `status` and `history` work meanwhile" in done.err

    asyncio.run(work())


@contextmanager
def statements() -> Iterator[list[str]]:
    """The SQL statements that this process executes during the block, whichever database they are for."""
    seen: list[str] = []

    def hear(*arguments: Any) -> None:
        seen.append(arguments[2])

    event.listen(Engine, "before_cursor_execute", hear)
    try:
        yield seen
    finally:
        event.remove(Engine, "before_cursor_execute", hear)
