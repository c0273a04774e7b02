"""What the pages of `run` show: what the board hears, and what the reader reads."""

from __future__ import annotations

import os
import secrets
import socket
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from reconciler import __version__
from reconciler.app.page_reader import PageReader
from reconciler.views.masked import without_address
from reconciler.views.page_facts import PageState, TargetFacts, TickSummary

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.engine.values import Report


@dataclass(slots=True)
class ServicePages(PageReader):
    """Implements `reconciler.web.application.Pages`; used in the server's event loop."""

    stopping: Callable[[], bool] = field(kw_only=True)
    _leader: str = field(init=False)
    _leader_id: str = field(init=False)

    def __post_init__(self) -> None:
        self._leader_id = secrets.token_hex(4)  # pages of another process are none of this one's
        self._leader = f"{socket.gethostname()}, process {os.getpid()}"

    def state(self, report: Report | None) -> PageState:
        """What every page shows."""
        board, web = self.board, self.configuration.settings.web
        return PageState(
            now=datetime.now(UTC),
            version=__version__,
            phase="stopping" if self.stopping() else "running" if board.last else "starting",
            report=report,
            last_tick=self._last_tick(),
            last_success_at=board.succeeded_at,
            next_tick_at=board.next_run(),
            repository=self.followed[0],
            branch=self.followed[1],
            leader=board.leader() or self._leader,
            targets=tuple(self._target(name) for name in board.targets),
            commit_url=web.commit_url,
            file_url=web.file_url,
            problem=board.problem() if board.last else None,
            undelivered=board.undelivered(),
        )

    def token(self) -> str | None:
        """Another one with whatever the pages may show anew; None while the program stops."""
        problem = self.board.problem() if self.board.last else None
        token = f"{self._leader_id}.{self.board.revision}.{self.late}.{int(problem is None)}"
        return None if self.stopping() else token

    def _last_tick(self) -> TickSummary | None:
        """The newest tick; where addresses are not shown, its error names none, such as a signer's."""
        tick = self.board.last
        if tick is None:
            return None
        is_shown = tick.error is None or self.configuration.settings.web.show_emails
        error = tick.error if is_shown else without_address(tick.error or "")
        return TickSummary(tick.at, tick.seconds, tick.outcome, error)

    def _target(self, name: str) -> TargetFacts:
        shown = self.configuration.settings.targets[name].shown
        return TargetFacts(name, shown, self.board.answered.get(name))
