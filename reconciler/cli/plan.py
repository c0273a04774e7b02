"""`plan`: what one cycle would do."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.cli import options
from reconciler.cli.report import about, leave, show
from reconciler.cli.terminal import warned
from reconciler.engine.options import CycleOptions

if TYPE_CHECKING:
    from reconciler.app.session import Session
    from reconciler.engine.values import Report
    from reconciler.views.text import Mode


def plan(
    model: options.ModelArgument = None,
    config: options.ConfigOption = None,
    target: options.TargetOption = None,
    output: options.PlanOutputOption = options.PlanOutput.TEXT,
    refresh: options.RefreshOption = False,
    commit: Annotated[
        str | None,
        typer.Option("--commit", metavar="REV", help="Plan at this commit, and say whether it is trusted."),
    ] = None,
    detailed_exitcode: Annotated[
        bool, typer.Option("--detailed-exitcode", help="5 when imports are pending and nothing is wrong.")
    ] = False,
    quiet: options.QuietOption = False,
    verbose: options.VerboseOption = False,
) -> None:
    """Shows what one cycle would do, with all models or with one, or at another commit. Changes nothing."""
    from reconciler.app.session import open_session  # noqa: PLC0415

    async def work() -> tuple[Report, Mode]:
        async with open_session(warned(config), acts=False, only=target) as session:
            options = CycleOptions(act=False, refresh=refresh)
            if commit is None:
                return await session.engine.cycle(options), "plan"
            return await _at(session, commit, options)

    whole, mode = asyncio.run(work())
    report = about(whole, model)
    unmanaged = verbose or model is not None
    show(report, output, quiet=quiet, verbose=verbose, mode=mode, unmanaged=unmanaged)
    leave(report, pending=detailed_exitcode)


async def _at(session: Session, revision: str, options: CycleOptions) -> tuple[Report, Mode]:
    """The plan of one commit, which says whether that would be reconciled at all. Raises SourceError."""
    commit = await session.engine.git(session.source.resolve, revision)
    hold = await session.engine.git(session.source.judged, commit)
    report = await session.engine.cycle(options, commit)
    if hold is None:
        return report, "plan"
    return replace(report, notes=(f"not trusted: {hold.fault}", *report.notes)), "untrusted"
