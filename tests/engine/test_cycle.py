"""One cycle after another, with every fault an import can meet: what is recorded, and what is imported."""

from __future__ import annotations

import asyncio
import contextlib
import re
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import reconciler
from reconciler.contract import ModelKey
from reconciler.engine.guards import Guards
from reconciler.engine.last_report import verdicts_of_journal
from reconciler.engine.options import CycleOptions
from reconciler.engine.target_run import RECONCILED, REPOSITORY
from reconciler.engine.values import (
    Event,
    EventKind,
    LedgerEntry,
    ObservedModel,
    Phase,
    Report,
    Stage,
    Verdict,
)
from reconciler.engine.values.journal import apply_event
from reconciler.errors import ConfigurationError, GuardError, NotFound
from reconciler.state import check, open_state, rebuild
from tests.effort import examples
from tests.engine.shelf import ShelfRegistry
from tests.engine.worlds import Crash, MemoryRegistry, World, text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

VENDORS = (MemoryRegistry, ShelfRegistry)
_VENDORS_WORDS = re.compile(r"modelarts|huawei|workspace|in the console|'s console", re.IGNORECASE)

A = ModelKey("a", "1.0.0")


@pytest.fixture(params=VENDORS)
def world(tmp_path: Path, request: pytest.FixtureRequest) -> World:
    made = World(tmp_path, registry=request.param())
    made.source.commit({"models.d/a.yaml": text("a")})
    return made


def apply(world: World, **options: object) -> Report:
    return asyncio.run(world.apply(**options))


def verdict(report: Report, name: str = "a") -> Verdict:
    return next(item.verdict for item in report.items if item.model_name == name)


def kinds(world: World, pair: ModelKey = A) -> list[EventKind]:
    with open_state(world.url, writer=False) as ledger:
        return [event.kind for event in ledger.events("local", pair)]


def test_a_model_that_is_taken_elsewhere_is_held_with_the_words_of_its_vendor(world: World) -> None:
    """Each vendor says where to look."""
    world.registry.faults = ["elsewhere"]
    apply(world)
    world.wait(60)
    (item,) = apply(world).items
    assert (item.verdict, item.reasons[0].code) == (Verdict.FAILED, "exists-elsewhere")
    assert f"look for it {world.registry.vendor.elsewhere}; " in item.reasons[0].message


@pytest.mark.parametrize("wait", [True, False])
def test_a_failed_import_says_in_the_words_of_its_vendor_where_the_cause_is(world: World, wait: bool) -> None:
    """In the report of the cycle that saw it, in later ones, and where only the state is read."""
    world.registry.status = "failed"
    reports = [apply(world, wait=wait), apply(world)]
    with open_state(world.url, writer=False) as ledger:
        remembered = verdicts_of_journal(ledger.entries("local").values())
    for item in (*reports[wait is False].items, *reports[1].items, *remembered):
        assert (item.verdict, item.reasons[0].code) == (Verdict.FAILED, "import-failed")
        assert f"; {world.registry.vendor.failed}; then `reconciler retry a@1.0.0`" in item.reasons[0].message


@pytest.mark.parametrize("room", ["daemon", "engine", "notify", "views", "web"])
def test_no_room_above_the_registries_has_a_word_of_a_vendor(room: str) -> None:
    """A person reads them in the texts of `Vendor`, and in what the registry answers."""
    folder = Path(reconciler.__file__).with_name(room)
    texts = {file: file.read_text("utf-8") for kind in ("py", "j2") for file in folder.rglob(f"*.{kind}")}
    assert texts
    assert [file for file, text in texts.items() if _VENDORS_WORDS.search(text)] == []


def test_no_stage_of_a_cycle_is_given_the_whole_ledger() -> None:
    """Each asks the journal, the models' states, the reports or the marks; the recipe has all of them."""
    files = Path(reconciler.__file__).with_name("engine").glob("*.py")
    assert {file.name for file in files if re.search(r"\bLedger\b", file.read_text())} == {"cycle.py"}


def test_a_new_model_is_imported_once_and_the_intent_is_on_disk_before_the_result(world: World) -> None:
    """Intent, POST, result."""
    assert verdict(apply(world)) is Verdict.IN_SYNC
    assert verdict(apply(world)) is Verdict.IN_SYNC
    assert world.registry.calls == [A]
    assert kinds(world)[:2] == [EventKind.IMPORT_REQUESTED, EventKind.IMPORTED]


