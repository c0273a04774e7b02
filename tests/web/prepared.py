"""The pages of a state that was prepared, served as `run` serves them, without a loop."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from reconciler.app.live_status import LiveStatus
from reconciler.app.loop_sessions import LoopSessions
from reconciler.app.pages import ServicePages
from reconciler.app.session import open_session
from reconciler.daemon.supervisor import Health
from reconciler.daemon.worker import working
from reconciler.engine.clock import Clock
from reconciler.engine.values import Difference, ModelState, Report, TargetFailure, Verdict
from reconciler.manifest.values import Reason
from reconciler.settings import load
from reconciler.web.application import Probes, create_app
from reconciler.web.server import listen, serving
from reconciler.web.webhook import Receiver
from tests.web.threaded import Threaded

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from reconciler.app.session import Session

TARGETS = """
[targets.staging]
kind = "embedded"
path = "models.d"
[targets.prod]
kind = "embedded"
path = "models.d/prod"
[web]
commit_url = "https://git.example.com/commit/{commit}"
file_url = "https://git.example.com/blob/{commit}/{path}#L{line}"
"""
DIGEST = "5a" * 32
_OTHERS = [verdict for verdict in Verdict if verdict is not Verdict.IN_SYNC]
_WHY = {
    Verdict.REFUSED: ("max-imports-per-cycle", f"too many: `reconciler apply --confirm {DIGEST}`"),
    Verdict.FAILED: ("import-failed", "the registry says failed, and its API gives no cause"),
    Verdict.DRIFTED: ("drifted", "registered with other content: declare version 9.0.1"),
    Verdict.INVALID: ("unknown-field", "runtme: is not a known field; did you mean 'runtime'?"),
    Verdict.CONFLICT: ("conflict", "is declared 2 times: keep one"),
    Verdict.MISSING: ("missing", "imported earlier, and gone from the registry since"),
    Verdict.WAITING: ("outcome-unknown", "an import was sent, and its outcome is still being settled"),
    Verdict.UNMANAGED: ("not-declared", "registered, and declared nowhere"),
}


def models(number: int, commit: str, *, well: int = 40, now: datetime | None = None) -> list[ModelState]:
    """So many models in two targets; one of `well` is not in sync, and these have every verdict in turn."""
    now = now or datetime.now(UTC)
    states = []
    for n in range(number):
        verdict = _OTHERS[n // well % len(_OTHERS)] if n % well == 0 else Verdict.IN_SYNC
        path = f"models.d/team-{n // 50}/model-{n}.yaml"
        code, why = _WHY.get(verdict, ("", ""))
        states.append(
            ModelState(
                "prod" if n % 2 else "staging",
                verdict,
                f"model-{n // 2:06d}",
                f"1.{n // 2 % 7}.0",
                path,
                1,
                commit,
                f"Ada {n % 13} <ada{n % 13}@example.org>",
                f"0be5{n:08x}-6786-4477-8b40-371cbcd95308",
                "published",
                (Reason(code, why, path, 1),) if code else (),
                (Difference("description", "ten digits", "digits"),) if verdict is Verdict.DRIFTED else (),
                "d" * 64,
                now - timedelta(minutes=n % 9000),
                now + timedelta(minutes=5) if verdict is Verdict.WAITING else None,
            )
        )
    return states


@dataclass
class Prepared(Threaded):
    """The pages of these models; `url`, and a client that is closed with it.

    Attributes:
        folder: a repository with a configuration.
        items: what stands.
        failures: targets that could not be reconciled.
    """

    folder: Path
    items: Sequence[ModelState] | None = None
    failures: tuple[TargetFailure, ...] = ()
    commit: str = ""
    url: str = ""
    live_status: LiveStatus = field(init=False)
    world: Session = field(init=False)

    START = 60
    STOP = 30
    ANSWER = 30

    def save(self, items: Sequence[ModelState], failures: tuple[TargetFailure, ...] = ()) -> None:
        """Remembers verdicts as a cycle does, and says so."""
        report = Report(self.commit, DIGEST, tuple(items), failures)
        self.world.ledger.save_report(report, {"staging": None, "prod": None}, {})
        self.live_status.on_report(report)

    async def run(self) -> None:
        """The pages on a free port."""
        configuration = load(None, cwd=self.folder)
        self.live_status = LiveStatus(Health(lambda: 90.0, 30.0), configuration.chosen(None))
        sessions = LoopSessions(configuration, None, Clock(), self.live_status)
        async with working() as worker, open_session(configuration, acts=True) as self.world:
            sessions.session = self.world
            self.commit = self.commit or self.world.source.head()
            if self.items is not None:
                self.save(self.items, self.failures)
            pages = ServicePages(configuration, sessions, self.live_status, worker, stopping=self.stopping)
            app = create_app(pages, Probes(self.live_status.scrape), Receiver(lambda: None, lambda _: None))
            async with serving(app, listen("127.0.0.1", 0)) as self.url:
                await self.serve()
            pages.close()
