"""`apply`: one cycle, carried out."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.app.noop_check import Tried, noop_check
from reconciler.cli.actor import actor
from reconciler.cli.options import (
    ConfigOption,
    Output,
    OutputOption,
    PlanOutput,
    QuietOption,
    RefreshOption,
    TargetOption,
    VerboseOption,
)
from reconciler.cli.terminal import echo, echo_err, warned
from reconciler.errors import ConfigurationError, SourceError, StateLockedError

if TYPE_CHECKING:
    from reconciler.app.session import Session
    from reconciler.cli.interruption import Interruption
    from reconciler.cli.progress import Progress
    from reconciler.engine.clock import Clock
    from reconciler.engine.options import CycleOptions
    from reconciler.engine.values import Report
    from reconciler.settings import Configuration

DigestOption = Annotated[
    str | None,
    typer.Option("--expect-digest", metavar="DIGEST", help="Refuse unless the plan has this digest."),
]
ConfirmOption = Annotated[
    str | None,
    typer.Option("--confirm", metavar="DIGEST", help="Bypass the guards if the plan still has this digest."),
]
_NOTIFYING = 10.0  # seconds at most that `apply` takes for sending messages


def apply(
    config: ConfigOption = None,
    target: TargetOption = None,
    output: OutputOption = Output.TEXT,
    wait: Annotated[
        bool, typer.Option("--wait/--no-wait", help="Follow each import until it is final.")
    ] = True,
    expect_digest: DigestOption = None,
    confirm: ConfirmOption = None,
    refresh: RefreshOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """One cycle: plans, imports what is new, and waits for the outcome.

    While `reconciler run` is up, only --confirm works: the loop carries it out, and its answer is waited for.
    """
    _ensure_given(expect_digest=expect_digest, confirm=confirm)
    settings, whole, tried = warned(config), verbose or output is Output.JSON, Tried()
    if not (whole or refresh or expect_digest or confirm) and _nothing_moved(settings, target, tried):
        return

    import asyncio  # noqa: PLC0415 - heavy

    from reconciler.cli.beside import hand_over  # noqa: PLC0415
    from reconciler.cli.interruption import Interruption  # noqa: PLC0415
    from reconciler.cli.progress import Progress  # noqa: PLC0415
    from reconciler.cli.report import leave, show  # noqa: PLC0415 - brings every view
    from reconciler.engine.options import CycleOptions  # noqa: PLC0415

    options = CycleOptions(
        wait=wait,
        whole=False,
        refresh=refresh,
        expect=expect_digest,
        confirm=confirm,
        actor=actor("apply --confirm" if confirm else "apply"),
    )
    progress, interruption = Progress(quiet), Interruption()
    try:
        with progress.shown():
            report = asyncio.run(
                _apply(settings, target, options, progress, interruption, tried, whole=whole)
            )
    except StateLockedError:
        if confirm is None or expect_digest not in (None, confirm):
            raise
        progress.idle = False  # the loop packs its mirror itself
        report = hand_over(settings, target, confirm, progress, interruption, wait=wait)
    show(report, PlanOutput(output), quiet=quiet, verbose=verbose, mode="apply", imported=progress.imported)
    if progress.idle and interruption.by is None:
        _pack_mirror(settings)
    leave(report, pending=True, interruption=interruption)


def _ensure_given(**digests: str | None) -> None:
    """Refuses a digest that is empty, such as an unset variable of a script. Raises ConfigurationError."""
    for name, digest in digests.items():
        if digest is not None and not digest.strip():
            raise ConfigurationError(
                f"--{name.replace('_', '-')} is empty: give it the digest that `reconciler plan` prints"
            )


def _nothing_moved(settings: Configuration, target: str | None, tried: Tried) -> bool:
    """Whether nothing can have changed since the last cycle, and says so."""
    from reconciler.views.words import nothing_to_do, phrase  # noqa: PLC0415

    idle = noop_check(settings, target, tried)
    if idle is None:
        return False
    if idle.lists.keys() == set(settings.chosen(target)):  # all was looked at, as a cycle would have
        sentence = nothing_to_do(idle.numbers)
    else:
        sentence = (
            f"Nothing to do: nothing has moved since {idle.at:%Y-%m-%dT%H:%M:%SZ}, with "
            f"{phrase(idle.numbers)}. `--refresh` looks at the registry again."
        )
    echo(f"{sentence}\nCommit {idle.commit[:12]}, plan digest {idle.digest}")
    _pack_mirror(settings)
    return True


def _pack_mirror(settings: Configuration) -> None:
    """Packs the mirror of a remote repository, at most once a day; the answer was printed before.

    A run that failed to pack did all else that it was asked to do, and ends as it would have without.
    """
    from contextlib import closing  # noqa: PLC0415

    from reconciler.app.repository import source_of  # noqa: PLC0415

    try:
        with closing(source_of(settings)) as source:
            source.tidy()
    except SourceError as problem:
        echo_err(f"warning: the mirror was not packed, and is packed again in a day: {problem}")


async def _apply(
    settings: Configuration,
    target: str | None,
    options: CycleOptions,
    progress: Progress,
    interruption: Interruption,
    tried: Tried,
    *,
    whole: bool,
) -> Report:
    """One cycle; the report lists every model if the `whole` is wanted, and else those that were judged."""
    from reconciler.app.session import Heritage, Listeners, open_session  # noqa: PLC0415
    from reconciler.app.sinks import flush  # noqa: PLC0415
    from reconciler.engine import last_report  # noqa: PLC0415
    from reconciler.engine.leadership import SHARED  # noqa: PLC0415
    from reconciler.phrases import many  # noqa: PLC0415

    heard = Listeners(progress)
    heritage = Heritage() if tried.cooldown is None else Heritage(tried.cooldown)

    async def work(clock: Clock) -> Report:
        async with open_session(
            settings, acts=True, only=target, clock=clock, listeners=heard, heritage=heritage
        ) as session:
            report = await session.engine.cycle(options)
            leads = partial(session.engine.leadership.leads, SHARED)
            left = await flush(settings, session.ledger.outbox, clock, _NOTIFYING, leads)
            for name, backlog in left.items():
                waiting = many(backlog.number, "message waits", "messages wait")
                echo_err(
                    f"note: sink {name}: {waiting}: {backlog.error or 'not sent yet'}; the next run sends it"
                )
            if await _noted(settings, session, clock) and not left:
                session.rest.extend(filter(None, [session.engine.idle_mark(report)]))
            targets = [one.name for one in session.engine.targets]
            return last_report.full(report, session.ledger, targets) if whole else report

    return await interruption.carried_out(settings.settings.schedule.grace.total_seconds(), work)


async def _noted(settings: Configuration, session: Session, clock: Clock) -> bool:
    """Writes git's notes; what cannot be written now is written by the next run."""
    if settings.settings.audit.notes is None:
        return True
    import asyncio  # noqa: PLC0415 - heavy

    from reconciler.app.audit import write_once  # noqa: PLC0415

    try:
        await asyncio.to_thread(write_once, settings, session.source, session.ledger, clock)
    except SourceError as problem:
        echo_err(f"note: git's notes were not written: {problem}; the next run writes them")
        return False
    return True