def test_a_cycle_goes_on_with_the_branch_when_another_replica_reconciled_a_newer_commit_meanwhile(
    world: World,
) -> None:
    """Its own commit does not contain that one, and no history was rewritten: nothing is refused."""
    older = world.source.head()
    newest = world.source.commit({"models.d/b.yaml": text("b")})
    with world.process() as engine:
        engine.ledger.mark(REPOSITORY, RECONCILED, newest)
        report = asyncio.run(engine.cycle(CycleOptions(), older))
    assert report.commit == newest
    assert [verdict(report, name) for name in "ab"] == [Verdict.IN_SYNC, Verdict.IN_SYNC]


def test_a_lost_answer_to_an_import_that_was_made_is_adopted_not_repeated(world: World) -> None:
    """A POST is never blindly repeated."""
    world.registry.faults = ["lost"]
    assert verdict(apply(world)) is Verdict.IN_SYNC
    assert world.registry.calls == [A]
    assert kinds(world) == [EventKind.IMPORT_REQUESTED, EventKind.UNKNOWN, EventKind.ADOPTED]


def test_a_lost_answer_to_an_import_that_was_not_made_is_settled_and_then_repeated(world: World) -> None:
    """The registry is asked twice before the second POST."""
    world.registry.faults = ["gone"]
    assert verdict(apply(world)) is Verdict.IN_SYNC
    assert world.registry.calls == [A, A]
    assert EventKind.NOT_FOUND in kinds(world)


def test_a_model_that_becomes_visible_late_is_found_by_the_second_look(world: World) -> None:
    """Lists may lag behind."""
    world.registry.faults, world.registry.hidden = ["lost"], 1
    assert verdict(apply(world)) is Verdict.IN_SYNC
    assert world.registry.calls == [A]


@pytest.mark.parametrize(
    ("status", "stage", "verdict_then"),
    [("published", Stage.PUBLISHED, Verdict.IN_SYNC), ("failed", Stage.FAILED, Verdict.FAILED)],
)
def test_who_reads_the_state_without_its_registry_knows_how_far_an_import_is(
    world: World, status: str, stage: Stage, verdict_then: Verdict
) -> None:
    """`status`, pages, history and the care of a state: whatever words the vendor has."""
    world.registry.status = status
    apply(world)
    with open_state(world.url, writer=False) as ledger:
        entries = ledger.entries_at("local", None, world.now)
        assert entries == ledger.entries("local")
        assert ledger.pending("local") == []
    assert entries[A].stage is stage
    assert [item.verdict for item in verdicts_of_journal(entries.values())] == [verdict_then]
    assert check(world.url) == ()
    assert rebuild(world.url) == 0


def test_a_status_that_means_something_else_from_now_on_is_followed(world: World) -> None:
    """A new version of the program may know what a word means that an earlier one took to be pending."""
    apply(world)
    with open_state(world.url, writer=True) as ledger:
        entry = ledger.entries("local")[A]
        earlier = Event(
            world.now,
            EventKind.STATUS,
            "local",
            A,
            "cycle-of-an-earlier-version",
            model_status=entry.model_status,
            stage=Stage.PENDING,
        )
        ledger.append([earlier])
    apply(world)
    with open_state(world.url, writer=False) as ledger:
        assert ledger.entries("local")[A].stage is Stage.PUBLISHED
        assert ledger.pending("local") == []


def test_a_crash_between_import_and_result_does_not_import_twice(world: World) -> None:
    """The next start settles the open intent by looking."""
    world.registry.faults = ["crash"]
    with pytest.raises(Crash):
        apply(world)
    assert verdict(apply(world)) is Verdict.IN_SYNC
    assert world.registry.calls == [A]


class _NewestFirst(MemoryRegistry):
    """Finds the models of a pair in the reverse order of their ids."""

    async def find(self, pair: ModelKey) -> Sequence[ObservedModel]:
        return sorted(await super().find(pair), reverse=True)


def test_an_open_intent_is_settled_by_the_oldest_of_several_models(tmp_path: Path) -> None:
    """By the model that the planner takes, in whatever order the registry shows them."""
    world = World(tmp_path, registry=_NewestFirst(faults=["crash"]))
    world.source.commit({"models.d/a.yaml": text("a")})
    with pytest.raises(Crash):
        apply(world)
    world.registry.models["m-2"] = {**world.registry.models["m-1"], "model_id": "m-2"}
    report = apply(world)
    assert [(item.verdict, item.model_id) for item in report.items] == [(Verdict.IN_SYNC, "m-1")]
    with open_state(world.url, writer=False) as ledger:
        events = ledger.events("local", A)
    assert [event.model_id for event in events if event.kind is EventKind.ADOPTED] == ["m-1"]


