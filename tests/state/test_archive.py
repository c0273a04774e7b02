"""Compacting: what is archived is read as before, by everybody; all of it is moved or nothing."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from reconciler.engine.values import EventKind, Reconciled, Stage
from reconciler.engine.values.journal import at_rest
from reconciler.errors import StateError, StateLockedError
from reconciler.state import check, compact, export, open_for_release, open_journal, rebuild
from reconciler.state.archive import CHUNK, bloom_filter, may_hold
from tests.effort import examples
from tests.state.conftest import directly
from tests.state.leading import open_state
from tests.state.samples import MNIST, NOON, folded, imported, report, requested
from tests.state.strategies import events

if TYPE_CHECKING:
    from reconciler.engine.values import Event
    from reconciler.state import JournalReader
    from tests.state.conftest import NewUrl

EVER = datetime(9999, 1, 1, tzinfo=UTC)
MONTH = timedelta(days=30)
a_few = settings(
    max_examples=examples(15), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def published(name: str, minute: int = 2) -> Event:
    """The end of an import."""
    return replace(
        imported(name, minute=minute),
        kind=EventKind.PUBLISHED,
        model_status="published",
        stage=Stage.PUBLISHED,
    )


def lives(number: int) -> list[Event]:
    """Three events for each of so many models, which are at rest after them."""
    names = [f"m{place}" for place in range(number)]
    return [event for name in names for event in (requested(name), imported(name), published(name))]


def answers(url: str) -> dict[str, Any]:
    """Everything that can be asked about the journal; of the journal alone, in both ways of opening it."""
    with open_state(url, writer=False) as ledger, open_journal(url) as journal:
        all_events = ledger.events()
        results: dict[str, Any] = {
            "of the journal": _journal_answers(journal),
            "at times": [
                ledger.entries_at(target, position, at)
                for target, at in {(e.target, e.at) for e in all_events}
                for position in (None, len(all_events) // 2)
            ],
            "position": ledger.position(),
            "newest": ledger.newest(),
            "entries": [ledger.entries(target) for target in ("prod", "dev")],
        }
        assert _journal_answers(ledger) == results["of the journal"]
    return results | {"export": list(export(url)), "check": check(url)}


def _journal_answers(journal: JournalReader) -> dict[str, Any]:
    all_events = journal.events()
    pairs = {(event.target, event.pair) for event in all_events}
    return {
        "events": all_events,
        "events after": [journal.events_after(position, 3) for position in (0, len(all_events) // 2)],
        "of targets": {target: journal.events(target) for target in ("prod", "dev", "none")},
        "of pairs": {key: journal.events(*key) for key in pairs},
        "of commits": {(e.target, e.commit): journal.events(e.target, commit=e.commit) for e in all_events},
        "of ids": {
            (e.target, e.model_id): sorted(journal.pairs_of(e.target, e.model_id))
            for e in all_events
            if e.model_id
        },
        "by name": _by_name(journal),
        "of a pair in any target": [journal.events(pair=pair) for pair in sorted({p for _, p in pairs})],
    }


def _by_name(ledger: JournalReader) -> dict[str, list[Event]]:
    """What is asked name after name."""
    with ledger.journal_by_name("prod") as journal:
        events_by_name = {name: journal.events([name]) for name in journal.names()}
        assert journal.events(list(events_by_name)) == ledger.events("prod")
    for name, named_events in events_by_name.items():
        assert named_events == ledger.events("prod", name=name)
    return events_by_name


def count(url: str, table: str) -> int:
    """How many rows a table has."""
    engine = create_engine(url, poolclass=NullPool)
    with engine.begin() as connection:
        return int(connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())  # noqa: S608


def execute(url: str, statement: str) -> None:
    """Edits a state behind the program's back."""
    engine = create_engine(url, poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text(statement))


