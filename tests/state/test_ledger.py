"""What the ledger port promises, on SQLite and on PostgreSQL."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from reconciler.contract.model_key import ModelKey
from reconciler.engine.values import (
    Event,
    EventKind,
    ModelState,
    Phase,
    Report,
    Stage,
    Verdict,
    VerdictKey,
    stand,
)
from reconciler.errors import StateError
from tests.state.leading import open_state
from tests.state.remembering import remember
from tests.state.samples import MNIST, NOON, folded, imported, report, requested

if TYPE_CHECKING:
    from reconciler.engine.ports import Ledger
    from tests.state.conftest import NewUrl


def test_an_entry_is_the_fold_of_its_events(url: str) -> None:
    """Request and answer, appended one after the other, make one registered entry."""
    with open_state(url, writer=True) as ledger:
        ledger.append([requested()])
        ledger.append([imported()])

        assert ledger.entry("prod", MNIST) == folded([requested(), imported()])["prod", MNIST]


def test_the_ledger_is_what_the_engine_asks_for(url: str) -> None:
    """The class has the port's methods with the port's signatures."""
    with open_state(url, writer=True) as ledger:
        port: Ledger = ledger
        assert port.entries("prod") == {}


def test_entries_are_those_of_one_target(url: str) -> None:
    """The same pair in two targets is two entries."""
    with open_state(url, writer=True) as ledger:
        ledger.append([requested(target="prod"), requested(target="dev"), requested("bert")])

        assert set(ledger.entries("prod")) == {MNIST, ModelKey("bert", "1.0.0")}
        assert set(ledger.entries("dev")) == {MNIST}
        assert ledger.entry("dev", ModelKey("bert", "1.0.0")) is None


def test_what_was_written_is_there_after_closing_and_opening(url: str) -> None:
    """Nothing is kept in the object only."""
    with open_state(url, writer=True) as ledger:
        ledger.append([requested(), imported()])
        remember(ledger, report("mnist"))
        ledger.mark("prod", "observed", "2026-11-23")

    with open_state(url, writer=False) as ledger:
        assert ledger.events() == [requested(), imported()]
        assert ledger.entries("prod") == {MNIST: folded([requested(), imported()])["prod", MNIST]}
        assert ledger.last_report() == report("mnist")
        assert ledger.marks("prod") == {"observed": "2026-11-23"}


def test_the_journal_keeps_the_order_it_was_written_in_whatever_the_clock_says(url: str) -> None:
    """A clock that runs backwards does not reorder history."""
    backwards = [requested(minute=-minute) for minute in range(5)]
    with open_state(url, writer=True) as ledger:
        for event in backwards:
            ledger.append([event])

        assert ledger.events() == backwards
        assert ledger.entries("prod")[MNIST].updated_at == backwards[-1].at


def test_events_can_be_asked_for_by_target_and_by_pair(url: str) -> None:
    """Each filter alone and both together."""
    events = [requested(target=target, name=name) for target in ("prod", "dev") for name in ("mnist", "bert")]
    with open_state(url, writer=True) as ledger:
        ledger.append(events)

        assert ledger.events("dev") == events[2:]
        assert ledger.events(pair=MNIST) == [events[0], events[2]]
        assert ledger.events("prod", MNIST) == [events[0]]


def test_times_come_back_in_utc_with_microseconds(url: str) -> None:
    """Another zone's time is the same moment, and says UTC."""
    from_elsewhere = datetime.fromisoformat("2026-11-23T20:00:00.000001+08:00")
    with open_state(url, writer=True) as ledger:
        ledger.append([replace(requested(), at=from_elsewhere, not_before=from_elsewhere)])
        (event,) = ledger.events()

    assert event.at == from_elsewhere
    assert event.at.utcoffset() == timedelta(0)
    assert event.not_before == datetime(2026, 11, 23, 12, 0, 0, 1, tzinfo=UTC)


def test_a_time_without_a_zone_is_refused_before_anything_is_written(url: str) -> None:
    """It is a fault of the caller, not of the state."""
    with open_state(url, writer=True) as ledger:
        with pytest.raises(ValueError, match="without a zone"):
            ledger.append([requested(), replace(requested(), at=NOON.replace(tzinfo=None))])

        assert ledger.events() == []


