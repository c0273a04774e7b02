"""`plan`, `apply` and `retry`: one cycle, looked at or carried out."""

from __future__ import annotations

import asyncio
import signal
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.cli.options import (
    ConfigOption,
    Output,
    OutputOption,
    PlanOutput,
    PlanOutputOption,
    QuietOption,
    TargetOption,
    VerboseOption,
    YesOption,
)
from reconciler.cli.terminal import colour, configuration, put, put_json, tell
from reconciler.errors import ConfigurationError, ReconcilerError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from reconciler.app.world import World
    from reconciler.cli.progress import Progress
    from reconciler.contract.pair import Pair
    from reconciler.engine.clock import Clock
    from reconciler.engine.cycle import Order
    from reconciler.engine.values import Report
    from reconciler.settings import Configuration
    from reconciler.views.text import Mode

DigestOption = Annotated[
    str | None,
    typer.Option("--expect-digest", metavar="DIGEST", help="Refuse unless the plan has this digest."),
]
ConfirmOption = Annotated[
    str | None,
    typer.Option("--confirm", metavar="DIGEST", help="Go through the guards with the plan of this digest."),
]
RefreshOption = Annotated[
    bool, typer.Option("--refresh", help="Compare every declared model, whatever is remembered.")
]


def plan(
    config: ConfigOption = None,
    target: TargetOption = None,
    output: PlanOutputOption = PlanOutput.TEXT,
    refresh: RefreshOption = False,
    detailed_exitcode: Annotated[
        bool, typer.Option("--detailed-exitcode", help="5 when imports are pending and nothing is wrong.")
    ] = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Shows what one cycle would do. Changes nothing."""
    from reconciler.app.world import opened  # noqa: PLC0415 - heavy
    from reconciler.engine.cycle import Order  # noqa: PLC0415

    async def work() -> Report:
        async with opened(configuration(config), acts=False, only=target) as world:
            return await world.engine.cycle(Order(act=False, refresh=refresh))

    report = asyncio.run(work())
    show(report, output, quiet=quiet, verbose=verbose, mode="plan")
    leave(report, detailed=detailed_exitcode)


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
    """One cycle: plans, imports what is new, and waits for the outcome."""
    from reconciler.cli.progress import Progress  # noqa: PLC0415 - heavy
    from reconciler.engine.cycle import Order  # noqa: PLC0415

    wanted = Order(wait=wait, refresh=refresh, expect=expect_digest, confirm=confirm)
    progress = Progress(quiet)
    with progress.shown():
        report = asyncio.run(_apply(configuration(config), target, wanted, progress))
    show(report, PlanOutput(output), quiet=quiet, verbose=verbose, mode="apply", imported=progress.imported)
    leave(report)


def retry(
    model: Annotated[str, typer.Argument(metavar="NAME@VERSION", help="The model to try again.")],
    config: ConfigOption = None,
    target: TargetOption = None,
    output: OutputOption = Output.TEXT,
    yes: YesOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Releases a failed, rejected or missing model, and imports it again.

    A model that the registry says failed still occupies its name and version: it is deleted first, after
    confirmation or with --yes. Nothing else is ever deleted.
    """
    from reconciler.cli.progress import Progress  # noqa: PLC0415 - heavy

    progress = Progress(quiet)
    report = asyncio.run(_retry(configuration(config), target, pair_of(model), progress, yes=yes))
    show(report, PlanOutput(output), quiet=quiet, verbose=verbose, mode="apply", imported=progress.imported)
    leave(report)


def pair_of(text: str) -> Pair:
    """`NAME@VERSION` as a pair. Raises ConfigurationError."""
    from reconciler.contract.pair import Pair  # noqa: PLC0415

    name, separator, version = text.rpartition("@")
    if not (name and separator and version):
        raise ConfigurationError(f"{text}: expected NAME@VERSION, such as mnist@1.0.0")
    return Pair(name, version)


def show(
    report: Report,
    output: PlanOutput,
    *,
    quiet: bool,
    verbose: bool,
    mode: Mode,
    imported: Collection[tuple[str, Pair]] = (),
) -> None:
    """Prints a report; targets that failed are told on standard error whatever the form."""
    from dataclasses import replace  # noqa: PLC0415

    from reconciler.views import as_json, markdown, text  # noqa: PLC0415

    for failure in report.failures:
        tell(f"error: {failure.message}")
    shown = replace(report, notes=()) if quiet else report
    if output is PlanOutput.JSON:
        put_json(as_json.report(shown))
    elif output is PlanOutput.MARKDOWN:
        put(markdown.report(shown))
    elif shown.items or not shown.failures:
        put(text.report(shown, colour=colour(), verbose=verbose, mode=mode, imported=imported))


def leave(report: Report, *, detailed: bool = False) -> None:
    """Ends the command with the report's exit code."""
    from reconciler.engine.outcome import exit_code  # noqa: PLC0415

    raise typer.Exit(int(exit_code(report, detailed=detailed)))


async def _apply(settings: Configuration, target: str | None, wanted: Order, progress: Progress) -> Report:
    from reconciler.app.world import opened  # noqa: PLC0415

    with _stoppable() as clock:
        async with opened(settings, acts=True, only=target, clock=clock, progress=progress) as world:
            return await world.engine.cycle(wanted)


async def _retry(
    settings: Configuration, target: str | None, pair: Pair, progress: Progress, *, yes: bool
) -> Report:
    from reconciler.app.world import opened  # noqa: PLC0415
    from reconciler.engine.cycle import Order  # noqa: PLC0415

    with _stoppable() as clock:
        async with opened(settings, acts=True, only=target, clock=clock, progress=progress) as world:
            await _release(world, pair, progress, yes=yes)
            return await world.engine.cycle(Order(only=pair))


async def _release(world: World, pair: Pair, progress: Progress, *, yes: bool) -> None:
    from reconciler.engine.release import held, release  # noqa: PLC0415

    found = [h for t in world.engine.targets if (h := await held(t, pair, world.ledger)) is not None]
    if not found:
        raise ReconcilerError(f"{pair}: nothing is known of it, neither in the state nor in a registry")
    doomed = [model_id for h in found for model_id in h.failed_models]
    if doomed and not yes:
        if not sys.stdin.isatty():
            raise ConfigurationError(
                f"{pair}: the failed model {', '.join(doomed)} has to be deleted first: say so with --yes"
            )
        typer.confirm(
            f"Delete the failed model {', '.join(doomed)} and import {pair} again?", abort=True, err=True
        )
    for h in found:
        await release(h, world.ledger, world.engine.clock, progress)


@contextmanager
def _stoppable() -> Iterator[Clock]:
    """A clock whose sleeps end at SIGTERM or SIGINT: what is in flight is finished, nothing new starts."""
    from reconciler.daemon.stop import Stop  # noqa: PLC0415
    from reconciler.engine.clock import Clock  # noqa: PLC0415

    stop = Stop()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.ask)
    try:
        yield Clock(sleep=stop.sleep, stopping=stop.asked)
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
