"""`run`: the loop over sessions of one state, with its page, metrics and webhook beside it.

Two threads: whatever may block works in the one, see `reconciler.daemon.worker`; signals, schedule, page and
probes live in the other, and answer whatever hangs in the first.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from reconciler.app.credentials import page_tokens, webhook_secret
from reconciler.app.live_status import LiveStatus
from reconciler.app.loop_sessions import LoopSessions, longest_call
from reconciler.app.pages import ServicePages
from reconciler.daemon.loop import Loop
from reconciler.daemon.supervisor import INTERVALS, Health, Supervisor
from reconciler.daemon.triggers import scheduled, seconds_until, signals, trigger_of
from reconciler.daemon.worker import Stop, Worker, in_flight, longest_end, working
from reconciler.engine.clock import Clock
from reconciler.errors import ReconcilerError, StuckError
from reconciler.log import log
from reconciler.web.application import Probes, create_app, create_health_app
from reconciler.web.server import Hosts, listen, serving
from reconciler.web.webhook import Delivery, Receiver

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncIterator, Callable, Iterator

    from reconciler.settings import Configuration
    from reconciler.views.metrics import Metrics

_USUAL_PORT = 8321
_USUAL_HEALTH_PORT = 8322
_PORTS_TRIED = 20
_LOOK = 1.0  # seconds between two looks at whether the loop is alive
_NO_SUPERVISOR = 60.0  # seconds that a supervisor has to act on /healthz before the process ends itself


@dataclass(frozen=True, slots=True)
class _Service:
    """The parts of a running service."""

    configuration: Configuration
    worker: Worker
    stop: Stop
    loop: Loop
    sessions: LoopSessions
    status: LiveStatus
    health: Health


async def run(
    configuration: Configuration, target: str | None, last_resort: Callable[[float], None] = lambda _: None
) -> None:
    """Runs until SIGTERM or SIGINT.

    `last_resort` makes sure that the process ends within so many seconds, whatever hangs.

    Raises:
        ReconcilerError: the configuration, the source or the state cannot be used to begin with; or the loop
            stood still, and a supervisor has to start the process again.
    """
    async with working() as worker:
        service = _service(configuration, target, worker)
        with _bounded(configuration, last_resort):
            await worker.run(service.loop.supervisor.open())
            try:
                # bounded before the session is closed: closing waits for the very thread that may hang
                with _bounded(configuration, last_resort):
                    service.loop.follow = service.sessions.follow()
                    await _serve(service, last_resort)
            finally:
                await worker.run(service.loop.supervisor.close())
    log.info("stopped")


@contextlib.contextmanager
def _bounded(configuration: Configuration, last_resort: Callable[[float], None]) -> Iterator[None]:
    """Makes sure that the process ends soon after an unforeseen error, or a loop that stood still."""
    try:
        yield
    except BaseException as error:
        if isinstance(error, StuckError) or not isinstance(error, ReconcilerError):
            last_resort(longest_end(_grace(configuration)))
        raise


def _service(configuration: Configuration, target: str | None, worker: Worker) -> _Service:
    stop, schedule = Stop(), configuration.settings.schedule
    clock = Clock(sleep=stop.sleep, stopping=stop.asked)
    health = Health(lambda: seconds_until(schedule, INTERVALS, clock.now()), longest_call(configuration))
    sinks = tuple(sink.title for sink in configuration.settings.notify)
    names = configuration.chosen(target)
    status = LiveStatus(health, names, sinks, clock.now)
    sessions = LoopSessions(configuration, target, clock, status)
    supervisor = Supervisor(sessions.open, health, status.on_tick, clock.chance, clock.now)
    missed = partial(status.metrics.count, "missed_ticks")
    loop = Loop(supervisor, stop, in_flight(_grace(configuration)), sessions.watch, missed=missed)
    sessions.ask, sessions.changed = loop.ask, loop.on_state_changed
    return _Service(configuration, worker, stop, loop, sessions, status, health)


def _grace(configuration: Configuration) -> float:
    return configuration.settings.schedule.grace.total_seconds()


async def _serve(service: _Service, last_resort: Callable[[float], None]) -> None:
    loop, stop, metrics = service.loop, service.stop, service.status.metrics
    gone = asyncio.Event()

    def stop_asked() -> None:
        last_resort(longest_end(_grace(service.configuration)))
        stop.request()

    await service.worker.run(loop.bind())  # first: what is asked for from now on has to wake it
    # before the page says that the program is there: it can be stopped then
    with signals(loop.ask, stop_asked):
        async with _page(service, gone.set):
            for warning in service.configuration.warnings:
                log.warning(warning)
            schedule = service.configuration.settings.schedule
            times = schedule.cron or f"every {schedule.every.total_seconds():g} s"
            log.info("started", schedule=times, targets=", ".join(service.status.targets))
            missed = partial(metrics.count, "missed_ticks")
            async with scheduled(trigger_of(schedule), loop.ask, missed=missed) as next_run:
                service.status.next_run = next_run
                await _until_stopped(service, gone)


async def _until_stopped(service: _Service, gone: asyncio.Event) -> None:
    """Runs the loop; raises StuckError where it stands still, or the page's server stopped by itself."""
    work = asyncio.create_task(service.worker.run(service.loop.run()), name="loop")
    said = False
    longest = service.health.longest_call + _NO_SUPERVISOR
    while not work.done():
        await asyncio.wait({work}, timeout=_LOOK)
        problem = service.health.not_alive()
        if problem and not said and not service.stop.asked():
            log.error("the loop stands still", error=problem)
        said = problem is not None
        if gone.is_set() or service.health.overdue() > longest:
            service.stop.request()
            why = "the page's server stopped by itself" if gone.is_set() else problem
            raise StuckError(f"{why}; start the process again: the next start settles what was in flight")
    await work


