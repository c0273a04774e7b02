"""Events and reports to remember."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from reconciler.contract.model_key import ModelKey
from reconciler.engine.values import (
    Difference,
    Event,
    EventKind,
    LedgerEntry,
    ModelState,
    Report,
    TargetFailure,
    Verdict,
)
from reconciler.engine.values.journal import apply_event
from reconciler.manifest.values import Reason

NOON = datetime(2026, 11, 23, 12, 0, 0, 123456, tzinfo=UTC)
MNIST = ModelKey("mnist", "1.0.0")


def requested(name: str = "mnist", version: str = "1.0.0", target: str = "prod", minute: int = 0) -> Event:
    """The intent to import a pair, with every fact an intent has."""
    return Event(
        at=NOON + timedelta(minutes=minute),
        kind=EventKind.IMPORT_REQUESTED,
        target=target,
        pair=ModelKey(name, version),
        cycle_id="cycle-1",
        operation_id="operation-1",
        digest="d" * 64,
        commit="c" * 40,
        path="models.d/mnist.yaml",
        line=7,
        author="Ada <ada@example.org>",
    )


def imported(name: str = "mnist", version: str = "1.0.0", target: str = "prod", minute: int = 1) -> Event:
    """The registry's answer to that intent."""
    return Event(
        at=NOON + timedelta(minutes=minute),
        kind=EventKind.IMPORTED,
        target=target,
        pair=ModelKey(name, version),
        cycle_id="cycle-1",
        model_id="10eb0091-887f-4839-9929-cbc884f1e20e",
        request_id="request-1",
        not_before=NOON + timedelta(hours=1),
    )


def report(*names: str) -> Report:
    """A report of models that are in sync, and one of everything else a report can hold."""
    reason = Reason(
        "bad-version", "a part must not start with 0", "models.d/ü.yaml", 7, 3, "warning", "x: 01"
    )
    items = [ModelState("prod", Verdict.IN_SYNC, name, "1.0.0", reasons=(reason,)) for name in names]
    failure = TargetFailure("staging", "the registry does not answer")
    invalid = ModelState(
        "prod",
        Verdict.INVALID,
        path="models.d/\udcff.yaml",
        diff=(Difference("→", 1, [True, None]), Difference("\x1b[31m\0\\u0000", "\udcff", {"a": 1.5})),
        since=NOON,
    )
    return Report("c" * 40, "d" * 64, (invalid, *items), (failure,), ("the work tree is dirty",))


def folded(events: list[Event]) -> dict[tuple[str, ModelKey], LedgerEntry]:
    """What the ledger must be after these events."""
    entries: dict[tuple[str, ModelKey], LedgerEntry] = {}
    for event in events:
        key = (event.target, event.pair)
        entries[key] = apply_event(entries.get(key), event)
    return entries
