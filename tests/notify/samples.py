"""Items, notifications and a state with sinks to tell of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from reconciler.engine.clock import Clock
from reconciler.engine.episodes import Message, Subject, Subscription
from reconciler.engine.values import ModelState, Report, Verdict
from reconciler.manifest.values import Reason
from reconciler.notify import Notification
from reconciler.state import SqlLedger, open_state

if TYPE_CHECKING:
    from pathlib import Path

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def item(name: str = "mnist", verdict: Verdict = Verdict.FAILED, minute: int = 0, **facts: Any) -> ModelState:
    """A model of target `prod` that has this verdict since so many minutes after noon."""
    defaults: dict[str, Any] = {
        "target": "prod",
        "path": f"models.d/{name}.yaml",
        "line": 1,
        "commit": "c" * 40,
        "author": "Ada <ada@example.org>",
        "reasons": (Reason("ModelArts.0203", "the registry says no"),) if verdict.is_held else (),
        "since": NOON + timedelta(minutes=minute),
    }
    return ModelState(verdict=verdict, model_name=name, model_version="1.0.0", **defaults | facts)


def opened(folder: Path, *sinks: str) -> SqlLedger:
    """A state that is told of by these sinks."""
    subscriptions = [Subscription(sink) for sink in sinks]
    return open_state(
        f"sqlite:///{folder}/state.db", writer=True, now=lambda: NOON, subscriptions=subscriptions
    )


def save(ledger: SqlLedger, *items: ModelState) -> None:
    """Saves a report of all models of `prod`."""
    ledger.save_report(Report("c" * 40, "d" * 64, items), {"prod": None}, {})


def notification(**facts: Any) -> Notification:
    """A notification with one message."""
    defaults: dict[str, Any] = {"verdict": Verdict.FAILED, "reason": "the registry says no", "code": "X.1"}
    message = Message(
        "oncall",
        "attention",
        Subject("prod", "mnist", "1.0.0", None),
        NOON,
        **{"at": NOON, **defaults, **facts},
    )
    return Notification(message.message_id, NOON, (message,))


class Wall:
    """A clock that goes on by what is slept, in no time.

    Attributes:
        moment: the time now.
        slept: every sleep, in seconds.
    """

    def __init__(self) -> None:
        self.moment = NOON
        self.slept: list[float] = []
        self._ids = 0

    def clock(self) -> Clock:
        """The clock."""
        return Clock(now=lambda: self.moment, sleep=self._sleep, chance=lambda: 1.0, new_id=self._id)

    def goes_on(self, seconds: float) -> None:
        """Time passes."""
        self.moment += timedelta(seconds=seconds)

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.goes_on(seconds)

    def _id(self) -> str:
        self._ids += 1
        return f"id-{self._ids}"