def test_a_group_of_events_is_one_transaction(url: str) -> None:
    """However many events and pairs: one commit."""
    group: list[Event] = []
    for number in range(1200):
        group += [requested(f"model-{number}"), imported(f"model-{number}")]
    with open_state(url, writer=True) as ledger:
        before = ledger.writes
        ledger.append(group)
        ledger.append(group)

        assert ledger.writes == before + 2
        assert len(ledger.entries("prod")) == 1200
        assert ledger.entries("prod")[ModelKey("model-7", "1.0.0")].attempts == 2


def test_an_answer_is_journalled_only_while_the_entry_is_what_was_asked_about(url: str) -> None:
    """Compare and set, in the transaction; within a group, each event sees those before it."""
    with open_state(url, writer=True) as ledger:
        ledger.append([requested(), imported()])
        asked = stand(ledger.entry("prod", MNIST))
        failed = replace(
            imported(), kind=EventKind.FAILED, model_status="failed", stage=Stage.FAILED, asked=asked
        )
        deleted = replace(imported(), kind=EventKind.DELETED)
        assert ledger.append([failed]) == [failed]
        assert ledger.append([deleted, failed, requested("bert")]) == [deleted, requested("bert")]
        assert ledger.append([failed]) == []
        nobody = replace(requested("new"), asked=stand(None))
        assert ledger.append([nobody, nobody]) == [nobody]

        assert [event.kind for event in ledger.events("prod", MNIST)] == [
            *(EventKind.IMPORT_REQUESTED, EventKind.IMPORTED, EventKind.FAILED, EventKind.DELETED)
        ]
        entry = ledger.entry("prod", MNIST)
        assert entry is not None
        assert (entry.phase, entry.model_id) == (Phase.RELEASED, None)


def test_appending_nothing_writes_nothing(url: str) -> None:
    """An empty group is no transaction."""
    with open_state(url, writer=True) as ledger:
        before = ledger.writes
        ledger.append([])

        assert ledger.writes == before


def test_the_same_report_again_writes_nothing(url: str) -> None:
    """Neither from the same object, nor from an equal one, nor after opening the state again."""
    with open_state(url, writer=True) as ledger:
        remember(ledger, report("mnist"))
        once = ledger.writes
        remember(ledger, report("mnist"))
        assert ledger.writes == once
    with open_state(url, writer=True) as ledger:
        before = ledger.writes
        remember(ledger, report("mnist"))
        assert ledger.writes == before


def test_only_the_newest_report_is_kept(url: str) -> None:
    """There is none at first; then always the last one."""
    with open_state(url, writer=True) as ledger:
        assert ledger.last_report() is None
        for names in (("mnist",), (), ("mnist", "bert")):
            remember(ledger, report(*names))
            again, expected = ledger.last_report(), report(*names)
            assert again == replace(expected, items=tuple(sorted(expected.items, key=ModelState.sort_key)))


def test_an_empty_report_is_a_report(url: str) -> None:
    """A repository without models has been reconciled, too."""
    with open_state(url, writer=True) as ledger:
        remember(ledger, Report("c", "d", ()))
        assert ledger.last_report() == Report("c", "d", ())


def test_marks_belong_to_a_target_and_are_written_only_when_they_change(url: str) -> None:
    """A mark set again to what it is adds no transaction."""
    with open_state(url, writer=True) as ledger:
        ledger.mark("prod", "observed", "noon")
        ledger.mark("prod", "head", "abc")
        before = ledger.writes
        ledger.mark("prod", "observed", "noon")
        assert ledger.writes == before
        ledger.mark("prod", "observed", "one o'clock")

        assert ledger.marks("prod") == {"observed": "one o'clock", "head": "abc"}
        assert ledger.marks("dev") == {}


def test_a_reader_cannot_write(url: str) -> None:
    """The error says so, and nothing is written."""
    open_state(url, writer=True).close()
    with open_state(url, writer=False) as ledger:
        with pytest.raises(StateError, match="read only"):
            ledger.append([requested()])
        with pytest.raises(StateError, match="read only"):
            remember(ledger, report())
        with pytest.raises(StateError, match="read only"):
            ledger.mark("prod", "a", "b")
        assert ledger.events() == []


