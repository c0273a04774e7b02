"""Events and reports to remember, and strategies that draw any."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from reconciler.contract.pair import Pair
from reconciler.engine.fold import fold
from reconciler.engine.values import Entry, Event, EventKind, Item, Report, TargetFailure, Verdict
from reconciler.manifest.values import Reason

NOON = datetime(2026, 11, 23, 12, 0, 0, 123456, tzinfo=UTC)
MNIST = Pair("mnist", "1.0.0")


def requested(name: str = "mnist", version: str = "1.0.0", target: str = "prod", minute: int = 0) -> Event:
    """The intent to import a pair, with every fact an intent has."""
    return Event(
        at=NOON + timedelta(minutes=minute),
        kind=EventKind.IMPORT_REQUESTED,
        target=target,
        pair=Pair(name, version),
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
        pair=Pair(name, version),
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
    items = [Item("prod", Verdict.IN_SYNC, name, "1.0.0", reasons=(reason,)) for name in names]
    failure = TargetFailure("staging", "the registry does not answer")
    invalid = Item(
        "prod", Verdict.INVALID, path="models.d/\udcff.yaml", diff=("a: 1 → 2", "\x1b[31m\0\\u0000")
    )
    return Report("c" * 40, "d" * 64, (invalid, *items), (failure,), ("the work tree is dirty",))


def folded(events: list[Event]) -> dict[tuple[str, Pair], Entry]:
    """What the ledger must be after these events."""
    entries: dict[tuple[str, Pair], Entry] = {}
    for event in events:
        key = (event.target, event.pair)
        entries[key] = fold(entries.get(key), event)
    return entries


_texts = st.text(st.characters(categories=["L", "N", "P", "S", "Z", "Cc", "Cs"]), max_size=12)
_maybe = st.none() | _texts
_times = st.datetimes(
    datetime(1970, 1, 2), datetime(9998, 1, 1), timezones=st.just(UTC) | st.timezones(), allow_imaginary=False
)  # fmt: skip
_few = st.sampled_from(["mnist", "bert", "a\0b", "\udcff", "\\udcff"])

events = st.builds(
    Event,
    at=_times,
    kind=st.sampled_from(EventKind),
    target=st.sampled_from(["prod", "dev"]),
    pair=st.builds(Pair, _few, st.sampled_from(["1.0.0", "1.10.0"])),
    cycle_id=_texts,
    operation_id=_maybe,
    digest=_maybe,
    commit=_maybe,
    path=_maybe,
    line=st.none() | st.integers(1, 2**62),
    author=_maybe,
    model_id=_maybe,
    model_status=_maybe,
    request_id=_maybe,
    not_before=st.none() | _times,
    code=_maybe,
    detail=_maybe,
)

_lines = st.none() | st.integers(1, 10**6)
_reasons = st.builds(
    Reason, _texts, _texts, _maybe, _lines, _lines, st.sampled_from(["error", "warning"]), _maybe
)  # fmt: skip
_items = st.builds(
    Item,
    target=_texts,
    verdict=st.sampled_from(Verdict),
    model_name=_maybe,
    model_version=_maybe,
    path=_maybe,
    line=_lines,
    commit=_maybe,
    author=_maybe,
    model_id=_maybe,
    model_status=_maybe,
    reasons=st.lists(_reasons, max_size=3).map(tuple),
    diff=st.lists(_texts, max_size=3).map(tuple),
    digest=_maybe,
)
reports = st.builds(
    Report,
    commit=_texts,
    digest=_texts,
    items=st.lists(_items, max_size=4).map(tuple),
    failures=st.lists(st.builds(TargetFailure, _texts, _texts, st.integers(0, 5)), max_size=2).map(tuple),
    notes=st.lists(_texts, max_size=2).map(tuple),
)