def test_a_crash_before_the_import_imports_after_the_restart(world: World) -> None:
    """An intent without a model is settled as not made."""
    world.dies_after = 0
    with pytest.raises(Crash):
        apply(world)
    assert world.registry.calls == []
    assert verdict(apply(world)) is Verdict.IN_SYNC
    assert world.registry.calls == [A]


def test_a_lost_state_is_rebuilt_from_the_registry_without_an_import(world: World) -> None:
    """The state is memory, the registry is the truth."""
    apply(world)
    for file in world.folder.iterdir():
        file.unlink()
    assert verdict(apply(world)) is Verdict.IN_SYNC
    assert world.registry.calls == [A]
    assert kinds(world) == [EventKind.ADOPTED]


def test_a_rejected_import_is_held_until_its_content_changes(world: World) -> None:
    """A documented refusal is not asked for again."""
    world.registry.faults = ["refused"]
    assert verdict(apply(world)) is Verdict.FAILED
    assert verdict(apply(world)) is Verdict.FAILED
    assert world.registry.calls == [A]
    world.source.commit({"models.d/a.yaml": text("a", description="mended")})
    assert verdict(apply(world)) is Verdict.IN_SYNC
    assert world.registry.calls == [A, A]


def test_a_busy_registry_postpones_the_import_and_a_later_cycle_makes_it(world: World) -> None:
    """Back-off is per manifest, and known in advance."""
    world.registry.faults = ["busy"]
    report = apply(world)
    assert verdict(report) is Verdict.WAITING
    assert "next attempt at" in report.items[0].reasons[0].message
    assert verdict(apply(world)) is Verdict.WAITING
    world.now += timedelta(minutes=1)
    assert verdict(apply(world)) is Verdict.IN_SYNC
    assert world.registry.calls == [A, A]


def test_refused_credentials_stop_the_target_after_the_first_refusal(world: World) -> None:
    """Five refusals lock the key."""
    world.source.commit({f"models.d/{n}.yaml": text(f"n{n}") for n in range(8)})
    world.registry.faults = ["denied"] * 9
    report = apply(world)
    assert len(world.registry.calls) <= world.in_flight
    assert "who?" in report.failures[0].message


def test_a_failed_import_does_not_stop_the_others(world: World) -> None:
    """Failures are values in a report."""
    world.source.commit({"models.d/b.yaml": text("b"), "models.d/c.yaml": "model_name: ["})
    world.registry.faults = ["refused"]
    report = apply(world)
    assert sorted(item.verdict for item in report.items) == ["failed", "in-sync", "invalid"]


def test_somebody_elses_model_of_the_same_pair_is_drifted_not_adopted(world: World) -> None:
    """409 means found: compare, then adopt or report."""
    world.registry.models["m-0"] = {
        "model_id": "m-0", "model_name": "a", "model_version": "1.0.0",
        "description": "another", "model_status": "published",
    }  # fmt: skip
    report = apply(world)
    assert verdict(report) is Verdict.DRIFTED
    assert world.registry.calls == []
    assert verdict(apply(world)) is Verdict.DRIFTED
    assert kinds(world) == [EventKind.DRIFTED]


def test_a_model_that_vanished_is_missing_and_not_imported_again(world: World) -> None:
    """Somebody deleted it on purpose, or by mistake: a person decides."""
    apply(world)
    world.registry.models.clear()
    assert verdict(apply(world)) is Verdict.MISSING
    assert verdict(apply(world)) is Verdict.MISSING
    assert world.registry.calls == [A]
    assert kinds(world).count(EventKind.MISSING) == 1


class Vanishing(World):
    """Somebody deletes all models while the program waits."""

    def wait(self, seconds: float) -> None:
        super().wait(seconds)
        self.registry.models.clear()


@pytest.mark.parametrize("number", [1, 20])  # asked for one by one, and as a list
@pytest.mark.parametrize("vendor", VENDORS)
def test_a_model_that_vanishes_while_it_is_followed_is_missing_and_not_waited_for(
    tmp_path: Path, vendor: type[MemoryRegistry], number: int
) -> None:
    """Nobody waits for it until the deadline, and the next cycle has nothing new to tell."""
    world = Vanishing(tmp_path, registry=vendor(status="publishing"))
    world.source.commit({f"models.d/{n}.yaml": text(f"a{n}") for n in range(number)})
    assert {item.verdict for item in apply(world).items} == {Verdict.MISSING}
    assert world.elapsed < 60
    items = [item._replace(since=None) for item in apply(world).items]
    assert [item.verdict for item in items] == [Verdict.MISSING] * number
    assert [event.kind for event in world.events].count(EventKind.MISSING) == number
    assert len(world.registry.calls) == number


