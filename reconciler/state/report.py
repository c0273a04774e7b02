"""What a report says beside its items, as JSON text, and back; equal reports give equal text."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from sqlalchemy import select

from reconciler.engine.values import ModelState, Report, TargetFailure, Verdict
from reconciler.state.errors import UnreadableState
from reconciler.state.tables import report as table

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from sqlalchemy.engine import Connection


def newest(connection: Connection) -> str | None:
    """The text that was stored last; None when no cycle has finished."""
    return connection.scalar(select(table.c.body).order_by(table.c.id.desc()).limit(1))


def dump(report: Report) -> str:
    """The report without its items as one line of ASCII JSON."""
    facts = {
        "commit": report.commit,
        "digest": report.digest,
        "failures": [asdict(failure) for failure in report.failures],
        "notes": report.notes,
    }
    return json.dumps(facts, separators=(",", ":"))


def joined(report: Report, before: str | None, judged: Collection[str]) -> Report:
    """The report with what the one stored before says of targets that this one is not about.

    Another replica, or a cycle over other targets, failed in those.
    """
    if before is None:
        return report
    about = {*judged, *(failure.target for failure in report.failures)}
    try:
        failures_before = load(before, (), {}).failures
    except UnreadableState:  # it was edited: this one takes its place
        return report
    kept = [failure for failure in failures_before if failure.target not in about]
    return replace(report, failures=(*report.failures, *kept)) if kept else report


def load(text: str, items: tuple[ModelState, ...], unlisted: Mapping[tuple[str, Verdict], int]) -> Report:
    """The report that `dump` wrote, with these items. Raises UnreadableState."""
    try:
        raw = json.loads(text)
        return Report(
            commit=raw["commit"],
            digest=raw["digest"],
            items=items,
            failures=tuple(TargetFailure(**failure) for failure in raw["failures"]),
            notes=tuple(raw["notes"]),
            unlisted=unlisted,
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise UnreadableState("the last report") from error