@contextlib.asynccontextmanager
async def _page(service: _Service, gone: Callable[[], None]) -> AsyncIterator[None]:
    """The web room beside the loop, unless it is switched off: the page, and health on a port of its own."""
    configuration, status = service.configuration, service.status
    web = configuration.settings.web
    if not web.enabled:
        yield
        return
    with contextlib.ExitStack() as sockets:
        with configuration.located("web", "listen"):
            page = sockets.enter_context(_listener(web.listen, _USUAL_PORT, "web.listen"))
        with configuration.located("web", "health_listen"):
            health = sockets.enter_context(
                _listener(web.health_listen, _USUAL_HEALTH_PORT, "web.health_listen")
            )
        pages = ServicePages(
            configuration,
            service.sessions,
            status,
            service.worker,
            now=service.sessions.clock.now,
            stopping=service.stop.asked,
        )
        sockets.callback(pages.close)
        probes = Probes(status.scrape, service.health.not_ready, service.health.not_alive, status.role)
        receiver = Receiver(
            webhook_secret(configuration.base, web),
            partial(service.loop.ask, "webhook"),
            partial(_delivered, status.metrics),
        )
        with configuration.located("web", "token"):
            tokens = page_tokens(configuration.base, web)
        names = [Hosts(listener.getsockname()[0], web.allowed_hosts) for listener in (page, health)]
        application = create_app(pages, probes, receiver, names[0], tokens)
        beside = create_health_app(probes, names[1])
        async with serving(beside, health, gone) as health_url, serving(application, page, gone) as url:
            log.info("page", url=url, health=health_url)
            yield


def _delivered(metrics: Metrics, delivery: Delivery) -> None:
    metrics.count("webhook_deliveries", delivery.result)
    if delivery.result == "refused":
        log.warning("delivery refused", sender=delivery.sender, error=delivery.reason)


def _listener(listen_on: str | None, usual: int, key: str) -> socket.socket:
    if listen_on is None:
        return listen("127.0.0.1", usual, attempts=_PORTS_TRIED, key=key)
    host, _, port = listen_on.rpartition(":")
    return listen(host.strip("[]") or "127.0.0.1", int(port), key=key)
