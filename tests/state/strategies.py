"""Any event and any report, for hypothesis to draw."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

from hypothesis import strategies as st

from reconciler.contract.model_key import ModelKey
from reconciler.engine.reasons import COMPARED_LATER
from reconciler.engine.values import (
    Difference,
    Event,
    EventKind,
    ModelState,
    Report,
    Stage,
    TargetFailure,
    Verdict,
)
from reconciler.manifest.values import Reason

# What is not UTF-8 in git comes as one lone surrogate a byte, from U+DC80 on, and never as half of a pair.
_bytes = st.characters(min_codepoint=0xDC80, max_codepoint=0xDCFF, categories=["Cs"])
_texts = st.text(st.characters(categories=["L", "N", "P", "S", "Z", "Cc"]) | _bytes, max_size=12)
_maybe = st.none() | _texts
_times = st.datetimes(
    datetime(1970, 1, 2),  # noqa: DTZ001 - hypothesis adds the zone
    datetime(9998, 1, 1),  # noqa: DTZ001
    timezones=st.integers(-14, 14).map(lambda hours: timezone(timedelta(hours=hours))),
)
_few = st.sampled_from(["mnist", "bert", "a\0b", "\udcff", "\\udcff"])

events = st.builds(
    Event,
    at=_times,
    kind=st.sampled_from(EventKind),
    target=st.sampled_from(["prod", "dev"]),
    pair=st.builds(ModelKey, _few, st.sampled_from(["1.0.0", "1.10.0"])),
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
    stage=st.sampled_from(Stage),
).map(lambda event: event if event.model_status is not None else replace(event, stage=None))

_lines = st.none() | st.integers(1, 10**6)
_reasons = st.builds(
    Reason, _texts, _texts, _maybe, _lines, _lines, st.sampled_from(["error", "warning"]), _maybe
)
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | _texts,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_texts, inner, max_size=2),
)
_items = st.builds(
    ModelState,
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
    reasons=st.just(COMPARED_LATER) | st.lists(_reasons, max_size=3).map(tuple),
    diff=st.lists(st.builds(Difference, _texts, _json, _json), max_size=3).map(tuple),
    digest=_maybe,
    since=st.none() | _times.map(lambda moment: moment.astimezone(UTC)),
    next_attempt_at=st.none() | _times.map(lambda moment: moment.astimezone(UTC)),
)
reports = st.builds(
    Report,
    commit=_texts,
    digest=_texts,
    items=st.lists(_items, max_size=4).map(tuple),
    failures=st.lists(st.builds(TargetFailure, _texts, _texts, st.integers(0, 5)), max_size=2).map(tuple),
    notes=st.lists(_texts, max_size=2).map(tuple),
)
