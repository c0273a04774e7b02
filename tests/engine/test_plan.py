"""The planner's whole small universe: every combination of declared, observed and remembered."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.contract import ModelKey, digest
from reconciler.engine.guards import GuardContext, Guards, guard
from reconciler.engine.manifest_parser import declared_by
from reconciler.engine.plan import plan_digest, verdicts
from reconciler.engine.planner_input import PlannerInput, group_by_pair, select_for_comparison
from reconciler.engine.values import (
    Desired,
    Difference,
    EventKind,
    LastCommit,
    LedgerEntry,
    ModelState,
    ObservedModel,
    Phase,
    Verdict,
)
from reconciler.engine.vendor import compare
from reconciler.manifest import InvalidManifest, Manifest, Reason
from reconciler.registry.vendor import MODELARTS

if TYPE_CHECKING:
    from collections.abc import Iterator

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
PAIR = ModelKey("mnist", "1.0.0")
REQUEST = {
    "model_name": "mnist",
    "model_version": "1.0.0",
    "model_type": "TensorFlow",
    "source_location": "https://models.obs.myhwclouds.com/mnist",
    "description": "as declared",
}
DETAIL = {**REQUEST, "model_id": "m-1", "model_status": "published", "runtime": "python2.7"}


def manifest(path: str = "models.d/mnist.yaml", line: int = 1, **changes: str) -> Manifest:
    request = REQUEST | changes
    pair = ModelKey(request["model_name"], request["model_version"])
    return Manifest(pair, request, digest(request), path, line)


def model(status: str | None = "published", model_id: str = "m-1", pair: ModelKey = PAIR) -> ObservedModel:
    return ObservedModel(model_id, pair, status, stage=MODELARTS.stage(status))


def entry(phase: Phase, content: Manifest | None = None, **facts: Any) -> LedgerEntry:
    defaults: dict[str, Any] = {
        "digest": content.digest if content else None,
        "model_id": "m-1" if phase is Phase.REGISTERED else None,
        "path": "models.d/mnist.yaml",
    }
    return replace(LedgerEntry("local", PAIR, phase, EventKind.STATUS, NOW), **{**defaults, **facts})


def view(*declared: Manifest, observed: ObservedModel | None = None, **rest: Any) -> PlannerInput:
    desired = Desired({declaration.pair: declared_by(declaration) for declaration in declared})
    seen: dict[ModelKey, list[ObservedModel]] = {observed.pair: [observed]} if observed else {}
    return replace(PlannerInput("local", desired, NOW, seen), **rest)


def only(items: tuple[ModelState, ...]) -> ModelState:
    assert len(items) == 1, items
    return items[0]


MINE = manifest()
LATER, EARLIER = NOW + timedelta(minutes=1), NOW - timedelta(minutes=1)
OTHER = manifest(description="another text")
AS_DECLARED = compare(MODELARTS, REQUEST, DETAIL)

# What is remembered of a pair that is declared and not registered, and the verdict that follows.
ABSENT = {
    "never seen": (None, Verdict.IMPORT),
    "released": (entry(Phase.RELEASED, MINE), Verdict.IMPORT),
    "imported before": (entry(Phase.REGISTERED, MINE), Verdict.MISSING),
    "imported before with other content": (entry(Phase.REGISTERED, OTHER), Verdict.MISSING),
    "outcome unknown": (entry(Phase.INTENDED, MINE), Verdict.WAITING),
    "outcome of other content unknown": (entry(Phase.INTENDED, OTHER), Verdict.WAITING),
    "rejected": (entry(Phase.REJECTED, MINE), Verdict.FAILED),
    "other content rejected": (entry(Phase.REJECTED, OTHER), Verdict.IMPORT),
    "postponed": (entry(Phase.POSTPONED, MINE, not_before=LATER), Verdict.WAITING),
    "postponed until now": (entry(Phase.POSTPONED, MINE, not_before=EARLIER), Verdict.IMPORT),
    "other content postponed": (entry(Phase.POSTPONED, OTHER, not_before=LATER), Verdict.IMPORT),
}


@pytest.mark.parametrize("case", ABSENT)
def test_a_declared_model_that_is_not_registered_gets_the_verdict_its_past_gives(case: str) -> None:
    """Only a pair that was never imported, or was released, is new."""
    remembered, expected = ABSENT[case]
    item = only(verdicts(view(MINE, entries={PAIR: remembered} if remembered else {})))
    assert item.verdict is expected
    assert bool(item.reasons) is (expected is not Verdict.IMPORT)


STATUSES = {
    "published": Verdict.IN_SYNC,
    "publishing": Verdict.PUBLISHING,
    "building": Verdict.PUBLISHING,
    "something new": Verdict.PUBLISHING,
    "failed": Verdict.FAILED,
    "building_failed": Verdict.FAILED,
}
PASTS = [
    None,
    *(
        entry(phase, content)
        for phase in Phase
        for content in (MINE, OTHER)
        if (phase, content) != (Phase.REGISTERED, OTHER)  # then the manifest has changed: see below
    ),
]


@pytest.mark.parametrize(("status", "past"), list(itertools.product(STATUSES, PASTS)))
def test_an_equal_registered_model_is_judged_by_its_status_whatever_is_remembered(
    status: str, past: LedgerEntry | None
) -> None:
    """The registry is the observed truth; memory never turns an equal model into an import."""
    looks = {"m-1": compare(MODELARTS, MINE.request, DETAIL | {"model_status": status})}
    remembered = {PAIR: past} if past else {}
    item = only(verdicts(view(MINE, observed=model(status), comparisons=looks, entries=remembered)))
    assert item.verdict is STATUSES[status]
    assert item.model_id == "m-1"


@pytest.mark.parametrize("past", PASTS)
def test_a_registered_model_with_other_content_is_drifted_and_the_next_version_is_named(
    past: LedgerEntry | None,
) -> None:
    """Versions are immutable: the way out is a new one."""
    looks = {"m-1": compare(MODELARTS, MINE.request, DETAIL | {"description": "changed by hand"})}
    taken = model(pair=ModelKey("mnist", "1.0.1"), model_id="m-2")
    seen = view(MINE, comparisons=looks, entries={PAIR: past} if past else {})
    items = verdicts(replace(seen, observed={PAIR: [model()], taken.pair: [taken]}))
    item = next(item for item in items if item.model_version == "1.0.0")
    assert item.verdict is Verdict.DRIFTED
    assert item.diff == (Difference("description", "as declared", "changed by hand"),)
    assert "1.0.2" in item.reasons[0].message


def test_a_manifest_that_lost_a_field_is_drifted_although_the_registry_shows_no_difference() -> None:
    """What was imported is remembered, and a registered version is immutable."""
    shorter = {key: value for key, value in REQUEST.items() if key != "description"}
    changed = replace(MINE, request=shorter, digest=digest(shorter))
    entries = {PAIR: entry(Phase.REGISTERED, MINE)}
    item = only(
        verdicts(
            view(
                changed,
                observed=model(),
                comparisons={"m-1": AS_DECLARED},
                entries=entries,
            )
        )
    )
    assert item.verdict is Verdict.DRIFTED
    assert (item.diff, "changed since the import" in item.reasons[0].message) == ((), True)
    restored = only(
        verdicts(
            view(
                MINE,
                observed=model(),
                comparisons={"m-1": AS_DECLARED},
                entries=entries,
            )
        )
    )
    assert restored.verdict is Verdict.IN_SYNC


def test_a_drifted_model_is_compared_again_each_time() -> None:
    """A standing drift is never forgotten because the digest is the old one."""
    entries = {PAIR: entry(Phase.REGISTERED, MINE, last=EventKind.DRIFTED)}
    assert select_for_comparison(view(MINE, observed=model(), entries=entries)).now == ("m-1",)


def test_a_model_found_equal_before_needs_no_detail_until_everything_is_looked_at() -> None:
    """Details are asked for only where drift must be judged."""
    entries = {PAIR: entry(Phase.REGISTERED, MINE)}
    assert select_for_comparison(view(MINE, observed=model(), entries=entries)).now == ()
    assert select_for_comparison(view(MINE, observed=model(), entries=entries), everything=True).now == (
        "m-1",
    )
    assert select_for_comparison(view(MINE, observed=model())).now == ("m-1",)
    assert select_for_comparison(view(OTHER, observed=model(), entries=entries)).now == ("m-1",)
    assert select_for_comparison(view(MINE, observed=model(model_id="m-9"), entries=entries)).now == ("m-9",)
    assert only(verdicts(view(MINE, observed=model(), entries=entries))).verdict is Verdict.IN_SYNC


def test_a_list_that_leaves_the_status_out_is_completed_from_the_detail() -> None:
    """List items are sparse in the vendor's own example."""
    seen = view(MINE, observed=model(status=None), entries={PAIR: entry(Phase.REGISTERED, MINE)})
    assert select_for_comparison(seen).now == ("m-1",)
    item = only(verdicts(replace(seen, comparisons={"m-1": AS_DECLARED})))
    assert (item.verdict, item.model_status) == (Verdict.IN_SYNC, "published")


