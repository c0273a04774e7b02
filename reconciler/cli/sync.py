"""`plan`, `apply` and `retry`: one cycle, looked at or carried out."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.cli.actor import actor
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
from reconciler.cli.terminal import colour, configuration, put, put_json, tell, warned
from reconciler.errors import ConfigurationError, ReconcilerError, StateLockedError

if TYPE_CHECKING:
    from collections.abc import Collection

    from reconciler.app.world import World
    from reconciler.cli.interruption import Interruption
    from reconciler.cli.progress import Progress
    from reconciler.contract.pair import Pair
    from reconciler.engine.clock import Clock
    from reconciler.engine.order import Order
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
    import asyncio  # noqa: PLC0415 - heavy

    from reconciler.app.world import opened  # noqa: PLC0415
    from reconciler.engine.order import Order  # noqa: PLC0415

    async def work() -> Report:
        async with opened(warned(config), acts=False, only=target) as world:
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
    settings, whole = warned(config), verbose or output is Output.JSON
    if not (whole or refresh or expect_digest or confirm) and _nothing_moved(settings, target):
        return

    import asyncio  # noqa: PLC0415 - heavy

    from reconciler.cli.interruption import Interruption  # noqa: PLC0415
    from reconciler.cli.progress import Progress  # noqa: PLC0415
    from reconciler.engine.order import Order  # noqa: PLC0415

    wanted = Order(
        wait=wait,
        whole=False,
        refresh=refresh,
        expect=expect_digest,
        confirm=confirm,
        actor=actor("apply --confirm" if confirm else "apply"),
    )
    progress, interruption = Progress(quiet), Interruption()
    with progress.shown():
        report = asyncio.run(_apply(settings, target, wanted, progress, interruption, whole=whole))
    show(report, PlanOutput(output), quiet=quiet, verbose=verbose, mode="apply", imported=progress.imported)
    leave(report, interruption=interruption)


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
    confirmation or with --yes. Nothing else is ever deleted. While `reconciler run` is up, the model is only
    released here, and imported there.
    """
    import asyncio  # noqa: PLC0415 - heavy

    from reconciler.cli.interruption import Interruption  # noqa: PLC0415
    from reconciler.cli.progress import Progress  # noqa: PLC0415

    progress, interruption = Progress(quiet), Interruption()
    settings, pair = configuration(config), pair_of(model)
    mode: Mode = "apply"
    try:
        report = asyncio.run(_retry(settings, target, pair, progress, interruption, yes=yes))
    except StateLockedError:
        mode = "status"
        report = asyncio.run(_retry_beside(settings, target, pair, progress, interruption, yes=yes))
    show(report, PlanOutput(output), quiet=quiet, verbose=verbose, mode=mode, imported=progress.imported)
    leave(report, interruption=interruption)


def _nothing_moved(settings: Configuration, target: str | None) -> bool:
    """Whether nothing can have changed since the last cycle, and says so."""
    from reconciler.app.unchanged import unchanged  # noqa: PLC0415
    from reconciler.views.words import phrase  # noqa: PLC0415

    known = unchanged(settings, target)
    if known is None:
        return False
    put(
        f"Nothing to do: nothing has moved since {known.at:%Y-%m-%dT%H:%M:%SZ}, "
        f"with {phrase(known.numbers)}. "
        "`--refresh` looks at the registry again.\n"
        f"Commit {known.commit[:12]}, plan digest {known.digest}"
    )
    return True


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
        for note in shown.notes:
            tell(f"note: {note}")
        put_json(as_json.report(shown))
    elif output is PlanOutput.MARKDOWN:
        put(markdown.report(shown))
    elif shown.items or not shown.failures:
        put(text.report(shown, colour=colour(), verbose=verbose, mode=mode, imported=imported))


def leave(report: Report, *, detailed: bool = False, interruption: Interruption | None = None) -> None:
    """Ends the command with the report's exit code, or with that of the signal that cut it short."""
    from reconciler.engine.outcome import exit_code  # noqa: PLC0415

    if interruption is not None and interruption.by is not None:
        tell(f"stopped by {interruption.by.name}: what was in flight is recorded, the next `apply` goes on")
        raise typer.Exit(interruption.exit_code)
    raise typer.Exit(int(exit_code(report, detailed=detailed)))