def test_a_model_that_is_neither_declared_nor_there_is_not_waited_for(world: World) -> None:
    """It was imported, and then taken out of git and out of the registry."""
    world.registry.status = "publishing"
    apply(world, wait=False)
    world.wait(60)
    world.source.commit({"models.d/a.yaml": None, "models.d/b.yaml": text("b")})
    world.registry.models.clear()
    world.registry.status = "published"
    waited = world.elapsed
    assert verdict(apply(world), "b") is Verdict.IN_SYNC
    assert kinds(world)[-1] is EventKind.MISSING
    assert world.elapsed - waited < 60


def test_an_import_that_is_settled_and_then_vanishes_is_missing(tmp_path: Path) -> None:
    """All in one cycle, whose planner saw an import that waits for its answer."""
    world = Vanishing(tmp_path)
    world.registry.faults = ["crash"]
    world.source.commit({"models.d/a.yaml": text("a")})
    with contextlib.suppress(Crash):
        apply(world)
    (made,) = world.registry.models.values()
    world.registry.models.clear()
    assert verdict(apply(world, wait=False)) is Verdict.WAITING
    world.registry.status = made["model_status"] = "publishing"
    world.registry.models["m-1"] = made
    report = apply(world)
    assert kinds(world)[-2:] == [EventKind.ADOPTED, EventKind.MISSING]
    assert verdict(report) is Verdict.MISSING


class Late(MemoryRegistry):
    """Tells nothing of a new model by its id at the first look."""

    looks = 0

    async def detail(self, model_id: str) -> Mapping[str, Any]:
        self.looks += 1
        if self.looks == 1:
            raise NotFound("no such model", method="GET", path=model_id, status=404)
        return {**await super().detail(model_id), "model_status": "published"}


def test_a_new_model_that_shows_late_is_waited_for(tmp_path: Path) -> None:
    """Nothing is missing that may not be visible yet."""
    world = World(tmp_path, registry=Late(status="publishing"))
    world.source.commit({"models.d/a.yaml": text("a")})
    assert verdict(apply(world)) is Verdict.IN_SYNC
    assert EventKind.MISSING not in kinds(world)


def test_planning_records_nothing_and_imports_nothing(world: World) -> None:
    """`plan` changes nothing."""
    assert verdict(apply(world, act=False)) is Verdict.IMPORT
    assert world.registry.calls == []
    assert kinds(world) == []


def test_the_expected_digest_lets_exactly_the_plan_that_was_shown_through(world: World) -> None:
    """Anything that moved since is a refusal."""
    shown = apply(world, act=False).digest
    world.source.commit({"models.d/b.yaml": text("b")})
    with pytest.raises(GuardError, match="it changed since"):
        apply(world, expect=shown)
    assert world.registry.calls == []
    world.source.commit({"models.d/b.yaml": None})
    assert verdict(apply(world, expect=shown)) is Verdict.IN_SYNC


def test_a_guarded_plan_goes_through_when_its_digest_is_confirmed(world: World) -> None:
    """The message names the knob and the way through."""
    world.guards = Guards(max_imports_per_cycle=0)
    refused = apply(world)
    assert verdict(refused) is Verdict.REFUSED
    assert world.registry.calls == []
    with pytest.raises(GuardError):
        apply(world, confirm="0" * 64)
    assert verdict(apply(world, confirm=refused.digest)) is Verdict.IN_SYNC


def test_nothing_new_is_started_once_the_process_is_asked_to_stop(world: World) -> None:
    """What was not started is simply still to do."""
    world.stopping = True
    assert verdict(apply(world)) is Verdict.IMPORT
    assert world.registry.calls == []


def test_an_unfinished_import_is_followed_by_a_later_cycle(world: World) -> None:
    """`--no-wait` leaves it to later."""
    world.registry.status = "publishing"
    assert verdict(apply(world, wait=False)) is Verdict.PUBLISHING
    world.registry.models["m-1"]["model_status"] = "failed"
    report = apply(world)
    assert verdict(report) is Verdict.FAILED
    assert "reconciler retry a@1.0.0" in report.items[0].reasons[0].message