@directly
@a_few
@given(
    groups=st.lists(st.lists(events, max_size=8), max_size=4),
    moments=st.lists(st.none() | events.map(lambda e: e.at), max_size=4),
)
def test_compacting_changes_no_readers_answer(
    new_url: NewUrl, groups: list[list[Event]], moments: list[datetime | None]
) -> None:
    """For any events, compacted any number of times between them."""
    plain, compacted = new_url(), new_url()
    for place, group in enumerate(groups or [[]]):
        for url in (plain, compacted):
            with open_state(url, writer=True) as ledger:
                ledger.append(group)
        if place < len(moments):
            compact(compacted, moments[place] or EVER)
    expected = answers(plain)
    assert answers(compacted) == expected
    compact(compacted, EVER)
    assert answers(compacted) == expected
    assert rebuild(compacted) == 0


@directly
@a_few
@given(written=st.lists(events, max_size=8), before=st.none() | events.map(lambda event: event.at))
def test_the_ledger_as_it_was_is_the_fold_of_what_was_journalled_by_then(
    new_url: NewUrl, written: list[Event], before: datetime | None
) -> None:
    """For any events, in whatever order their clocks put them, archived or not; by number and by time."""
    url = new_url()
    with open_state(url, writer=True) as ledger:
        ledger.append(written)
    if before is not None:
        compact(url, before)
    with open_state(url, writer=False) as ledger:
        for position in (None, *range(len(written) + 1)):
            for at in {EVER, *(event.at for event in written)}:
                then = folded([event for event in written[:position] if event.at <= at])
                for target in {event.target for event in written}:
                    expected = {pair: entry for (of, pair), entry in then.items() if of == target}
                    assert ledger.entries_at(target, position, at) == expected


@directly
@a_few
@given(written=st.lists(events, max_size=12), before=events.map(lambda event: event.at))
def test_what_is_young_or_not_at_rest_stays_and_so_does_the_newest(
    new_url: NewUrl, written: list[Event], before: datetime
) -> None:
    """All else is moved."""
    url = new_url()
    entries = folded(written)
    movable = [e for e in written[:-1] if e.at < before and at_rest(entries[e.target, e.pair])]
    with open_state(url, writer=True) as ledger:
        ledger.append(written)
    assert compact(url, before) == len(movable)
    assert compact(url, before) == 0
    assert count(url, "journal") == len(written) - len(movable)


def test_many_events_are_a_chunk_for_each_thousand(url: str) -> None:
    """And take a tenth of the room, or less."""
    written = lives(700)
    with open_state(url, writer=True) as ledger:
        ledger.append(written)
    assert compact(url, EVER) == len(written) - 1
    with open_state(url, writer=False) as ledger:
        assert ledger.events() == written
    assert count(url, "archive") == 3
    assert count(url, "journal") == 1


def test_a_ledger_is_rebuilt_from_archive_and_journal(url: str) -> None:
    """Whatever happened to it."""
    with open_state(url, writer=True) as ledger:
        ledger.append(lives(3))
        expected = ledger.entries("prod")
    compact(url, EVER)
    execute(url, "DELETE FROM ledger WHERE model_name = 'm1'")
    execute(url, "UPDATE ledger SET attempts = 9 WHERE model_name = 'm0'")
    assert len(check(url)) == 2
    assert rebuild(url) == 2
    with open_state(url, writer=False) as ledger:
        assert ledger.entries("prod") == expected


_ANOTHER = "UPDATE archive SET body = (SELECT body FROM archive WHERE first <> 1 LIMIT 1) WHERE first = 1"

_SHORTER = "UPDATE archive SET last = last + 1 WHERE first = 1"


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE archive SET body = x'' WHERE first = 1",
        "UPDATE archive SET body = x'00ff'",
        _ANOTHER,
        _SHORTER,
    ],
    ids=["empty", "other", "twice", "shorter"],
)
def test_a_damaged_archive_is_told_and_nothing_is_made_up(sqlite_url: str, damage: str) -> None:
    """By `check`, and by whoever reads it."""
    with open_state(sqlite_url, writer=True) as ledger:
        ledger.append(lives(400))
    compact(sqlite_url, EVER)
    execute(sqlite_url, damage)
    (problem,) = check(sqlite_url)
    assert "is not what this program writes" in problem
    with open_state(sqlite_url, writer=False) as ledger, pytest.raises(StateError, match="damaged or edited"):
        ledger.events()
    with pytest.raises(StateError, match="damaged or edited"), open_journal(sqlite_url) as journal:
        journal.events()
    with pytest.raises(StateError, match="damaged or edited"):
        rebuild(sqlite_url)