@pytest.mark.parametrize("order", [1, -1])
def test_a_pair_that_is_registered_several_times_is_judged_by_the_oldest_and_told(order: int) -> None:
    """Nobody may think that one import was one model where the registry shows two; any order of its list."""
    models = [model(model_id=f"m-{age}")._replace(created_at=age) for age in (1, 2, 3)]
    seen = replace(
        view(manifest(), comparisons={"m-1": AS_DECLARED}), observed=group_by_pair(models[::order])
    )
    item = only(verdicts(seen))
    assert (item.verdict, item.model_id) == (Verdict.IN_SYNC, "m-1")
    assert [(reason.code, reason.severity) for reason in item.reasons] == [("registered-again", "warning")]
    assert "registered 3 times: m-1 is the oldest" in item.reasons[0].message
    assert "delete m-2 and m-3 in the registry" in item.reasons[0].message


def test_a_model_declared_nowhere_is_unmanaged_and_nothing_is_to_be_done() -> None:
    """The reconciler never deletes."""
    item = only(verdicts(view(observed=model())))
    assert (item.verdict, item.path, item.verdict.needs_human) == (Verdict.UNMANAGED, None, False)


def test_a_broken_manifest_still_claims_the_model_it_declared() -> None:
    """A typo must not make a managed model look like a stranger."""
    reason = Reason("yaml-syntax", "broken", "models.d/mnist.yaml", 3, 1)
    broken = InvalidManifest("models.d/mnist.yaml", 1, (reason,))
    named = InvalidManifest("models.d/x.yaml", 1, (reason,), "mnist", "1.0.0")
    for invalid, remembered in ((broken, {PAIR: entry(Phase.REGISTERED, MINE)}), (named, {})):
        seen = replace(view(observed=model(), entries=remembered), desired=Desired({}, {}, (invalid,)))
        assert only(verdicts(seen)).verdict is Verdict.INVALID


