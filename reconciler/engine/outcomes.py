"""What became of imports: of those whose answer was lost, and of those that are not final yet.

    not listed ─▶ until intent + call timeout + settle: left open, and nothing else waits for it
               └▶ from then on: certainly not made
    sent by another process ─▶ its clock may differ: the same wait begins anew, once, by the clock of this
                               one, and ends no sooner than that of whoever sent it
    listed ─▶ equal: adopted · different: drifted · cannot be read: left open, and looked at again

Nothing here sleeps: what has to wait is looked for in the next cycle.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from reconciler.engine.clock import Timing, due_at
from reconciler.engine.observe import ask_each, details_of
from reconciler.engine.planner_input import by_age
from reconciler.engine.values import Difference, Event, EventKind, LedgerEntry, ObservedModel, Phase
from reconciler.engine.values.journal import STATUS_EVENTS
from reconciler.engine.vendor import compare, fields_of
from reconciler.errors import ReconcilerError, RegistryError, TargetUnusable

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import datetime

    from reconciler.contract.model_key import ModelKey
    from reconciler.engine.concurrency import SlowTargets
    from reconciler.engine.ports import Registry
    from reconciler.engine.recorder import Recorder
    from reconciler.manifest import Manifest


@dataclass(frozen=True, slots=True)
class Settler:
    """Settles one target's open intents during one cycle.

    Attributes:
        drifts: how models that were found registered instead of imported differ from their manifests.
    """

    recorder: Recorder
    registry: Registry
    timing: Timing
    drifts: dict[ModelKey, tuple[Difference, ...]] = field(default_factory=dict)

    def open(self) -> list[LedgerEntry]:
        """The intents without a result: what a crash or an unknown answer left behind."""
        return self.recorder.pending(Phase.INTENDED)

    def next_look(self, after: datetime) -> datetime | None:
        """When the first open intent can be settled of those that become due later than `after`, or None."""
        now = self.recorder.clock.now()
        due = (due_at(e.not_before or now, e.updated_at, now) for e in self.open())
        return min((moment for moment in due if moment > after), default=None)

    async def settle_all(self, manifests: Mapping[ModelKey, Manifest]) -> None:
        """Looks once for each open intent, a few at a time.

        Raises:
            RegistryError: credentials were refused, or the registry cannot be reached at all.
        """
        await self._attempt_each(self.open(), manifests)

    async def settle(self, pair: ModelKey, manifest: Manifest) -> bool:
        """Looks once for one pair whose intent is open; whether that settled it."""
        entry = self.recorder.entry(pair)
        if entry is not None and entry.phase is Phase.INTENDED:
            await self._attempt_each([entry], {pair: manifest})
            entry = self.recorder.entry(pair)
        return entry is None or entry.phase is not Phase.INTENDED

    async def _attempt_each(
        self, entries: Iterable[LedgerEntry], manifests: Mapping[ModelKey, Manifest]
    ) -> None:
        async def one(entry: LedgerEntry) -> None:
            await self._attempt(entry, manifests.get(entry.pair))

        await ask_each(entries, one, self.timing.in_flight)

    async def _attempt(self, entry: LedgerEntry, manifest: Manifest | None) -> None:
        models = await self.registry.find(entry.pair)
        if models:
            await self._adopt(entry, min(models, key=by_age), manifest)  # the one that the planner takes
        else:
            await self._not_listed(entry)

    async def _not_listed(self, entry: LedgerEntry) -> None:
        """Concludes that nothing was made, or that it is elsewhere, once that is certain and not before."""
        now, recorder = self.recorder.clock.now(), self.recorder
        due = entry.not_before
        believed = due_at(due, entry.updated_at, now) if due is not None else now
        if believed != due or self._is_dated_by_another(entry):
            # when the call was sent is not known by this clock: it may be under way for its whole time yet,
            # or for as long as whoever sent it said, whose timeout may be another
            again = max(believed, recorder.clock.later(self.timing.uncertain))
            detail = entry.detail or "the process ended before the answer came"
            await recorder.record_settled(
                entry, EventKind.UNKNOWN, not_before=again, code=entry.code, detail=detail
            )
        elif now < due:
            return  # the call may be carried out yet, whoever sent it
        elif entry.last is EventKind.EXISTS:
            code = f" ({entry.code})" if entry.code else ""
            detail = (
                f"the registry says that {entry.pair} exists{code}, and does not list it: look for it "
                f"{self.registry.vendor.elsewhere}; remove it there, or declare another version"
            )
            await recorder.record_settled(entry, EventKind.ELSEWHERE, detail=detail)
        elif entry.attempts > 1:
            # a registry that leaves one import unanswered again and again gets it ever more rarely
            again = recorder.clock.next_attempt(entry.attempts - 1)
            message = f"{entry.detail or 'no answer'}; it was certainly not made"
            await recorder.record_settled(
                entry, EventKind.POSTPONED, not_before=again, code=entry.code, detail=message
            )
        else:
            message = "looked for until it could not be made any more"
            await recorder.record_settled(entry, EventKind.NOT_FOUND, detail=message)

    def _is_dated_by_another(self, entry: LedgerEntry) -> bool:
        """Whether the time of the call is known only by the clock of another process, which sent it.

        A later cycle that dated it by its own clock is believed, whoever ran that: where each cycle is a
        process, such as in a job, the wait would never end otherwise.
        """
        if entry.last is EventKind.EXISTS or self.recorder.sent.get(entry.pair) == entry.operation_id:
            return False
        events = self.recorder.journal.events(self.recorder.target, entry.pair)
        sent = next((e for e in reversed(events) if e.kind is EventKind.IMPORT_REQUESTED), None)
        return sent is not None and sent.cycle_id == events[-1].cycle_id

    async def _adopt(self, entry: LedgerEntry, model: ObservedModel, manifest: Manifest | None) -> None:
        """Takes a registered model for ours when it is equal; otherwise says how it differs."""
        facts: dict[str, Any] = {
            "model_id": model.model_id,
            "model_status": model.status,
            "stage": model.stage,
        }
        if manifest is None:
            message = "found registered; declared no more"
            await self.recorder.record_settled(entry, EventKind.ADOPTED, detail=message, **facts)
            return
        # a row of the list says that a model is there; only the detail says whether its content is equal
        detail = await self.registry.detail(model.model_id)
        comparison = compare(self.registry.vendor, manifest.request, detail)
        if comparison.status is not None:
            facts |= {"model_status": comparison.status, "stage": comparison.stage}
        if comparison.unread is not None:
            return  # nothing is concluded: the intent stays open, and is looked at again
        if comparison.diff:
            self.drifts[entry.pair] = comparison.diff
            await self.recorder.record_settled(
                entry, EventKind.DRIFTED, detail=fields_of(comparison.diff), **facts
            )
        else:
            await self.recorder.record_settled(entry, EventKind.ADOPTED, digest=manifest.digest, **facts)


_FEW = 16  # models followed one by one; above, one list of all is cheaper


@dataclass(frozen=True, slots=True)
class Follower:
    """Asks after one target's unfinished imports."""

    recorder: Recorder
    registry: Registry
    timing: Timing

    def unfinished(self) -> list[LedgerEntry]:
        """Registered models whose last known status is not final."""
        return self.recorder.pending(Phase.REGISTERED)

    async def once(self) -> None:
        """Asks once what became of each unfinished import, and records what changed.

        A model that is gone is missing from then on, and is not asked for again.
        """
        entries = self.unfinished()
        statuses, gone = await self._seen([entry.model_id for entry in entries if entry.model_id])
        events = [
            self._missing(entry)
            if entry.model_id in gone
            else self._status_change(entry, statuses.get(entry.model_id or ""))
            for entry in entries
        ]
        await self.recorder.record([event for event in events if event is not None])

    async def _seen(self, model_ids: Collection[str]) -> tuple[dict[str, str | None], frozenset[str]]:
        """The status of each model by its id, and the ids that are gone.

        Of few models the details are read, of many the list; what one of them lacks is taken from the other.
        """
        listed = await self._listed() if len(model_ids) > _FEW else {}
        # what is not listed is asked for by its id: a list may show a model late
        asked = [model_id for model_id in model_ids if model_id not in listed]
        details = await details_of(self.registry, asked, self.timing.in_flight)
        status_of = self.registry.vendor.status
        read = {model_id: status_of(detail) for model_id, detail in details.read.items()}
        gone = frozenset(asked) - read.keys() - details.unread.keys()
        if (details.unread or gone) and not listed:  # gone is, as for the planner, what neither of both has
            listed = await self._listed()
        return listed | read, gone - listed.keys()

    async def _listed(self) -> dict[str, str | None]:
        return {model.model_id: model.status for model in await self.registry.list_models()}

    def _missing(self, entry: LedgerEntry) -> Event | None:
        settled = entry.updated_at + timedelta(seconds=self.timing.settle)
        missing = self.recorder.about(entry, EventKind.MISSING, model_id=entry.model_id)
        return missing if due_at(settled, entry.updated_at, missing.at) <= missing.at else None

    def _status_change(self, entry: LedgerEntry, status: str | None) -> Event | None:
        """The event of a new status; None where neither the word nor what it means has changed."""
        stage = self.registry.vendor.stage(status)
        if status is None or (entry.model_status, entry.stage) == (status, stage):
            return None
        kind = STATUS_EVENTS[stage]
        return self.recorder.about(entry, kind, model_id=entry.model_id, model_status=status, stage=stage)


async def follow_all(followers: Mapping[str, Follower], slow_targets: SlowTargets) -> ReconcilerError | None:
    """Asks once of every target, by name, side by side; the error of the first that could not be asked."""
    errors: list[ReconcilerError] = []

    async def follow(follower: Follower) -> bool:
        try:
            await follower.once()
        except (RegistryError, TargetUnusable) as error:  # the other targets are asked all the same
            errors.append(error)
            return False
        return True

    able = {name: follower for name, follower in followers.items() if name not in slow_targets}
    await slow_targets.take("following", {name: follow(follower) for name, follower in able.items()})
    return errors[0] if errors else None