async def _apply(
    settings: Configuration,
    target: str | None,
    wanted: Order,
    progress: Progress,
    interruption: Interruption,
    *,
    whole: bool,
) -> Report:
    """One cycle; the report lists every model if the `whole` is wanted, and else those that were judged."""
    from reconciler.app.world import Listeners, opened  # noqa: PLC0415
    from reconciler.engine import remembered  # noqa: PLC0415

    heard = Listeners(progress)

    async def work(clock: Clock) -> Report:
        async with opened(settings, acts=True, only=target, clock=clock, listeners=heard) as world:
            report = await world.engine.cycle(wanted)
            world.rest.extend(filter(None, [world.engine.rest(report)]))
            targets = [found.name for found in world.engine.targets]
            return remembered.whole(report, world.ledger, targets) if whole else report

    return await interruption.carried_out(settings.settings.schedule.grace.total_seconds(), work)


async def _retry(
    settings: Configuration,
    target: str | None,
    pair: Pair,
    progress: Progress,
    interruption: Interruption,
    *,
    yes: bool,
) -> Report:
    """The report on that pair alone; the one remembered speaks of all."""
    from dataclasses import replace  # noqa: PLC0415

    from reconciler.app.world import Listeners, opened  # noqa: PLC0415
    from reconciler.engine.order import Order  # noqa: PLC0415

    heard = Listeners(progress)
    with interruption.heeded() as clock:
        async with opened(settings, acts=True, only=target, clock=clock, listeners=heard) as world:
            await _release(world, pair, progress, yes=yes)
            report = await world.engine.cycle(Order(whole=False, only=pair, actor=actor("retry")))
    return replace(report, items=tuple(item for item in report.items if item.pair == pair), unlisted={})


async def _retry_beside(
    settings: Configuration,
    target: str | None,
    pair: Pair,
    progress: Progress,
    interruption: Interruption,
    *,
    yes: bool,
) -> Report:
    """Releases the pair while another process is the writer of the state; that process imports it."""
    from contextlib import closing  # noqa: PLC0415
    from dataclasses import replace  # noqa: PLC0415

    from reconciler.app.world import opened  # noqa: PLC0415
    from reconciler.engine.order import Order  # noqa: PLC0415
    from reconciler.state import open_beside  # noqa: PLC0415

    with interruption.heeded() as clock, closing(open_beside(settings.state_url)) as ledger:
        async with opened(settings, acts=False, only=target, clock=clock) as world:
            await _release(replace(world, ledger=ledger), pair, progress, yes=yes)
            report = await world.engine.cycle(Order(act=False))
    tell(
        f"{pair}: {'released' if ledger.writes else 'nothing to release'}; `reconciler run`, which holds the "
        "state, goes on with it by itself. If another command holds it, run `reconciler apply` after that one"
    )
    return replace(report, items=tuple(item for item in report.items if item.pair == pair))


async def _release(world: World, pair: Pair, progress: Progress, *, yes: bool) -> None:
    """Frees the pair in every target that holds it back and declares it.

    Raises:
        ConfigurationError: no target knows the pair or declares it, or the user has to agree first.
        ReconcilerError: it is registered, and has not failed.
    """
    from reconciler.engine.release import held, release  # noqa: PLC0415

    declaring = await world.engine.declaring(pair)
    if not declaring:
        raise ConfigurationError(f"{pair}: no valid manifest declares it, so there is nothing to import")
    known = [
        found
        for target in world.engine.targets
        if target.name in declaring and (found := await held(target, pair, world.ledger)) is not None
    ]
    waiting = [found for found in known if not found.live_models]
    if known and not waiting:
        raise ReconcilerError(
            f"{pair} is registered and has not failed: there is nothing to retry. "
            "New content needs a new version"
        )
    _agreed(pair, [model_id for found in waiting for model_id in found.failed_models], yes=yes)
    for found in waiting:
        await release(found, world.ledger, world.engine.clock, progress, actor("retry"))


def _agreed(pair: Pair, doomed: list[str], *, yes: bool) -> None:
    """Makes sure that somebody wants the failed models deleted. Raises ConfigurationError, or aborts."""
    from reconciler.cli.interruption import interruptible  # noqa: PLC0415

    if not doomed or yes:
        return
    models = ", ".join(doomed)
    if not sys.stdin.isatty():
        raise ConfigurationError(
            f"{pair}: the failed model {models} has to be deleted first: say so with --yes"
        )
    with interruptible():
        typer.confirm(f"Delete the failed model {models} and import {pair} again?", abort=True, err=True)