def test_two_manifests_for_one_pair_are_a_conflict_that_names_both_places() -> None:
    """Neither is imported."""
    rival = manifest("models.d/b.yaml", 7, description="rival")
    seen = replace(view(), desired=Desired({}, {PAIR: (declared_by(MINE), declared_by(rival))}))
    item = only(verdicts(seen))
    assert item.verdict is Verdict.CONFLICT
    assert [(reason.path, reason.line) for reason in item.reasons] == [
        ("models.d/mnist.yaml", 1),
        ("models.d/b.yaml", 7),
    ]
    assert "models.d/mnist.yaml:1, models.d/b.yaml:7" in item.reasons[0].message


def test_an_item_carries_the_commit_and_author_that_last_touched_its_file() -> None:
    """Every registered model can be traced."""
    last_commit = LastCommit("c" * 40, "Ann <ann@example.com>")
    item = only(verdicts(view(MINE, last_commits={("models.d/mnist.yaml", 1): last_commit})))
    assert (item.commit, item.author) == ("c" * 40, "Ann <ann@example.com>")


def _many() -> list[Manifest]:
    return [manifest(f"models.d/{n}.yaml", model_name=f"m{n}", description=f"d{n}") for n in range(8)]


def test_the_digest_depends_on_the_plan_and_not_on_order_or_place() -> None:
    """Moving files about is no other plan; other content is."""
    first = verdicts(view(*_many()))
    shuffled = _many()
    random.Random(7).shuffle(shuffled)
    relocated = [
        replace(declaration, path=f"models.d/moved/{n}.yaml") for n, declaration in enumerate(shuffled)
    ]
    assert plan_digest(verdicts(view(*relocated))) == plan_digest(first)
    changed = [*_many()[:-1], manifest("models.d/7.yaml", model_name="m7", description="new")]
    assert plan_digest(verdicts(view(*changed))) != plan_digest(first)
    assert plan_digest(first[:-1]) != plan_digest(first)


def test_more_imports_than_the_guard_allows_are_all_refused_and_the_knob_is_named() -> None:
    """Half an accident is still an accident."""
    items = verdicts(view(*_many()))
    assert guard(items, Guards(8), GuardContext(), "d") == items
    refused = guard(items, Guards(7), GuardContext(), "abc")
    assert {item.verdict for item in refused} == {Verdict.REFUSED}
    assert "guards.max_imports_per_cycle" in refused[0].reasons[0].message
    assert "--confirm abc" in refused[0].reasons[0].message


