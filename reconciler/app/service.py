"""`run`: the loop over one world, with its page, metrics and webhook beside it."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import structlog

from reconciler import __version__
from reconciler.app.credentials import page_tokens, webhook_secret
from reconciler.app.world import Listeners, opened
from reconciler.daemon.loop import STATE, Loop
from reconciler.daemon.stop import Stop
from reconciler.daemon.ticker import Deeds, Ticker
from reconciler.daemon.triggers import trigger_of
from reconciler.engine.clock import Clock
from reconciler.engine.remembered import refreshed
from reconciler.views import html
from reconciler.views.authors import without_addresses
from reconciler.views.metrics import Metrics
from reconciler.web.access import Hosts
from reconciler.web.application import create_app, create_health_app
from reconciler.web.server import listen, serving

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncIterator, Callable
    from datetime import datetime

    from starlette.types import ASGIApp

    from reconciler.app.world import World
    from reconciler.daemon.ticker import Tick
    from reconciler.engine.values import Event, Report
    from reconciler.settings import Configuration
    from reconciler.web.webhook import Delivery

log = structlog.get_logger("reconciler")

_USUAL_PORT = 8321
_USUAL_HEALTH_PORT = 8322
_PORTS_TRIED = 20
_LISTED_ON_THE_PAGE = 5000  # models


@dataclass(slots=True)
class Board:
    """What the page and the metrics show: filled by the loop, read by the web room."""

    metrics: Metrics = field(default_factory=lambda: Metrics(__version__))
    remembered: Callable[[], Report | None] = lambda: None
    read: bool = False
    report: Report | None = None
    last: Tick | None = None
    succeeded_at: datetime | None = None

    def heard(self, tick: Tick) -> None:
        """Takes the result of one tick."""
        self.last = tick
        self.metrics.observe_tick(tick.outcome, tick.seconds, tick.at)
        if tick.outcome != "error":
            self.succeeded_at = tick.at

    def is_ready(self) -> bool:
        """Whether a cycle has succeeded."""
        return self.succeeded_at is not None

    def page(self) -> Report | None:
        """The newest report; read from the state once, however often it is looked at."""
        if not self.read:
            self.report, self.read = self.remembered(), True
        return self.report

    def shown(self, report: Report) -> None:
        """Hears that there is a newer report, and takes its numbers."""
        self.read = False
        self.metrics.observe_report(report)


async def run(configuration: Configuration, target: str | None) -> None:
    """Runs until SIGTERM or SIGINT.

    Raises:
        ReconcilerError: the configuration, the source or the state cannot be used to begin with.
    """
    stop, board, deeds = Stop(), Board(), Deeds()
    schedule = configuration.settings.schedule
    with configuration.located("schedule", "cron"):
        trigger = trigger_of(schedule)

    def progress(event: Event) -> None:
        deeds(event)
        board.metrics.observe_events([event])

    clock = Clock(sleep=stop.sleep, stopping=stop.asked)
    listeners = Listeners(progress, board.metrics.observe_request)
    async with opened(configuration, acts=True, only=target, clock=clock, listeners=listeners) as world:
        board.remembered = partial(_remembered, world)

        def heard(tick: Tick) -> None:
            board.heard(tick)
            board.metrics.observe_audits(world.engine.disagreements)

        policy = min((t.policy for t in world.engine.targets), key=lambda policy: policy.follow_first)
        loop = Loop(
            Ticker(world.engine, deeds, heard, board.shown),
            trigger,
            stop,
            schedule.grace.total_seconds(),
            lambda: {"git": world.source.watch_paths(), STATE: world.ledger.watch_paths()},
            policy.follow_first,
            policy.follow_max,
        )
        async with _page(world, loop, board):
            for warning in configuration.warnings:
                log.warning(warning)
            log.info("started", **_told(configuration, world))
            await loop.run()
        world.source.close()  # a git that is still waited for ends now, and not at its own deadline
    log.info("stopped")


def _remembered(world: World) -> Report | None:
    """What is known now, by this process or the last; of very many models, those in sync are only counted."""
    whole = sum(world.ledger.counted().values()) <= _LISTED_ON_THE_PAGE
    report = world.ledger.last_report(whole=whole)
    if report is None:
        return None
    found = refreshed(report, world.ledger, [target.name for target in world.engine.targets])
    return found if world.configuration.settings.web.show_emails else without_addresses(found)


def _told(configuration: Configuration, world: World) -> dict[str, str]:
    schedule = configuration.settings.schedule
    return {
        "schedule": schedule.cron or f"every {schedule.every.total_seconds():g} s",
        "targets": ", ".join(target.name for target in world.engine.targets),
    }


@contextlib.asynccontextmanager
async def _page(world: World, loop: Loop, board: Board) -> AsyncIterator[None]:
    """The web room beside the loop, unless it is switched off: the page, and health on a port of its own."""
    configuration = world.configuration
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
        application = _application(world, loop, board, Hosts(page.getsockname()[0], web.allowed_hosts))
        probes = create_health_app(
            board.metrics.render,
            board.is_ready,
            loop.alive,
            Hosts(health.getsockname()[0], web.allowed_hosts),
        )
        async with serving(probes, health) as health_url, serving(application, page) as url:
            log.info("page", url=url, health=health_url)
            yield


def _application(world: World, loop: Loop, board: Board, hosts: Hosts) -> ASGIApp:
    configuration = world.configuration
    wanted = configuration.settings.web
    with configuration.located("web", "token"):
        tokens = page_tokens(configuration.base, wanted)

    def state() -> html.PageState:
        return html.PageState(
            now=loop.ticker.engine.clock.now(),
            version=__version__,
            phase="stopping" if loop.stop.asked() else "running" if board.last else "starting",
            report=board.page(),
            last_tick=_last(board),
            last_success_at=board.succeeded_at,
            next_tick_at=loop.next_run(),
            commit_url=wanted.commit_url,
        )

    return create_app(
        state,
        board.metrics.render,
        partial(loop.ask, "webhook"),
        board.is_ready,
        webhook_secret(configuration.base, wanted),
        alive=loop.alive,
        delivered=partial(_delivered, board.metrics),
        hosts=hosts,
        tokens=tokens,
    )


def _delivered(metrics: Metrics, delivery: Delivery) -> None:
    """Counts a delivery, and names the sender of one that was refused."""
    metrics.observe_delivery(delivery.result)
    if delivery.result == "refused":
        log.warning("delivery refused", sender=delivery.sender, reason=delivery.reason)


def _last(board: Board) -> html.Tick | None:
    tick = board.last
    if tick is None:
        return None
    return html.Tick(tick.at, tick.seconds, tick.outcome, tick.error)


def _listener(listen_on: str | None, usual: int, key: str) -> socket.socket:
    if listen_on is None:
        return listen("127.0.0.1", usual, attempts=_PORTS_TRIED, key=key)
    host, _, port = listen_on.rpartition(":")
    return listen(host.strip("[]") or "127.0.0.1", int(port), key=key)