def test_closing_twice_is_harmless_and_a_closed_ledger_says_so(url: str) -> None:
    """No method quietly opens the database again."""
    ledger = open_state(url, writer=True)
    ledger.close()
    ledger.close()

    with pytest.raises(StateError, match="closed"):
        ledger.entries("prod")
    with pytest.raises(StateError, match="closed"):
        ledger.append([requested()])


def test_threads_share_one_ledger(url: str) -> None:
    """Events appended from several threads at once are all there, once, and fold to the ledger."""
    failures: list[BaseException] = []

    def append(name: str) -> None:
        try:
            for minute in range(10):
                ledger.append([requested(name, minute=minute), imported("shared", minute=minute)])
                assert ledger.entry("prod", ModelKey(name, "1.0.0")) is not None
        except BaseException as error:  # noqa: BLE001 - shown by the test's own thread
            failures.append(error)

    with open_state(url, writer=True) as ledger:
        threads = [threading.Thread(target=append, args=(f"model-{number}",)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        events = list(ledger.events())

        assert failures == []
        assert len(events) == 80
        assert ledger.entries("prod") == {pair: entry for (_, pair), entry in folded(events).items()}


def test_the_position_grows_with_each_event_and_with_nothing_else(url: str) -> None:
    """It begins at 0, survives closing, and a reader beside the writer sees it move."""
    with open_state(url, writer=False) as nothing_yet:
        assert nothing_yet.position() == 0
    with open_state(url, writer=True) as ledger, open_state(url, writer=False) as reader:
        positions = [ledger.position()]
        for _ in range(3):
            ledger.append([requested(), imported()])
            ledger.mark("prod", "observed", str(positions))
            remember(ledger, report(str(len(positions))))
            positions.append(reader.position())
            assert ledger.position() == positions[-1]
    with open_state(url, writer=True) as ledger:
        assert ledger.position() == positions[-1]

    assert positions[0] == 0
    assert positions == sorted(set(positions))


def test_a_state_has_an_id_of_its_own(new_url: NewUrl) -> None:
    """The id stays with the state and differs from every other's."""
    first, second = new_url(), new_url()
    with open_state(first, writer=True) as ledger, open_state(second, writer=True) as other:
        state_id = ledger.state_id
        assert other.state_id != state_id
    with open_state(first, writer=False) as ledger:
        assert ledger.state_id == state_id


def test_the_moment_since_when_a_verdict_stands_is_found_by_model_or_by_file(url: str) -> None:
    """Of some models, or of all; what is invalid is always among them."""
    later = NOON + timedelta(hours=1)
    items = (
        ModelState("prod", Verdict.INVALID, path="models.d/bad.yaml", since=NOON),
        ModelState("prod", Verdict.FAILED, "bert", "1.0.0", since=later),
        ModelState("prod", Verdict.UNMANAGED, "mnist", "1.0.0", model_id="m-1", since=later),
        ModelState("prod", Verdict.UNMANAGED, "mnist", "1.0.0", model_id="m-2", since=NOON),
        ModelState("dev", Verdict.FAILED, "bert", "1.0.0", since=NOON),
        ModelState("prod", Verdict.IN_SYNC, "yolo", "1.0.0"),
    )
    invalid = VerdictKey(None, None, "models.d/bad.yaml", Verdict.INVALID)
    failed = VerdictKey("bert", "1.0.0", None, Verdict.FAILED)
    with open_state(url, writer=True) as ledger:
        remember(ledger, Report("c" * 40, "d" * 64, items))
        assert ledger.since("prod", [ModelKey("bert", "1.0.0")]) == {invalid: NOON, failed: later}
        unmanaged = VerdictKey("mnist", "1.0.0", None, Verdict.UNMANAGED)
        assert ledger.since("prod", None) == {invalid: NOON, failed: later, unmanaged: NOON}
        assert ledger.since("nowhere", None) == {}


def test_every_target_that_was_ever_journalled_is_told_once(url: str) -> None:
    """However its name is spelt; none where nothing was journalled."""
    names = ["b", "a", "B", "ä", "a-b", "ab", "a_c", "prod"]
    with open_state(url, writer=True) as ledger:
        assert list(ledger.journalled_targets()) == []
        ledger.append([requested(f"m{n}", target=name) for n in range(3) for name in names])
        assert list(ledger.journalled_targets()) == sorted(names)
