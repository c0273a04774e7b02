"""`apply`: one cycle, carried out."""

from __future__ import annotations

import asyncio
import re
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.app.audit import write_once
from reconciler.app.session import Listeners, ProcessState, open_session
from reconciler.app.sinks import flush
from reconciler.cli import options
from reconciler.cli.acting import Acting, actor, hand_over
from reconciler.cli.noop import pack_mirror
from reconciler.cli.report import leave, show
from reconciler.cli.terminal import echo_err, warned
from reconciler.engine import last_report
from reconciler.engine.leadership import SHARED
from reconciler.engine.options import CycleOptions
from reconciler.errors import ConfigurationError, SourceError, StateLockedError
from reconciler.phrases import many
from reconciler.printable import printable

if TYPE_CHECKING:
    from reconciler.app.session import Session
    from reconciler.engine.clock import Clock
    from reconciler.engine.values import Report
    from reconciler.registry import CredentialCooldown
    from reconciler.settings import Configuration

DigestOption = Annotated[
    str | None,
    typer.Option("--expect-digest", metavar="DIGEST", help="Refuse unless the plan has this digest."),
]
ConfirmOption = Annotated[
    str | None,
    typer.Option("--confirm", metavar="DIGEST", help="Bypass the guards if the plan still has this digest."),
]
_DIGEST = re.compile(r"[0-9a-f]{64}")
_NOTIFYING = 10.0  # seconds at most that `apply` takes for sending messages


def apply(
    context: typer.Context,
    config: options.ConfigOption = None,
    target: options.TargetOption = None,
    output: options.OutputOption = options.Output.TEXT,
    wait: Annotated[
        bool, typer.Option("--wait/--no-wait", help="Follow each import until it is final.")
    ] = True,
    expect_digest: DigestOption = None,
    confirm: ConfirmOption = None,
    refresh: options.RefreshOption = False,
    quiet: options.QuietOption = False,
    verbose: options.VerboseOption = False,
) -> None:
    """One cycle: plans, imports what is new, and waits for the outcome.

    While `reconciler run` is up, only --confirm works: the loop carries it out, and its answer is waited for.
    """
    for option, digest in (("--expect-digest", expect_digest), ("--confirm", confirm)):
        _require_digest(option, digest)
    acting = Acting.on(warned(config), target, quiet=quiet)
    cycle = CycleOptions(
        wait=wait,
        whole=False,
        refresh=refresh,
        expect=expect_digest,
        confirm=confirm,
        actor=actor("apply --confirm" if confirm else "apply"),
    )
    whole = verbose or output is options.Output.JSON
    try:
        with acting.progress.shown():
            report = asyncio.run(_apply(acting, cycle, context.obj, whole=whole))
    except StateLockedError:
        if confirm is None or expect_digest not in (None, confirm):
            raise
        acting.progress.idle = False  # the loop packs its mirror itself
        report = hand_over(acting, confirm, wait=wait)
    imported = acting.progress.imported
    show(report, options.PlanOutput(output), quiet=quiet, verbose=verbose, mode="apply", imported=imported)
    if acting.progress.idle and acting.interruption.by is None:
        pack_mirror(acting.settings)
    leave(report, pending=True, interruption=acting.interruption)


def _require_digest(option: str, text: str | None) -> None:
    if text is not None and not _DIGEST.fullmatch(text):
        raise ConfigurationError(
            f"{option} {printable(text)}: expected the digest of a plan: 64 characters, 0 to 9 and a to f, "
            "as `reconciler plan` prints it"
        )


async def _apply(
    acting: Acting, cycle: CycleOptions, cooldown: CredentialCooldown | None, *, whole: bool
) -> Report:
    """One cycle; the report lists every model if the `whole` is wanted, and else those that were judged."""
    settings, listeners = acting.settings, Listeners(acting.progress)
    process_state = ProcessState() if cooldown is None else ProcessState(cooldown)

    async def work(clock: Clock) -> Report:
        async with open_session(
            settings,
            acts=True,
            only=acting.only,
            clock=clock,
            listeners=listeners,
            process_state=process_state,
        ) as session:
            report = await session.engine.cycle(cycle)
            leads = partial(session.engine.leadership.leads, SHARED)
            left = await flush(settings, session.ledger.outbox, clock, _NOTIFYING, leads)
            for name, backlog in left.items():
                waiting = many(backlog.number, "message waits", "messages wait")
                echo_err(
                    f"note: sink {name}: {waiting}: {backlog.error or 'not sent yet'}; the next run sends it"
                )
            if await _noted(settings, session, clock) and not left:
                session.idle_marks.extend(filter(None, [session.engine.idle_mark(report)]))
            targets = [one.name for one in session.engine.targets]
            return last_report.full(report, session.ledger, targets) if whole else report

    grace = settings.settings.schedule.grace.total_seconds()
    return await acting.interruption.carried_out(grace, work)


async def _noted(settings: Configuration, session: Session, clock: Clock) -> bool:
    """Writes git's notes; what cannot be written now is written by the next run."""
    if settings.settings.audit.notes is None:
        return True
    try:
        await asyncio.to_thread(write_once, settings, session.source, session.ledger, clock, _note)
    except SourceError as problem:
        _note(f"git's notes were not written: {problem}; the next run writes them")
        return False
    return True


def _note(text: str) -> None:
    echo_err(f"note: {text}")
