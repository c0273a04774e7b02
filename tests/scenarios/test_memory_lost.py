from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

from tests.program import manifest

if TYPE_CHECKING:
    from tests.program import Done, Fleet
    from tests.relay import Relay


def test_a_lost_state_is_rebuilt_from_the_registry_and_nothing_is_posted(fleet: Fleet, relay: Relay) -> None:
    """The same models, with the same ids; only history is lost."""
    before = fleet.json("apply")
    shutil.rmtree(fleet.folder / ".reconciler")
    after = fleet.json("apply")
    assert (after.code, relay.posts, len(relay.models())) == (0, 2, 2)
    assert _undated(after) == _undated(before)
    events = [event["event"] for event in fleet.json("history", "a").json[0]["events"]]
    assert events == ["adopted"]
    assert fleet("apply").out.startswith("Nothing to do")


def _undated(done: Done) -> list[dict[str, Any]]:
    """The items without the moment since when each has its verdict."""
    return [item | {"since": None} for item in done.json["items"]]


def test_a_state_restored_from_a_backup_posts_nothing_twice(fleet: Fleet, relay: Relay) -> None:
    """It does not know of the newest model; the registry does."""
    fleet("apply")
    kept = (fleet.folder / ".reconciler/state.db").read_bytes()
    fleet.declare("c@1.0.0")
    fleet("apply")
    for file in (fleet.folder / ".reconciler").iterdir():
        file.unlink()
    (fleet.folder / ".reconciler/state.db").write_bytes(kept)
    assert fleet.json("apply").verdicts["c@1.0.0"] == "in-sync"
    assert (relay.posts, len(relay.models())) == (3, 3)


def test_a_lost_state_finds_drift_too(fleet: Fleet, relay: Relay) -> None:
    """By comparing with what is registered."""
    fleet("apply")
    shutil.rmtree(fleet.folder / ".reconciler")
    fleet.commit({"models.d/a-1.0.0.yaml": manifest("a@1.0.0", description="new")})
    assert fleet.json("apply").verdicts == {"a@1.0.0": "drifted", "b@2.0.0": "in-sync"}
    assert relay.posts == 2


def test_a_damaged_state_is_never_overwritten(fleet: Fleet, relay: Relay) -> None:
    """Exit code 3, and what to do; the file stays as it is."""
    fleet("apply")
    for file in (fleet.folder / ".reconciler").iterdir():
        if file.name != "state.db":
            file.unlink()
    state = fleet.folder / ".reconciler/state.db"
    damaged = b"\0" * 100 + state.read_bytes()[100:]
    state.write_bytes(damaged)
    for command in ("apply", "plan", "status", "history"):
        done = fleet(command)
        assert (done.code, done.out) == (3, "")
        assert "move it away" in done.err
    assert state.read_bytes() == damaged
    assert relay.posts == 2


def test_a_registered_pair_is_adopted_when_it_is_equal_and_reported_when_it_is_not(
    fleet: Fleet, relay: Relay
) -> None:
    """Somebody else was first; nothing is posted."""
    source = "https://models.obs.cn-north-4.myhuaweicloud.com/"
    basic = {"model_version": "1.0.0", "model_type": "TensorFlow"}
    model_id = relay.add({"model_name": "a", "source_location": source + "a", **basic})
    relay.add({"model_name": "b", "source_location": source + "other", **basic, "model_version": "2.0.0"})
    done = fleet.json("apply")
    assert done.verdicts == {"a@1.0.0": "in-sync", "b@2.0.0": "drifted"}
    assert done.items["a@1.0.0"]["model_id"] == model_id
    assert done.items["b@2.0.0"]["diff"] == [
        {"field": "source_location", "declared": f"{source}b", "registered": f"{source}other"}
    ]
    assert relay.posts == 0


def test_an_index_of_another_version_counts_as_empty(fleet: Fleet, relay: Relay) -> None:
    """A command that only reads leaves it alone; the next cycle makes it anew and imports nothing."""
    fleet("apply")
    index = fleet.folder / ".reconciler/index.db"
    with closing(sqlite3.connect(index)) as database:
        database.execute("PRAGMA user_version = 99")
        database.execute("UPDATE document SET digest = 'other'")
        database.commit()
    before = index.read_bytes()
    assert set(fleet.json("plan").verdicts.values()) == {"in-sync"}
    assert index.read_bytes() == before

    assert set(fleet.json("apply").verdicts.values()) == {"in-sync"}
    with closing(sqlite3.connect(index)) as database:
        assert database.execute("PRAGMA user_version").fetchone() != (99,)
    assert relay.posts == 2
