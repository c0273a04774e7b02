"""The lines of git's notes: one for each event, canonical, and back."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.contract.model_key import ModelKey
from reconciler.engine.note_lines import event_of, events_of, note_line
from reconciler.engine.values import Event, EventKind, Facts, Stage
from tests.effort import examples

COMMIT = "c" * 40
_words = st.text(min_size=1, max_size=12)
_moments = st.datetimes(min_value=datetime(2020, 1, 1), max_value=datetime(2030, 1, 1)).map(  # noqa: DTZ001 - below
    lambda moment: moment.replace(tzinfo=UTC)
)
EVENTS = st.builds(
    Event,
    at=_moments,
    kind=st.sampled_from(EventKind),
    target=_words,
    pair=st.builds(ModelKey, _words, _words),
    cycle_id=_words,
    commit=st.just(COMMIT),
    line=st.none() | st.integers(1, 1000),
    not_before=st.none() | _moments,
    expected=st.none(),
    stage=st.none() | st.sampled_from(Stage),
    **{
        name: st.none() | _words
        for name in ("actor", *(fact.name for fact in fields(Facts)))
        if name not in ("commit", "line", "not_before", "stage")
    },
)


@given(EVENTS)
@settings(deadline=None, max_examples=examples(200))
def test_an_event_is_one_line_and_the_line_is_that_event(event: Event) -> None:
    """Every fact of it, whatever people and registries wrote; one line, which a terminal only shows."""
    line = note_line(event)
    assert event_of(COMMIT, line) == event
    assert len(line.splitlines()) == 1
    line.encode("utf-8")
    assert list(json.loads(line)) == sorted(json.loads(line))


@given(st.lists(EVENTS, max_size=8, unique_by=lambda event: event.at))
@settings(deadline=None, max_examples=examples(50))
def test_lines_that_are_sorted_are_in_the_order_of_what_happened(events: list[Event]) -> None:
    """So that a merge, which sorts them, tells a story."""
    lines = sorted(map(note_line, events))
    events_read, unread = events_of([(COMMIT, "\n".join([*lines, *lines[:1]]))])
    assert unread == 0
    assert [event for n, event in enumerate(events_read) if event not in events_read[:n]] == sorted(
        events, key=lambda event: event.at
    )


def test_a_line_that_tells_of_no_event_is_counted_and_left_out() -> None:
    """Anybody who may push notes can write anything."""
    event = Event(datetime.now(UTC), EventKind.IMPORTED, "local", ModelKey("a", "1.0.0"), "cycle")
    later = replace(event, at=event.at + timedelta(seconds=1))
    bad = ["reviewed", "{}", "[]", '{"at":1}', note_line(event).replace("imported", "exported")]
    facts = json.loads(note_line(event))
    wrong = {"line": "7", "author": ["Ada"], "digest": 3, "by": 1, "at": "0001-01-01T00:00:00+14:00"}
    bad += [json.dumps(facts | {name: value}) for name, value in wrong.items()]
    bad += [
        json.dumps(facts | {"line": 2**70}),
        json.dumps(facts | {"not_before": "2026-01-01"}),
        "[" * 100_000,
    ]
    naive = note_line(event).replace("+00:00", "")
    text = "\n".join([note_line(later), *bad, naive, note_line(event)])
    events, unread = events_of([(COMMIT, text)])
    assert [one.at for one in events] == [event.at, later.at]
    assert unread == len(bad) + 1