def test_a_report_compacts_once_a_day_and_only_by_whole_chunks(url: str) -> None:
    """In the report's own transaction: nothing is written for it."""
    clock = [NOON + timedelta(days=60)]
    with open_state(url, writer=True, compact_after=MONTH, now=lambda: clock[0]) as ledger:

        def saved(*names: str) -> int:
            before = ledger.writes
            ledger.save_report(report(*names), {"prod": None}, {})
            return ledger.writes - before

        ledger.append(lives(10))
        assert (saved("a"), count(url, "archive")) == (1, 0)
        ledger.append([replace(event, at=NOON) for event in lives(400)])
        assert (saved("b"), count(url, "archive")) == (1, 0)
        clock[0] += timedelta(days=1)
        assert (saved("b"), count(url, "archive")) == (0, 0)
        assert (saved("c"), count(url, "archive")) == (1, 1)
        assert count(url, "journal") == 30 + 1200 - CHUNK
        assert (saved("c"), saved("d"), count(url, "archive")) == (0, 1, 1)
        clock[0] -= MONTH
        assert (saved("e"), count(url, "archive")) == (1, 1)


def test_without_an_age_nothing_is_compacted(url: str) -> None:
    """Nor is the day remembered."""
    with open_state(url, writer=True) as ledger:
        ledger.append(lives(400))
        ledger.save_report(report("a"), {"prod": None}, {})
        assert ledger.marks("") == {}
    assert count(url, "archive") == 0


def test_a_release_beside_the_writer_goes_on_from_what_is_archived(url: str) -> None:
    """And is compacted in its turn; beside the writer nobody compacts, by command or with a report."""
    with open_state(url, writer=True) as ledger:
        ledger.append(lives(2))
    compact(url, EVER)
    with open_state(url, writer=True) as ledger:
        released = replace(published("m0", minute=9), kind=EventKind.RELEASED)
        with closing(open_for_release(url)) as beside:
            beside.append([released])
            with pytest.raises(StateError, match="to release models only"):
                beside.save_report(report("a"), {"prod": None}, {})
        with pytest.raises(StateLockedError):
            compact(url, EVER)
        assert ledger.position() == 7
        assert ledger.events()[-1] == released
        ledger.append([requested("m0", minute=10), published("m0", minute=11), requested("m1", minute=12)])
    compact(url, EVER)
    assert check(url) == ()


def test_numbers_go_on_where_they_were(url: str) -> None:
    """The position of an archived journal, and of one that is compacted again and again."""
    for number in range(1, 4):
        with open_state(url, writer=True) as ledger:
            ledger.append(lives(1))
        compact(url, EVER)
        with open_state(url, writer=False) as ledger:
            assert ledger.position() == 3 * number
    assert [line["seq"] for line in export(url)] == list(range(1, 10))


def test_compacting_a_state_gives_its_room_back(sqlite_url: str) -> None:
    """The file shrinks; while it is merely used, its free pages are used again."""
    file = Path(sqlite_url.removeprefix("sqlite:///"))
    with open_state(sqlite_url, writer=True) as ledger:
        ledger.append(lives(2000))
    before = file.stat().st_size
    assert compact(sqlite_url, EVER) == 5999
    assert file.stat().st_size < before / 2
    assert check(sqlite_url) == ()


def test_while_somebody_writes_a_state_nobody_else_compacts_it(url: str) -> None:
    """It says who does."""
    with open_state(url, writer=True) as ledger:
        ledger.append([requested()])
        with pytest.raises(StateLockedError):
            compact(url, EVER)
        assert ledger.entry("prod", MNIST) is not None


