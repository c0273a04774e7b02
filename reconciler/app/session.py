"""Source, state, registries and engine, opened for one command and closed after it."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from reconciler.app.audit import notes_remote
from reconciler.app.noop import NOOP_MARK, noop_note, written
from reconciler.app.registries import LazyRegistry, Opening, kind_of, registry_of
from reconciler.app.repository import index_of, parser_of, part_of, renamed_targets, source_of, trust_rules
from reconciler.app.sinks import subscriptions_of
from reconciler.app.target_preflight import preflight_of
from reconciler.daemon.campaign import Campaign
from reconciler.engine.clock import Clock, Timing
from reconciler.engine.cycle import Engine
from reconciler.engine.guards import Guards
from reconciler.engine.leadership import SHARED, LeaseSnapshot
from reconciler.engine.target import Target
from reconciler.errors import TargetUnusable
from reconciler.registry import CredentialCooldown
from reconciler.state import open_state

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence

    from reconciler.engine.ports import Registry
    from reconciler.engine.values import Event, IdleMark
    from reconciler.index import Store
    from reconciler.settings import Configuration
    from reconciler.source import GitSource
    from reconciler.state import SqlLedger
    from reconciler.state.leases import SqlLeases


@dataclass(frozen=True, slots=True)
class Listeners:
    """Functions that are called when something happens.

    Attributes:
        progress: called with every event as it is recorded.
        asked: called after every request to a registry: target, method, status (None where no answer came),
            seconds.
        led: called when this process has gained or lost a lease, in another thread.
        on_lease_snapshot: called with the leaders of all targets, about once a second, in another thread.
        at_rest: whether nothing is under way in a target, asked in that thread.
    """

    progress: Callable[[Event], None] = lambda _: None
    asked: Callable[[str, str, int | None, float], None] = lambda *_: None
    led: Callable[[], None] = lambda: None
    on_lease_snapshot: Callable[[LeaseSnapshot], None] = lambda _: None
    at_rest: Callable[[str], bool] = lambda _: True


@dataclass(slots=True)
class ProcessState:
    """What outlives a session when its process opens another one.

    Attributes:
        cooldown: which credentials were refused: they are not tried again by a new session either.
        holder: by what name this process leads, once it did.
    """

    cooldown: CredentialCooldown = field(default_factory=CredentialCooldown)
    holder: str | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """Everything one command works with; closed by `open_session`.

    Attributes:
        idle_marks: what was left to do when the command ended; noted last, for the next command. Empty for
            something.
        campaign: for the leases; None where the state is a file, or nothing is written.
    """

    configuration: Configuration
    source: GitSource
    ledger: SqlLedger
    engine: Engine
    idle_marks: list[IdleMark]
    campaign: Campaign | None = None


@contextlib.asynccontextmanager
async def open_session(  # noqa: PLR0913 - what a command is given
    configuration: Configuration,
    *,
    acts: bool,
    stands_by: bool = False,
    only: str | None = None,
    clock: Clock | None = None,
    listeners: Listeners | None = None,
    process_state: ProcessState | None = None,
) -> AsyncIterator[Session]:
    """Opens source, state and registries, and closes them in reverse.

    One that `acts` takes the state's lock, or the leases of all targets, and may create files; without it
    nothing at all is created. One that `stands_by` goes on without the leases that others hold, and takes
    them when they are free.

    Raises:
        ConfigurationError: there is no target of that name.
        TargetUnusable: no target's registry can be opened; one of several that cannot fails alone.
        SourceError, StateError: as opening them does.
    """
    listeners, process_state = listeners or Listeners(), process_state or ProcessState()
    async with contextlib.AsyncExitStack() as stack:
        names = configuration.chosen(only)
        source = stack.enter_context(contextlib.closing(source_of(configuration)))
        ledger = stack.enter_context(
            contextlib.closing(_ledger(configuration, names, process_state, acts=acts))
        )
        campaign = None
        if ledger.leases is not None:
            process_state.holder = ledger.leases.holder
            campaign = stack.enter_context(
                _campaigning(configuration, ledger.leases, names, listeners, stands_by=stands_by)
            )
            clock = replace(clock or Clock(), now=campaign.now)
        require_trust(configuration, source, ledger, clock, writes=acts)
        if acts and configuration.settings.audit.notes is not None:
            notes_remote(configuration)  # refused before anything is done that could not be noted
        index = stack.enter_context(contextlib.closing(index_of(configuration, writes=acts)))
        idle_marks: list[IdleMark] = []
        async with contextlib.AsyncExitStack() as registries:
            asked, cooldown = listeners.asked, process_state.cooldown
            how = {name: Opening(acts, cooldown, partial(asked, name)) for name in names}
            targets = await _targets(configuration, how, index, registries)
            guards = Guards(**dict(configuration.settings.guards))
            engine = Engine(source, ledger, targets, guards, clock or Clock(), listeners.progress)
            if campaign is not None:
                engine.leadership = campaign
            engine.notes = tuple(renamed_targets(configuration, ledger, names))
            registries.push_async_callback(engine.aclose)
            yield Session(configuration, source, ledger, engine, idle_marks, campaign)
        if idle_marks:
            ledger.mark("", NOOP_MARK, written(noop_note(configuration, names, idle_marks[-1])))
        elif acts and source.held():
            # nothing is as it was, even if the branch goes back to what it was
            ledger.mark("", NOOP_MARK, "")


async def _targets(
    configuration: Configuration,
    how: Mapping[str, Opening],
    index: Store,
    registries: contextlib.AsyncExitStack,
) -> tuple[Target, ...]:
    """The targets, with their registries open; these are closed by the stack. Raises TargetUnusable."""
    targets, errors = [], []
    for name, its_own in how.items():
        opening = partial(registry_of, configuration, name, its_own)
        registry = LazyRegistry(kind_of(configuration, name).vendor, opening)
        registries.push_async_callback(registry.aclose)
        try:
            await registry.opened()
        except TargetUnusable as error:
            errors.append(error)  # it is tried again with each cycle
        targets.append(_target(configuration, name, registry, index))
    if len(errors) == len(targets):
        raise errors[0]
    return tuple(targets)


def require_trust(
    configuration: Configuration, source: GitSource, ledger: SqlLedger, clock: Clock | None, *, writes: bool
) -> None:
    """Has the source give only commits that are trusted, where that is configured."""
    rules = trust_rules(configuration)
    if rules is not None:
        source.require(rules, ledger, writes=writes, now=(clock or Clock()).now)


def _ledger(
    configuration: Configuration, names: tuple[str, ...], process_state: ProcessState, *, acts: bool
) -> SqlLedger:
    """The state; it remembers which registry each target is, so that it is never used for another."""
    return open_state(
        configuration.state_url,
        writer=acts,
        target_identities={name: _checked_identity(configuration, name) for name in names},
        compact_after=configuration.settings.state.compact_after,
        subscriptions=subscriptions_of(configuration),
        holder=process_state.holder,
        term=configuration.settings.ha.lease,
    )


@contextlib.contextmanager
def _campaigning(
    configuration: Configuration,
    leases: SqlLeases,
    names: Sequence[str],
    listeners: Listeners,
    *,
    stands_by: bool,
) -> Iterator[Campaign]:
    """Campaigns for the leases while the block runs, and gives them back after it.

    Raises StateLockedError where somebody leads one of the targets, and that is not waited for.
    """
    campaign = Campaign(
        leases,
        (SHARED, *names),
        configuration.settings.ha.renew.total_seconds(),
        listeners.led,
        listeners.on_lease_snapshot,
        listeners.at_rest,
    )
    try:
        if stands_by:
            campaign.start()
        else:
            campaign.take_all(names)
        yield campaign
    finally:
        campaign.close()


def _checked_identity(configuration: Configuration, name: str) -> str:
    """What the state remembers of a target; checked first, for a secret in the wrong place is not kept."""
    target = configuration.settings.targets[name]
    with configuration.located("targets", name, table=f"targets.{name}"):
        kind_of(configuration, name).check(target)
    return target.identity


def is_shared(configuration: Configuration) -> bool:
    """Whether other machines may use the same state, so that leases say who writes."""
    return not configuration.state_url.startswith("sqlite")


def timing_of(configuration: Configuration, name: str) -> Timing:
    """How patient one target's cycles are."""
    target, kind = configuration.settings.targets[name], kind_of(configuration, name)
    follow = configuration.settings.follow
    first = follow.first.total_seconds() if follow.first else kind.follow
    return Timing(
        in_flight=target.in_flight,
        fresh=kind.fresh,
        call_timeout=target.timeout.total_seconds(),
        lease=configuration.settings.ha.lease.total_seconds() if is_shared(configuration) else 0.0,
        settle=kind.settle if follow.settle is None else follow.settle.total_seconds(),
        follow_first=first,
        follow_max=max(first, follow.max.total_seconds()),
        follow_deadline=follow.deadline.total_seconds(),
    )


def _target(configuration: Configuration, name: str, registry: Registry, index: Store) -> Target:
    settings, part = configuration.settings, part_of(index, configuration, name)
    return Target(
        name,
        registry,
        parser_of(configuration, name),
        part,
        index.history_of(name),
        rules=f"{settings.targets[name].identity} {part.rules}",
        timing=timing_of(configuration, name),
        full_observation=settings.schedule.full_observation,
        compare_at_most=settings.schedule.compare_at_most,
        preflight=preflight_of(configuration, name),
    )
