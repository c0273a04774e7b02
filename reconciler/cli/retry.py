"""`retry`: releases one model for another attempt, and makes the attempt."""

from __future__ import annotations

import asyncio
import sys
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.app.registries import failure_told
from reconciler.app.session import Listeners, open_session
from reconciler.cli import options
from reconciler.cli.acting import Acting, actor, hand_over
from reconciler.cli.interruption import interruptible
from reconciler.cli.report import Progress, about, leave, show
from reconciler.cli.terminal import configuration, echo_err
from reconciler.contract.model_key import ModelKey
from reconciler.engine.options import CycleOptions
from reconciler.engine.retry import blockers
from reconciler.engine.retry import retry as release
from reconciler.errors import ConfigurationError, ReconcilerError, StateLockedError
from reconciler.state import open_for_release

if TYPE_CHECKING:
    from reconciler.app.session import Session
    from reconciler.engine.retry import Blockers
    from reconciler.engine.values import Report


def retry(
    model: Annotated[str, typer.Argument(metavar="NAME@VERSION", help="The model to try again.")],
    config: options.ConfigOption = None,
    target: options.TargetOption = None,
    output: options.OutputOption = options.Output.TEXT,
    yes: options.YesOption = False,
    quiet: options.QuietOption = False,
    verbose: options.VerboseOption = False,
) -> None:
    """Releases a failed, rejected or missing model, and imports it again.

    A model that the registry says failed still occupies its name and version: it is deleted first, after
    confirmation or with --yes. Nothing else is ever deleted. While `reconciler run` is up, the model is only
    released here and imported there, and the outcome is waited for.
    """
    settings, pair = configuration(config), pair_of(model)
    acting = Acting.on(settings, target, quiet=quiet)
    try:
        report = asyncio.run(_retry(acting, pair, yes=yes))
    except StateLockedError:
        released = asyncio.run(_release_beside(acting, pair, yes=yes))
        what = "released" if released else "nothing to release"
        echo_err(f"{pair}: {what}; the process that holds the state goes on with it")
        report = about(hand_over(acting, None, wait=True), str(pair))
    form, imported = options.PlanOutput(output), acting.progress.imported
    show(report, form, quiet=quiet, verbose=verbose, mode="apply", imported=imported)
    leave(report, pending=True, interruption=acting.interruption)


def pair_of(text: str) -> ModelKey:
    """`NAME@VERSION` as a pair. Raises ConfigurationError."""
    name, separator, version = text.rpartition("@")
    if not (name and separator and version):
        raise ConfigurationError(f"{text}: expected NAME@VERSION, such as mnist@1.0.0")
    return ModelKey(name, version)


async def _retry(acting: Acting, pair: ModelKey, *, yes: bool) -> Report:
    """The report on that pair alone; the one remembered speaks of all."""
    listeners, only = Listeners(acting.progress), acting.only
    with acting.interruption.heeded() as clock:
        async with open_session(
            acting.settings, acts=True, only=only, clock=clock, listeners=listeners
        ) as session:
            await _release(session, pair, acting.progress, yes=yes)
            report = await session.engine.cycle(CycleOptions(whole=False, only=pair, actor=actor("retry")))
    return replace(report, items=tuple(item for item in report.items if item.pair == pair), unlisted={})


async def _release_beside(acting: Acting, pair: ModelKey, *, yes: bool) -> bool:
    """Releases the pair while another process is the writer of the state; whether anything held it back."""
    settings = acting.settings
    with (
        acting.interruption.heeded() as clock,
        closing(open_for_release(settings.state_url)) as ledger,
    ):
        async with open_session(settings, acts=False, only=acting.only, clock=clock) as session:
            await _release(replace(session, ledger=ledger), pair, acting.progress, yes=yes)
        return ledger.writes > 0


async def _release(session: Session, pair: ModelKey, progress: Progress, *, yes: bool) -> None:
    """Frees the pair in every target that holds it back and declares it.

    Raises:
        ConfigurationError: the user has to agree first.
        ReconcilerError: no manifest declares it; it is registered, and has not failed; or it is declared, and
            cannot be imported so.
    """
    claims = await session.engine.targets_declaring(pair)
    if not claims.targets and claims.obstacles:
        obstacles = "; ".join(f"{one.path}:{one.line}: {one.message}" for one in claims.obstacles)
        raise ReconcilerError(f"{pair} is declared, and cannot be imported as it is: {obstacles}")
    if not claims.targets:
        raise ReconcilerError(f"{pair}: no manifest declares it, so there is nothing to import")
    every: list[Blockers] = []
    for target in session.engine.targets:
        if target.name in claims.targets:
            with failure_told(target.name):
                every += filter(None, [await blockers(target, pair, session.ledger)])
    waiting = [blocked for blocked in every if not blocked.live_models]
    if every and not waiting:
        raise ReconcilerError(
            f"{pair} is registered and has not failed: there is nothing to retry. "
            "New content needs a new version"
        )
    _agreed(pair, [model_id for blocked in waiting for model_id in blocked.failed_models], yes=yes)
    for blocked in waiting:
        with failure_told(blocked.target.name):
            await release(blocked, session.ledger, session.engine.clock, progress, actor("retry"))


def _agreed(pair: ModelKey, doomed: list[str], *, yes: bool) -> None:
    """Asks whether the failed models may be deleted. Raises ConfigurationError, or aborts."""
    if not doomed or yes:
        return
    models = ", ".join(doomed)
    if not sys.stdin.isatty():
        raise ConfigurationError(
            f"{pair}: the failed model {models} has to be deleted first: say so with --yes"
        )
    with interruptible():
        typer.confirm(f"Delete the failed model {models} and import {pair} again?", abort=True, err=True)
