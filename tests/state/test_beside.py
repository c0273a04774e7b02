"""Beside the one writer of a state, another process may release models, and do nothing else."""

from __future__ import annotations

import threading
from contextlib import closing, suppress
from pathlib import Path

import pytest

from reconciler.contract.model_key import ModelKey
from reconciler.engine.values import Event, EventKind, Phase
from reconciler.errors import StateError
from reconciler.state import check, open_for_release
from tests.state.child import Child
from tests.state.leading import open_state
from tests.state.remembering import remember
from tests.state.samples import MNIST, NOON, folded, imported, report, requested


def released(name: str = "mnist", kind: EventKind = EventKind.RELEASED) -> Event:
    """What `retry` journals."""
    return Event(NOON, kind, "prod", ModelKey(name, "1.0.0"), "retry-1", detail="released by `retry`")


def test_a_release_is_seen_by_the_writer_and_folded_into_what_it_left(url: str) -> None:
    """By its position and its entry; and the ledger stays the fold of the journal."""
    with open_state(url, writer=True) as writer:
        writer.append([requested(), imported()])
        before = writer.position()
        with closing(open_for_release(url)) as beside:
            beside.append([released()])
            assert beside.writes == 1
        assert writer.position() > before
        entry = writer.entry("prod", MNIST)
        assert entry is not None
        assert (entry.phase, entry.model_id) == (Phase.RELEASED, None)
        writer.append([requested(minute=5)])
        assert writer.entries("prod") == {
            pair: entry for (_, pair), entry in folded(list(writer.events())).items()
        }
    assert check(url) == ()


def test_an_import_under_way_is_not_released(url: str) -> None:
    """Its outcome must be settled first: releasing it would forget that a POST may have been executed."""
    with open_state(url, writer=True) as writer:
        writer.append([requested()])
        with closing(open_for_release(url)) as beside:
            for kind in (EventKind.RELEASED, EventKind.DELETED):
                with pytest.raises(
                    StateError, match=r"mnist@1\.0\.0 is being imported into target prod right now"
                ):
                    beside.append([released(kind=kind)])
            assert beside.writes == 0
        assert writer.events() == [requested()]


@pytest.mark.parametrize("kind", sorted(set(EventKind) - {EventKind.RELEASED, EventKind.DELETED}))
def test_nothing_but_releases_and_deletions_is_journalled_there(sqlite_url: str, kind: EventKind) -> None:
    """Everything else is the writer's business."""
    with open_state(sqlite_url, writer=True) as writer:
        with closing(open_for_release(sqlite_url)) as beside:
            with pytest.raises(StateError, match="is journalled by the writer of the state only"):
                beside.append([released(), released(kind=kind)])
            assert beside.events() == []
        assert writer.position() == 0


def test_neither_reports_nor_marks_are_written_there(sqlite_url: str) -> None:
    """They belong to a cycle."""
    with open_state(sqlite_url, writer=True), closing(open_for_release(sqlite_url)) as beside:
        with pytest.raises(StateError, match="to release models only"):
            remember(beside, report("mnist"))
        with pytest.raises(StateError, match="to release models only"):
            beside.mark("prod", "observed-in-full-at", "now")
        assert beside.writes == 0


def test_many_releases_and_a_busy_writer_do_not_disturb_each_other(url: str) -> None:
    """Each transaction waits for the other's; nothing is lost, and neither of them fails."""
    names = [f"held-{number}" for number in range(12)]
    with open_state(url, writer=True) as writer:
        writer.append([e for name in names for e in (requested(name), imported(name))])

        def release_all() -> None:
            with closing(open_for_release(url)) as beside:
                for name in names:
                    beside.append([released(name)])

        thread = threading.Thread(target=release_all)
        thread.start()
        for number in range(12):
            writer.append([requested(f"new-{number}"), imported(f"new-{number}")])
        thread.join()

        events = list(writer.events())
        assert len(events) == 24 + 12 + 24
        assert writer.entries("prod") == {pair: entry for (_, pair), entry in folded(events).items()}


def test_a_writer_in_another_process_is_not_needed_and_not_hindered(url: str) -> None:
    """Whether it lives, or was killed a moment ago."""
    with Child(url) as child:
        child.group()
        with closing(open_for_release(url)) as beside:
            position = beside.position()
            for _ in range(5):  # a writer that never pauses may keep others out for as long as they wait
                with suppress(StateError):
                    beside.append([released("elsewhere", EventKind.DELETED)])
                    break
            assert beside.writes == 1
            assert beside.position() > position
        child.group()
        child.kill()
    with closing(open_for_release(url)) as beside:
        beside.append([released("elsewhere")])
    child.next_writer().close()
    assert check(url) == ()


def test_a_state_that_is_not_there_is_not_made(sqlite_url: str) -> None:
    """Nor its directory."""
    with pytest.raises(StateError, match="does not exist yet"):
        open_for_release(sqlite_url)
    assert not Path(sqlite_url.removeprefix("sqlite:///")).parent.exists()


def test_a_state_deleted_meanwhile_takes_no_release(sqlite_url: str) -> None:
    """It would vanish with the file."""
    with open_state(sqlite_url, writer=True), closing(open_for_release(sqlite_url)) as beside:
        Path(sqlite_url.removeprefix("sqlite:///")).unlink()
        with pytest.raises(StateError, match="was deleted or replaced"):
            beside.append([released()])


def test_the_files_to_watch_are_those_that_a_release_changes(sqlite_url: str) -> None:
    """At least one of them is another afterwards; a server has none."""
    with open_state(sqlite_url, writer=True) as writer:
        writer.append([requested(), imported()])
        before = {path: path.stat() for path in writer.watch_paths() if path.exists()}
        with closing(open_for_release(sqlite_url)) as beside:
            beside.append([released()])
        after = {path: path.stat() for path in writer.watch_paths() if path.exists()}
    assert before.keys() == after.keys()
    assert any(
        before[path].st_mtime_ns != after[path].st_mtime_ns or before[path].st_size != after[path].st_size
        for path in before
    )