def test_a_clock_that_was_set_back_is_told_and_imports_nothing_twice(world: World) -> None:
    """The journal's order is that of its numbers, not of its times."""
    apply(world)
    world.now -= timedelta(hours=2)
    report = apply(world, refresh=True)
    assert verdict(report) is Verdict.IN_SYNC
    assert "set the clock" in report.notes[0]
    assert world.registry.calls == [A]
    world.now += timedelta(hours=3)
    assert apply(world).notes == ()


FAULTS = st.lists(st.sampled_from(["", "lost", "gone", "busy", "refused", "crash"]), max_size=6)


@settings(max_examples=examples(30))
@given(
    registry=st.sampled_from(VENDORS),
    faults=FAULTS,
    hidden=st.integers(0, 1),
    deaths=st.lists(st.integers(0, 6), max_size=3),
    content=st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=3, unique=True),
)
def test_whatever_fails_and_dies_each_pair_is_registered_once_at_rest_and_never_twice(  # noqa: PLR0917
    tmp_path_factory: pytest.TempPathFactory,
    registry: type[MemoryRegistry],
    faults: list[str],
    hidden: int,
    deaths: list[int],
    content: list[str],
) -> None:
    """The promise: at most one at every instant, exactly one once things are quiet."""
    world = World(tmp_path_factory.mktemp("world"), registry=registry())
    world.source.commit({f"models.d/{name}.yaml": text(name) for name in content})
    world.registry.faults, world.registry.hidden = list(faults), hidden
    for death in deaths:
        world.dies_after = death
        with contextlib.suppress(Crash):
            apply(world)
        world.now += timedelta(minutes=20)
    world.dies_after = None
    for attempt in range(12):
        with contextlib.suppress(Crash):
            report = apply(world)
            if {item.verdict for item in report.items} == {Verdict.IN_SYNC}:
                break
            _mend(world, report, attempt)
        world.now += timedelta(minutes=20)
    assert world.registry.most_of_a_pair == 1
    assert sorted(model["model_name"] for model in world.registry.models.values()) == sorted(content)
    assert {item.verdict for item in apply(world).items} == {Verdict.IN_SYNC}
    _assert_journal_explains_ledger(world)


def _mend(world: World, report: Report, attempt: int) -> None:
    """A person changes what was refused."""
    for item in report.items:
        if item.verdict is Verdict.FAILED:
            mended = text(str(item.model_name), description=f"mended {attempt}")
            world.source.commit({f"models.d/{item.model_name}.yaml": mended})


def _assert_journal_explains_ledger(world: World) -> None:
    with open_state(world.url, writer=False) as ledger:
        folded: dict[ModelKey, LedgerEntry] = {}
        for event in ledger.events():
            folded[event.pair] = apply_event(folded.get(event.pair), event)
        assert folded == dict(ledger.entries("local"))
        assert {entry.phase for entry in folded.values()} == {Phase.REGISTERED}


def test_a_digest_of_a_target_that_is_not_there_is_a_mistake(world: World) -> None:
    """Such as of one that the loop was told to leave out: nothing is imported, and the targets are named."""
    with pytest.raises(ConfigurationError, match="no target other here: the targets are local"):
        apply(world, confirm="0" * 64, confirm_target="other")
    assert world.registry.calls == []


def test_a_state_that_is_too_slow_for_every_import_is_the_failure_of_the_target(world: World) -> None:
    """After a few in a row no more are tried; each says why it waits, and what waits is imported later."""
    names = [f"m{number}" for number in range(20)]
    world.source.commit({f"models.d/{name}.yaml": text(name) for name in names})
    world.registry.faults = ["slow"] * 50
    report = apply(world)
    assert len(world.registry.calls) < 10
    assert [failure.exit_code for failure in report.failures] == [3]
    waiting = [item for item in report.items if item.verdict is Verdict.WAITING]
    assert {item.reasons[0].code for item in waiting} == {"state-slow"}
    world.registry.faults = []
    world.wait(60)
    assert {item.verdict for item in apply(world).items} == {Verdict.IN_SYNC}


def test_a_state_that_was_slow_once_holds_up_that_import_alone(world: World) -> None:
    """The others are imported, and the target did not fail."""
    world.source.commit({f"models.d/{name}.yaml": text(name) for name in "bcdef"})
    world.registry.faults = ["", "slow"]
    report = apply(world)
    assert not report.failures
    assert [item.verdict for item in report.items].count(Verdict.IN_SYNC) == 5
