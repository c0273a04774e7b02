"""What the pages of `run` show: the live status, and what is read in a thread of its own.

Neither the loop nor the server waits for that thread. What was read is kept until the live status has another
revision. When the state cannot be read in time, what was read last is shown, and the page says that it may be
old.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
import time
from collections import OrderedDict
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar, cast

from reconciler import __version__
from reconciler.app.loop_sessions import LoopSessions, page_report
from reconciler.app.model_page import ModelRecord, Shown, model_record
from reconciler.app.repository import followed, source_of
from reconciler.daemon.worker import Worker
from reconciler.engine.clock import utc_now
from reconciler.engine.listing import Listing, ListingQuery, VerdictTable
from reconciler.errors import ReconcilerError, StateError
from reconciler.views.masked import without_address
from reconciler.views.pages import ModelFacts, OverviewFacts, PageState, Registered, TargetFacts, TickSummary

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Mapping
    from datetime import datetime

    from reconciler.app.live_status import LiveStatus
    from reconciler.app.session import Session
    from reconciler.engine.options import Target
    from reconciler.engine.values import CommitInfo, ModelState, Report
    from reconciler.settings import Configuration
    from reconciler.state import SqlLedger

T = TypeVar("T")

_WAITS = 2.0  # seconds at most that a page waits for what it shows
_KEPT = 32  # answers
_ROWS_AT_ONCE = 2000
_COMMITS_KEPT = 20_000
_ASKED_AGAIN = 30.0  # seconds for which a registry's detail is shown
_ASKED_APART = 0.5  # seconds: pages take little of the rate at which a registry may be asked


@dataclass(slots=True)
class ServicePages:
    """Implements `reconciler.web.application.Pages`; used in the server's event loop.

    Attributes:
        now: the wall clock.
        stopping: whether the program was asked to stop.
        followed: repository and branch, in words without secrets; as of the last summary.
        late: how many answers came after their page was given up: it has something to fetch now.
    """

    configuration: Configuration
    sessions: LoopSessions
    status: LiveStatus
    worker: Worker
    now: Callable[[], datetime] = field(kw_only=True, default=utc_now)
    stopping: Callable[[], bool] = field(kw_only=True)
    followed: tuple[str, str] = ("", "")
    late: int = 0
    _missed: set[Hashable] = field(default_factory=set)
    _thread: Worker = field(default_factory=Worker)  # whose end nobody waits for, whatever hangs in it
    _kept: OrderedDict[Hashable, tuple[int, Any]] = field(default_factory=OrderedDict)
    _tables: tuple[SqlLedger, VerdictTable] | None = None
    _commits: dict[str, CommitInfo | None] = field(default_factory=dict)
    _details: OrderedDict[tuple[str, str], tuple[datetime, Mapping[str, Any]]] = field(
        default_factory=OrderedDict
    )
    _asked_at: float = 0.0
    _commit: str = ""
    _leader: str = field(default_factory=lambda: f"{socket.gethostname()}, process {os.getpid()}")
    _leader_id: str = field(default_factory=lambda: secrets.token_hex(4))  # another process has other pages

    def state(self, report: Report | None) -> PageState:
        """What every page shows."""
        status, web = self.status, self.configuration.settings.web
        targets = self.configuration.settings.targets
        return PageState(
            now=self.now(),
            version=__version__,
            phase="stopping" if self.stopping() else "running" if status.last else "starting",
            report=report,
            last_tick=self._last_tick(),
            last_success_at=status.succeeded_at,
            next_tick_at=status.next_run(),
            repository=self.followed[0],
            branch=self.followed[1],
            leader=status.leader() or self._leader,
            targets=tuple(
                TargetFacts(name, targets[name].shown, status.answered.get(name)) for name in status.targets
            ),
            commit_url=web.commit_url,
            file_url=web.file_url,
            problem=status.problem() if status.last else None,
            undelivered=status.undelivered(),
        )

    def token(self) -> str | None:
        """Another one with whatever the pages may show anew; None while the program stops."""
        problem = self.status.problem() if self.status.last else None
        token = f"{self._leader_id}.{self.status.revision}.{self.late}.{int(problem is None)}"
        return None if self.stopping() else token

    async def summary(self) -> Report | None:
        """The newest report in numbers."""
        return await self._read("summary", self._summary)

    async def report(self) -> Report | None:
        """The newest report with its models."""
        return await self._read("report", lambda: page_report(self._session()))

    async def overview(self, query: ListingQuery, *, matrix: bool) -> OverviewFacts | None:
        """One page of models; None where it could not be read yet."""
        return await self._read((query, matrix), lambda: self._overview(query, matrix=matrix))

    async def model(self, target: str, name: str, version: str | None) -> ModelFacts | None:
        """One model; None where nothing is known of it. Raises StateError."""
        key = (target, name, version)
        record = await self._read(
            key, lambda: model_record(self._commit, target, name, version, self._shown(self._session()))
        )
        if record is None and key not in self._kept:
            raise StateError("the model could not be read in time")
        return None if record is None else await self._with_registry(record)

    def close(self) -> None:
        """Reads nothing more."""
        self._thread.end()

    async def _read(self, key: Hashable, work: Callable[[], T]) -> T | None:
        """What the work gives, or gave last; None while neither is there."""
        revision = self.status.revision
        held = self._kept.get(key)
        if held is not None and held[0] == revision:
            self._kept.move_to_end(key)
            return cast("T", held[1])

        async def kept() -> T:
            answer = work()
            loop.call_soon_threadsafe(self._keep, key, revision, answer)
            return answer

        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(_WAITS):
                return await self._thread.run(kept())
        except TimeoutError:
            self._missed.add(key)
        except ReconcilerError:
            pass
        held = self._kept.get(key)
        return cast("T", held[1]) if held is not None else None

    def _keep(self, key: Hashable, revision: int, value: object) -> None:
        if key in self._missed:
            self._missed.remove(key)
            self.late += 1
        self._kept[key] = (revision, value)
        self._kept.move_to_end(key)
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)

    def _last_tick(self) -> TickSummary | None:
        """The newest tick; where addresses are not shown, its error names none, such as a signer's."""
        tick = self.status.last
        if tick is None:
            return None
        is_shown = tick.error is None or self.configuration.settings.web.show_emails
        error = tick.error if is_shown else without_address(tick.error or "")
        return TickSummary(tick.at, tick.seconds, tick.outcome, error)

    # in the thread

    def _session(self) -> Session:
        session = self.sessions.session
        if session is None:
            raise StateError("the state is away")
        return session

    def _summary(self) -> Report | None:
        session = self._session()
        summary = session.ledger.summary()
        names = {target.name for target in session.engine.targets}
        if summary is None:
            return None
        self._commit = summary.commit
        self.followed = followed(self.configuration)
        return replace(
            summary,
            failures=tuple(failure for failure in summary.failures if failure.target in names),
            unlisted={key: number for key, number in summary.unlisted.items() if key[0] in names},
        )

    def _overview(self, query: ListingQuery, *, matrix: bool) -> OverviewFacts:
        session = self._session()
        table = self._table(session)
        selected = table.select_pairs(query) if matrix else table.select(query)
        states = session.ledger.verdicts.numbered(selected.numbers)
        items = self._shown(session).items(tuple(states[n] for n in selected.numbers if n in states))
        models = Listing(items, selected.matching, selected.groups)
        return OverviewFacts(models, self._made(session, items))

    def _table(self, session: Session) -> VerdictTable:
        """All verdicts, as they are now; a new state's are read anew.

        So are all where another replica has removed some: only this process's own removals are told.
        """
        table = self._brought_up(session)
        if session.campaign is not None:
            numbers = session.ledger.counted().items()
            if table.size != sum(number for (target, _), number in numbers if target in table.targets):
                self._tables = None
                table = self._brought_up(session)
        return table

    def _brought_up(self, session: Session) -> VerdictTable:
        rows = session.ledger.verdicts
        if self._tables is None or self._tables[0] is not session.ledger:
            names = frozenset(target.name for target in session.engine.targets)
            self._tables = (session.ledger, VerdictTable(names, self._shown(session).author))
        table = self._tables[1]
        gone = rows.removed()  # before anything is read: what is removed meanwhile is told the next time
        if gone:
            table.remove(gone)
            again = [number for number in gone if number <= table.newest]
            table.add(rows.numbered(again).items())
        while some := rows.after(table.newest, _ROWS_AT_ONCE):
            table.add(some)
        return table

    def _shown(self, session: Session) -> Shown:
        return Shown(session, self.configuration.settings.web.show_emails)

    def _made(self, session: Session, items: Iterable[ModelState]) -> dict[str, CommitInfo]:
        """Who made the commits that are shown; commits never change, so that each is asked for once."""
        commits = {item.commit for item in items if item.commit} | {self._commit}
        unknown = [commit for commit in commits if commit and commit not in self._commits]
        if unknown and len(self._commits) > _COMMITS_KEPT:
            self._commits.clear()
        if unknown:
            with suppress(ReconcilerError), closing(source_of(self.configuration)) as source:
                found = source.attributions(unknown)
                self._commits.update({commit: found.get(commit) for commit in unknown})
        shown = self._shown(session)
        infos = {commit: self._commits.get(commit) for commit in commits}
        return {commit: shown.commit_info(made) for commit, made in infos.items() if made is not None}

    # the registry

    async def _with_registry(self, record: ModelRecord) -> ModelFacts:
        """The facts with the declared side and the registry's, field by field."""
        facts = record.facts
        target = next((t for t in self._session().engine.targets if t.name == facts.target), None)
        if facts.version is None or target is None:
            return facts
        at, detail, why = await self._detail(target, record.model_id)
        fields = target.registry.vendor.side_by_side(record.request, detail, target.reader.edition.fields)
        return replace(facts, registered=Registered(fields, at, why))

    async def _detail(
        self, target: Target, model_id: str | None
    ) -> tuple[datetime | None, Mapping[str, Any], str | None]:
        """When the registry was asked, seldom and never for long, and its detail; or why there is none."""
        if model_id is None:
            return None, {}, "it is not registered"
        key, now = (target.name, model_id), self.now()
        held = self._details.get(key)
        if held is None or (now - held[0]).total_seconds() > _ASKED_AGAIN:
            if time.monotonic() - self._asked_at < _ASKED_APART:
                return None, {}, "the registry was asked just now"
            self._asked_at = time.monotonic()
            try:
                async with asyncio.timeout(_WAITS):
                    detail = await self.worker.run(target.registry.detail(model_id))
            except (ReconcilerError, TimeoutError) as error:
                return None, {}, str(error) or "the registry did not answer in time"
            held = self._details[key] = (now, detail)
            while len(self._details) > _KEPT:
                self._details.popitem(last=False)
        return *held, None
