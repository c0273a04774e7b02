"""The verdicts on one target's models: settle, observe, compare, decide; preflight of what is new."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from reconciler.contract.model_key import FreeVersions, ModelKey
from reconciler.engine.concurrency import gather_limited
from reconciler.engine.observe import details_of, observe
from reconciler.engine.plan import preflighted, verdicts
from reconciler.engine.planner_input import select_for_comparison
from reconciler.engine.reasons import is_unreadable
from reconciler.engine.target_run import Cycle, TargetRun, isolate_errors, left_behind, manifests_of
from reconciler.engine.values import ModelState, Phase, Verdict
from reconciler.engine.vendor import Comparison, compare
from reconciler.errors import ReconcilerError, RegistryError
from reconciler.manifest import Reason

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from reconciler.engine.concurrency import SlowTargets
    from reconciler.engine.ports import Preflight, Registry
    from reconciler.manifest import Manifest


_AT_ONCE = 500  # models whose details are in memory together
_ASKED_ABOUT = 16  # drifted models of one cycle
_QUESTIONS = 64  # about each of them
_PREFLIGHT_AGAIN = 60.0  # seconds; files may be mended without a commit
_UNREADABLE_AGAIN = 30.0  # seconds; a registry may answer by then about a model that it would not speak of


async def judge_all(cycle: Cycle, runs: Sequence[TargetRun], slow_targets: SlowTargets) -> list[TargetRun]:
    """All targets side by side, each judged or failed; of one that is left behind nothing is used."""
    judged: dict[str, TargetRun] = {}

    async def step(run: TargetRun) -> bool:
        after = judged[run.target.name] = await isolate_errors(run, partial(judge, cycle))
        return after.failure is None

    able = {run.target.name: run for run in runs if run.failure is None}
    if cycle.options.leaves_behind:
        late = await slow_targets.take("judging", {name: step(run) for name, run in able.items()})
    else:
        late = frozenset()
        await asyncio.gather(*map(step, able.values()))
    # a step that was left behind runs on, and may end after this: what it finds then belongs to no cycle
    return [
        replace(run, failure=left_behind(run.target))
        if run.target.name in late
        else judged.get(run.target.name, run)
        for run in runs
    ]


async def judge(cycle: Cycle, run: TargetRun) -> TargetRun:
    """Settles what an earlier cycle left open, looks at the registry, and decides."""
    name = run.target.name
    if cycle.options.act:
        await run.executor.settler.settle_all(await open_manifests(cycle, run))
        # observed after settling: what a look has just adopted is then seen as adopted; very many entries are
        # not read a second time where nothing was journalled since
        if cycle.journal.position() != run.position:
            run = replace(run, inputs=replace(run.inputs, entries=cycle.journal.entries(name, run.scope)))
    run = await _observed(cycle, run)
    items = verdicts(run.inputs)
    drifted = [item.pair for item in items if item.verdict is Verdict.DRIFTED and item.pair]
    if drifted and run.scope is not None:  # a look at everything has seen the versions that are taken
        run = await with_used_versions(cycle, run, drifted)
        items = verdicts(run.inputs)
    if any(map(is_unreadable, items)):
        run = run.looking_again(cycle.clock.later(_UNREADABLE_AGAIN))
    return await _preflighted(cycle, replace(run, items=items))


async def open_manifests(cycle: Cycle, run: TargetRun) -> Mapping[ModelKey, Manifest]:
    """The manifests of the imports that are to be settled."""
    pairs = [e.pair for e in cycle.journal.pending(run.target.name) if e.phase is Phase.INTENDED]
    if not pairs:
        return {}
    desired = await cycle.git(run.declared.desired, pairs)
    return await manifests_of(cycle, run, desired.manifests.values())


async def with_used_versions(cycle: Cycle, run: TargetRun, drifted: Collection[ModelKey]) -> TargetRun:
    """The run with every version of these models' names that is declared, remembered or registered."""
    names = {pair.model_name for pair in drifted}
    declared = await cycle.git(run.declared.versions, names)
    remembered = cycle.journal.versions(run.target.name, names)
    used_by_name = {
        name: declared[name].union(pair.model_version for pair in remembered if pair.model_name == name)
        for name in names
    }
    used = await used_versions(run.target.registry, drifted, used_by_name, run.target.timing.in_flight)
    return replace(run, inputs=replace(run.inputs, used_versions=used))


