"""The sessions of one process, one after the other: each has a loop of its own, on the same state.

What has to outlive a session is kept here: which state it was, which credentials were refused, and when the
last session was given up.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from reconciler.app.audit import auditing
from reconciler.app.session import Listeners, ProcessState, Session, open_session, timing_of
from reconciler.app.sinks import sinks_of
from reconciler.daemon.campaign import BEAT
from reconciler.daemon.cycle_job import CycleJob, EventCounter, Tick
from reconciler.daemon.loop import STATE
from reconciler.daemon.triggers import LOCATION
from reconciler.engine.concurrency import beside
from reconciler.engine.last_report import refreshed
from reconciler.engine.leadership import SHARED, LeaseSnapshot
from reconciler.errors import SourceError, StateError
from reconciler.log import log
from reconciler.source.commands import load_gitpython
from reconciler.views.masked import without_addresses

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from pathlib import Path

    from reconciler.app.live_status import LiveStatus
    from reconciler.backoff import Backoff
    from reconciler.engine.clock import Clock
    from reconciler.engine.values import Event, Report
    from reconciler.settings import Configuration

_STATE_CALL = 25.0  # seconds; see `reconciler.state.timeouts`
_LISTED_ON_THE_PAGE = 5000  # models


@dataclass(slots=True)
class LoopSessions:
    """Opens sessions for `reconciler.daemon.supervisor`, one at a time; used in its event loop.

    Attributes:
        ask: requests a tick; called in any thread.
        changed: called in any thread when the state has changed, by this process or another.
    """

    configuration: Configuration
    only: str | None
    clock: Clock
    status: LiveStatus
    session: Session | None = None
    ask: Callable[[str], None] = lambda _: None
    changed: Callable[[], None] = lambda: None
    _wake: Callable[[], object] = field(default=lambda: None)
    _process_state: ProcessState = field(default_factory=ProcessState)
    _state_id: str | None = None
    _given_up: float = 0.0
    _job: CycleJob | None = None
    _news: bool = True

    @asynccontextmanager
    async def open(self) -> AsyncIterator[CycleJob]:
        """One session. Raises as `open_session` does."""
        counter = EventCounter()

        def progress(event: Event) -> None:
            counter(event)
            self.status.event(event)

        listeners = Listeners(progress, self.status.asked, self._led, self._on_lease_snapshot, self._at_rest)
        async with open_session(
            self.configuration,
            acts=True,
            stands_by=True,
            only=self.only,
            clock=self.clock,
            listeners=listeners,
            process_state=self._process_state,
        ) as session:
            await self._recognise(session)
            self.session = session
            try:
                async with (
                    self._resigning(session),
                    self._sending(session) as tell_sinks,
                    auditing(self.configuration, session.source, session.ledger, self.clock) as journalled,
                ):

                    def on_report(report: Report) -> None:
                        tell_sinks(report)
                        if session.engine.leadership.leads(SHARED):  # one replica keeps the notes
                            journalled()

                    self._job = CycleJob(
                        session.engine,
                        counter,
                        self._on_tick,
                        on_report,
                        commit_seen=self.status.commit_seen,
                        has_news=self._has_news,
                    )
                    yield self._job
            finally:
                self.session, self._job, self._given_up = None, None, time.monotonic()
                session.source.close()  # a git that is still waited for ends now, and not at its own deadline

    @asynccontextmanager
    async def _resigning(self, session: Session) -> AsyncIterator[None]:
        """Gives all leases back as soon as a stop is requested, even while calls are in flight."""
        campaign = session.campaign
        if campaign is None:
            yield
            return
        with suppress(SourceError):  # a tick tells what is wrong
            await asyncio.to_thread(load_gitpython)  # now, so that no take-over waits for it

        async def resign() -> None:
            while not self.clock.stopping():
                campaign.beat()
                await self.clock.sleep(BEAT)
            with suppress(StateError):
                await asyncio.to_thread(campaign.give_back)

        async with beside(resign(), "resign"):
            yield

    def _led(self) -> None:
        """Called in another thread when this process has gained or lost a lease."""
        self._wake()
        self.ask("lease")

    def _on_lease_snapshot(self, snapshot: LeaseSnapshot) -> None:
        """Called in another thread with the current leaders."""
        session = self.session
        led = session.engine.led().keys() if session is not None else ()
        if self.status.take_lease_snapshot(snapshot, frozenset(led)):
            self._news = True
            if led:
                self.changed()
            else:
                self.ask("replica")

    def _has_news(self) -> bool:
        """Whether what a standby shows may be old; once for each time that something has changed."""
        news, self._news = self._news, False
        return news

    def _at_rest(self, target: str) -> bool:
        """Whether a target may be handed over: nothing is asked of it, and no import is unfinished."""
        job = self._job
        return job is not None and not job.is_ticking and not self.status.is_open(target)

    @asynccontextmanager
    async def _sending(self, session: Session) -> AsyncIterator[Callable[[Report], None]]:
        """Sends what waits in the outbox while the block runs; gives the function to call with each report.

        A task of its own: a tick waits for no sink. Only the process that leads `SHARED` sends.
        """
        await asyncio.to_thread(session.ledger.outbox.retain_sinks, self.status.sinks)
        if not self.status.sinks:
            yield self.status.on_report
            return
        from reconciler.notify import Sender  # noqa: PLC0415 - only where there are sinks

        sinks = sinks_of(self.configuration, self.clock)
        observed = self.status.metrics.observe_message
        leads = partial(session.engine.leadership.leads, SHARED)
        sender = Sender(session.ledger.outbox, sinks, self.clock, observed, self.status.take_backlogs, leads)
        loop = asyncio.get_running_loop()
        self._wake = partial(loop.call_soon_threadsafe, sender.wake)

        def on_report(report: Report) -> None:
            self.status.on_report(report)
            sender.wake()

        async with beside(sender.run(), "sender"):
            try:
                yield on_report
            finally:
                self._wake = lambda: None

    def follow(self) -> Backoff:
        """The waits between looks at unfinished imports."""
        targets = self.session.engine.targets if self.session else ()
        return min((target.timing for target in targets), key=lambda timing: timing.follow_first).follow

    def watch(self) -> Mapping[str, tuple[Path, ...]]:
        """What to watch in the session that is open."""
        session = self.session
        if session is None:
            return {}
        source = session.source
        return {
            "git": source.watch_paths(),
            LOCATION: source.location_paths(),
            STATE: session.ledger.watch_paths(),
        }

    def _on_tick(self, tick: Tick) -> None:
        self.status.on_tick(tick)
        if self.session is not None:
            self.status.metrics.set("index_disagreements", self.session.engine.last.disagreements)

    async def _recognise(self, session: Session) -> None:
        """Says loudly when this is another state than before; then no call of before may be under way."""
        state_id = session.ledger.state_id
        before = self._state_id
        if before not in (None, state_id):
            self.status.replaced(_replaced(before or "", state_id, session.ledger.position()))
            log.error("state replaced", error=self.status.alert)
            await self.clock.sleep(self._given_up + _longest_import(self.configuration) - time.monotonic())
        # only now: an opening that is given up before has to wait, and say so, again
        self._state_id = state_id
        if self.status.alert:
            session.engine.notes = (*session.engine.notes, self.status.alert)
        pending = [
            entry for target in session.engine.targets for entry in session.ledger.pending(target.name)
        ]
        self.status.remembered(pending)


def longest_call(configuration: Configuration) -> float:
    """Seconds after which any call to git, a registry or the state has ended, and what it made shows."""
    git = configuration.settings.source.timeout.total_seconds()
    return max(git, _STATE_CALL, _longest_import(configuration))


def _longest_import(configuration: Configuration) -> float:
    """Seconds after which an import call has ended, and the model that it made shows."""
    timings = [timing_of(configuration, name) for name in configuration.settings.targets]
    return max(timing.call_timeout + timing.settle for timing in timings)


def _replaced(before: str, state_id: str, events: int) -> str:
    what = f"with {events} events" if events else "empty"
    return (
        f"the state was replaced while in use: it is {state_id[:12]} now, {what}, and was {before[:12]}. "
        "History and back-off of before are not in it; what is registered is found and adopted, and nothing "
        "is imported a second time"
    )


def page_report(session: Session) -> Report | None:
    """What is known now, by this process or the last; of very many models, those in sync are only counted."""
    whole = sum(session.ledger.counted().values()) <= _LISTED_ON_THE_PAGE
    report = session.ledger.last_report(whole=whole)
    if report is None:
        return None
    last = refreshed(report, session.ledger, [target.name for target in session.engine.targets])
    return last if session.configuration.settings.web.show_emails else without_addresses(last)