def test_what_was_let_through_before_is_no_new_import() -> None:
    """It is neither refused nor counted, whatever the guard is on new imports; only its vanishing is."""
    items = verdicts(view(*_many()))
    pair = items[0].pair
    assert pair is not None
    before = frozenset({("local", pair)})
    assert guard(items, Guards(7), GuardContext(admitted=before), "d") == items
    for guards, seen in (
        (Guards(0), GuardContext(admitted=before)),
        (Guards(), GuardContext(lost_commit="f" * 40, admitted=before)),
    ):
        guarded = guard(items, guards, seen, "d")
        assert [item.verdict for item in guarded if item.pair == pair] == [Verdict.IMPORT]
        assert {item.verdict for item in guarded if item.pair != pair} == {Verdict.REFUSED}
    often = GuardContext(disappearances={("local", pair): 3}, admitted=before)
    assert [item.pair for item in guard(items, Guards(), often, "d") if item.verdict is Verdict.REFUSED] == [
        pair
    ]


def test_imports_from_a_rewritten_branch_are_refused_until_that_is_allowed() -> None:
    """A force-push may have brought back what was rejected, or lost what was reviewed."""
    items = verdicts(view(MINE))
    rewritten = GuardContext(lost_commit="f" * 40)
    refused = only(guard(items, Guards(), rewritten, "abc"))
    assert refused.verdict is Verdict.REFUSED
    assert "guards.allow_rewritten_history" in refused.reasons[0].message
    assert guard(items, Guards(allow_rewritten_history=True), rewritten, "abc") == items


def test_a_model_that_keeps_vanishing_is_not_imported_again() -> None:
    """Somebody, or something, deletes it: importing it for ever helps nobody."""
    items = verdicts(view(MINE))
    often = GuardContext(disappearances={("local", PAIR): 3})
    refused = only(guard(items, Guards(), often, "abc"))
    assert "guards.max_disappearances" in refused.reasons[0].message
    assert guard(items, Guards(max_disappearances=4), often, "abc") == items


def test_a_directory_that_comes_to_declare_nothing_is_refused_not_taken_for_a_wish() -> None:
    """An emptied `models.d` is more often a mistake than a decision."""
    items = verdicts(view(observed=model(), entries={PAIR: entry(Phase.REGISTERED, MINE)}))
    refused = only(guard(items, Guards(), GuardContext(empty=frozenset({"local"})), "abc"))
    assert refused.verdict is Verdict.REFUSED
    assert "guards.allow_empty" in refused.reasons[0].message
    assert guard(items, Guards(allow_empty=True), GuardContext(), "abc") == items
    strangers = verdicts(view(observed=model()))
    assert guard(strangers, Guards(), GuardContext(), "abc") == strangers


def test_planning_twice_gives_the_same_plan() -> None:
    """The planner is a function."""
    seen = view(*_many(), observed=model(), comparisons={"m-1": AS_DECLARED})
    assert verdicts(seen) == verdicts(seen)


class _CountedKeys(dict[ModelKey, Any]):
    """A mapping that counts the keys it gives when it is gone through."""

    given = 0

    def __iter__(self) -> Iterator[ModelKey]:
        for key in super().__iter__():
            self.given += 1
            yield key


def _keys_gone_through(drifted: int) -> float:
    """For each of so many drifted models, how many remembered ones are looked at."""
    pairs = [ModelKey(f"model{number}", "1.0.0") for number in range(drifted)]
    declared = [manifest(f"models.d/{pair.model_name}.yaml", model_name=pair.model_name) for pair in pairs]
    entries = _CountedKeys((pair, entry(Phase.REGISTERED, OTHER, pair=pair)) for pair in pairs)
    seen = {pair: [model(pair=pair)] for pair in pairs}
    items = verdicts(replace(view(*declared), observed=seen, entries=entries))
    assert {item.verdict for item in items} == {Verdict.DRIFTED}
    assert all("as version 1.0.1" in item.reasons[0].message for item in items)
    return entries.given / drifted


def test_the_advice_on_a_drifted_model_costs_the_same_however_many_drifted() -> None:
    """The versions that are taken are gathered once, not for each of them."""
    assert _keys_gone_through(200) == _keys_gone_through(2)
