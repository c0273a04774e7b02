"""The line that the log has of one tick."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from reconciler.engine.values import Verdict
from reconciler.log import log

if TYPE_CHECKING:
    from reconciler.daemon.cycle_job import Tick


def word(kind: str) -> str:
    """A kind of event or verdict, as the key of a fact in the log."""
    return kind.replace("-", "_")


def tell(tick: Tick, done: dict[str, int]) -> None:
    """One log line a tick: what was seen and what was done; a tick with nothing to do only when debugging."""
    facts: dict[str, object] = {"why": tick.why, "seconds": round(tick.seconds, 3), **done}
    if tick.report is not None:
        counts = Counter[Verdict]()
        for (_, verdict), number in tick.report.counted().items():
            counts[verdict] += number
        seen = {word(verdict): counts[verdict] for verdict in Verdict if counts[verdict]}
        facts = {"commit": tick.report.commit[:12], **seen, **facts}
    if tick.error is not None:
        log.error("tick failed", error=tick.error, **facts)
    elif tick.report is None:
        log.debug("tick: nothing to do", **facts)
    else:
        log.info("tick", **facts)