def test_there_is_nothing_to_compact_where_no_state_is(tmp_path: Path) -> None:
    """And none is made."""
    with pytest.raises(StateError, match="nothing to compact"):
        compact(f"sqlite:///{tmp_path}/state.db", EVER)
    assert list(tmp_path.iterdir()) == []


def test_a_compaction_that_fails_half_way_leaves_everything_as_it_was(sqlite_url: str) -> None:
    """The disk refuses the second chunk."""
    written = lives(700)
    with open_state(sqlite_url, writer=True) as ledger:
        ledger.append(written)
    execute(
        sqlite_url,
        "CREATE TRIGGER full BEFORE INSERT ON archive WHEN new.first > 1 BEGIN SELECT RAISE(FAIL, 'no'); END",
    )
    with pytest.raises(StateError):
        compact(sqlite_url, EVER)
    assert count(sqlite_url, "archive") == 0
    with open_state(sqlite_url, writer=False) as ledger:
        assert ledger.events() == written


def test_a_question_about_one_model_unpacks_only_what_may_answer_it(url: str) -> None:
    """By name, pair, commit and model id: the other chunks could as well be damaged."""
    first = replace(requested("m0"), commit="e" * 40, model_id="one")
    written = [first, *lives(700)[1:]]
    with open_state(url, writer=True) as ledger:
        ledger.append(written)
    compact(url, EVER)
    execute(url, "UPDATE archive SET body = (SELECT body FROM archive WHERE first = 1) WHERE first <> 1")
    with open_state(url, writer=False) as ledger:
        assert ledger.events("prod", first.pair) == ledger.events("prod", name="m0") == written[:3]
        assert ledger.events("prod", commit="e" * 40) == [first]
        assert ledger.pairs_of("prod", "one") == {first.pair}
        with pytest.raises(StateError, match="chunk 1001"):
            ledger.events("prod")


def test_of_a_chunk_of_an_earlier_version_everything_is_possible(url: str) -> None:
    """It has no Bloom filter, and is unpacked."""
    written = lives(3)
    with open_state(url, writer=True) as ledger:
        ledger.append(written)
    compact(url, EVER)
    execute(url, "UPDATE archive SET sketch = NULL")
    with open_state(url, writer=False) as ledger:
        assert ledger.events("prod", written[0].pair) == written[:3]


@given(st.sets(st.text(), max_size=300), st.sets(st.text(), max_size=300))
def test_a_sketch_never_denies_what_it_was_made_of(there: set[str], others: set[str]) -> None:
    """And denies nearly everything else."""
    made = bloom_filter(there)
    assert all(may_hold(made, key) for key in there)
    assert sum(may_hold(made, key) for key in others - there) <= 10


def test_the_commit_that_was_reconciled_is_known_from_its_first_event_on(url: str) -> None:
    """In the transaction of whatever its cycle writes first; a later one of the same adds nothing."""
    with open_state(url, writer=True) as ledger:
        assert ledger.reconciled("a" * 40) is None
        ledger.reconciling("a" * 40, NOON)
        assert ledger.reconciled("a" * 40) is None
        ledger.append([requested("m")])
        ledger.reconciling("a" * 40, NOON + MONTH)
        ledger.append([imported("m")])
        assert ledger.reconciled("a" * 40) == Reconciled("a" * 40, NOON)
        ledger.reconciling("b" * 40, NOON + MONTH)
        ledger.save_report(report(), {"prod": None}, {})
        assert ledger.reconciled("a" * 40) == Reconciled("a" * 40, NOON, 2, NOON + MONTH)
        assert ledger.reconciled_at(NOON) == ledger.reconciled("a" * 40)
        assert ledger.reconciled_at(NOON + MONTH) == Reconciled("b" * 40, NOON + MONTH)
        assert ledger.reconciled_at(NOON - MONTH) is None