async def _observed(cycle: Cycle, run: TargetRun) -> TargetRun:
    """The run with what is registered, compared as far as it has to be in this cycle."""
    registry, in_flight = run.target.registry, run.target.timing.in_flight
    without_entry = run.inputs.desired.manifests.keys() - run.inputs.entries.keys()
    uncompared_ids = cycle.states.uncompared_ids(run.target.name, without_entry) if without_entry else {}
    inputs = replace(run.inputs, uncompared_ids=uncompared_ids)
    inputs, details = await observe(registry, inputs, only=run.scope, in_flight=in_flight)
    limit = None if cycle.options.refresh else run.target.compare_at_most
    ids, later = select_for_comparison(
        inputs, everything=run.full, at_most=limit, chance=cycle.clock.chance()
    )
    run = replace(run, inputs=replace(inputs, later=later), compared=bool(ids))
    return await _compared(cycle, run, details, [*details, *ids])


async def _compared(
    cycle: Cycle, run: TargetRun, details: Mapping[str, Mapping[str, Any]], model_ids: Iterable[str]
) -> TargetRun:
    """The run with a comparison of each of these models; `details` are those that were read on the way."""
    registry, inputs, asked = run.target.registry, run.inputs, dict.fromkeys(model_ids)
    declared = {
        models[0].model_id: inputs.desired.manifests[pair]
        for pair, models in inputs.observed.items()
        if models and models[0].model_id in asked and pair in inputs.desired.manifests
    }
    ids = [model_id for model_id in asked if model_id in declared]
    comparisons, unread = dict[str, Comparison](), dict(inputs.unread)
    for start in range(0, len(ids), _AT_ONCE):  # some after others: details are large
        some = ids[start : start + _AT_ONCE]
        missing = [one for one in some if one not in details and one not in inputs.unread]
        more = await details_of(registry, missing, run.target.timing.in_flight)
        unread |= more.unread
        read = {one: details[one] for one in some if one in details} | more.read
        manifests = await manifests_of(cycle, run, [declared[one] for one in read])
        for model_id, detail in read.items():
            manifest = manifests.get(declared[model_id].pair)
            if manifest is not None:
                comparisons[model_id] = compare(registry.vendor, manifest.request, detail)
    unread |= {
        one: comparison.unread for one, comparison in comparisons.items() if comparison.unread is not None
    }
    compared = {one: comparison for one, comparison in comparisons.items() if comparison.unread is None}
    return replace(run, inputs=replace(inputs, comparisons=compared, unread=unread))


async def _preflighted(cycle: Cycle, run: TargetRun) -> TargetRun:
    """The run with what the preflight of each new model says; an error stops that import."""
    preflight = run.target.preflight
    if preflight is None:
        return run
    imports = {item.pair: item for item in run.items if item.verdict is Verdict.IMPORT and item.pair}
    whole = await manifests_of(cycle, run, [run.inputs.desired.manifests[pair] for pair in imports])
    judged = dict(imports)

    async def one(pair: ModelKey) -> None:
        judged[pair] = preflighted(
            imports[pair], await _preflight_reasons(preflight, whole[pair], imports[pair])
        )

    await gather_limited(imports, one, run.target.timing.in_flight)
    if any(item.verdict is Verdict.INVALID for item in judged.values()):
        run = run.looking_again(cycle.clock.later(_PREFLIGHT_AGAIN))
    items = (
        judged[item.pair] if item.pair and item.verdict is Verdict.IMPORT else item for item in run.items
    )
    return replace(run, items=tuple(items))


async def _preflight_reasons(
    preflight: Preflight, manifest: Manifest, item: ModelState
) -> tuple[Reason, ...]:
    try:
        return await preflight(manifest)
    except ReconcilerError:
        raise
    except Exception as error:  # noqa: BLE001 - one model's files are its own matter
        message = f"its files could not be looked at: unexpected {type(error).__name__}"
        return (Reason("preflight-failed", message, item.path, item.line),)


async def used_versions(
    registry: Registry,
    drifted: Collection[ModelKey],
    used_by_name: Mapping[str, Collection[str]],
    in_flight: int,
) -> Mapping[str, frozenset[str]]:
    """The known versions by name, and those registered ones that a next version would otherwise collide with.

    A cycle over some models has not listed the others, so the registry is asked about each version that would
    be advised, until it has none: the advice is then the same as after a look at everything. Where it cannot
    be asked, very many drifted, or very many versions are registered that nobody declared, what is known must
    do: imports wait for this.
    """
    used = {pair.model_name: set(used_by_name.get(pair.model_name, ())) for pair in drifted}
    free = {name: FreeVersions(versions) for name, versions in used.items()}

    async def one(pair: ModelKey) -> None:
        name = pair.model_name
        with suppress(RegistryError):
            for _ in range(_QUESTIONS):
                version = free[name].after(pair.model_version)
                if version is None or not await registry.find(ModelKey(name, version)):
                    return
                used[name].add(version)
                free[name].take(version)

    await gather_limited(sorted(drifted)[:_ASKED_ABOUT], one, in_flight)
    return {name: frozenset(versions) for name, versions in used.items()}
