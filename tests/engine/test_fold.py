"""The ledger is the fold of its journal."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from reconciler.contract import ModelKey
from reconciler.engine.values import Event, EventKind, LedgerEntry, Phase, Stage
from reconciler.engine.values.journal import apply_event

AT = datetime(2026, 11, 23, tzinfo=UTC)


def event(kind: EventKind, **facts: Any) -> Event:
    return Event(AT, kind, "local", ModelKey("m", "1.0.0"), "cycle", **facts)


def folded(*events: Event) -> LedgerEntry:
    entry: LedgerEntry | None = None
    for each in events:
        entry = apply_event(entry, each)
    assert entry is not None
    return entry


def test_an_import_that_was_made_is_registered_under_its_id() -> None:
    """Intent, then result."""
    entry = folded(
        event(EventKind.IMPORT_REQUESTED, digest="d", operation_id="o", commit="c"),
        event(EventKind.IMPORTED, model_id="m-1", request_id="r"),
    )
    assert (entry.phase, entry.model_id, entry.digest, entry.commit, entry.request_id) == (
        Phase.REGISTERED, "m-1", "d", "c", "r",
    )  # fmt: skip


def test_attempts_are_counted_for_one_content_and_start_again_with_another() -> None:
    """Back-off is reset when the content changes."""
    ask = event(EventKind.IMPORT_REQUESTED, digest="d")
    later = event(EventKind.POSTPONED, not_before=AT + timedelta(seconds=9))
    assert folded(ask, later, ask).attempts == 2
    assert folded(ask, later, event(EventKind.IMPORT_REQUESTED, digest="e")).attempts == 1
    assert folded(ask, later, event(EventKind.RELEASED)).attempts == 0


def test_a_model_that_somebody_else_made_has_no_digest() -> None:
    """An intent that met a stranger's model was never carried out."""
    entry = folded(event(EventKind.IMPORT_REQUESTED, digest="d"), event(EventKind.DRIFTED, model_id="m-1"))
    assert (entry.phase, entry.digest, entry.model_id) == (Phase.REGISTERED, None, "m-1")


def test_a_model_of_ours_keeps_the_digest_it_was_made_from_when_it_drifts() -> None:
    """So that a manifest that is restored is known to be what was imported."""
    entry = folded(
        event(EventKind.IMPORT_REQUESTED, digest="d"),
        event(EventKind.IMPORTED, model_id="m-1"),
        event(EventKind.DRIFTED, model_id="m-1"),
    )
    assert (entry.digest, entry.last) == ("d", EventKind.DRIFTED)


def test_a_deleted_failed_model_is_forgotten_and_its_pair_is_free() -> None:
    """`retry` makes room for another attempt."""
    entry = folded(
        event(EventKind.IMPORTED, model_id="m-1", model_status="failed", stage=Stage.FAILED),
        event(EventKind.DELETED),
    )
    assert entry.phase is Phase.RELEASED
    assert (entry.model_id, entry.model_status, entry.stage) == (None, None, None)


def test_a_time_to_wait_for_belongs_to_the_event_that_named_it() -> None:
    """An old appointment does not hold a new attempt back."""
    entry = folded(event(EventKind.POSTPONED, not_before=AT), event(EventKind.IMPORT_REQUESTED, digest="d"))
    assert entry.not_before is None
