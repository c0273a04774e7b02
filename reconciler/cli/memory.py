"""`status` and `history`: what is remembered. Neither asks a registry nor changes anything."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.cli.options import (
    ConfigOption,
    Output,
    OutputOption,
    PlanOutput,
    QuietOption,
    TargetOption,
    VerboseOption,
)
from reconciler.cli.report import ModelArgument, about, leave, show
from reconciler.cli.terminal import colour, configuration, put, put_json, tell
from reconciler.errors import Exit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.engine.values import Report


def status(
    model: ModelArgument = None,
    config: ConfigOption = None,
    target: TargetOption = None,
    output: OutputOption = Output.TEXT,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
    matrix: Annotated[bool, typer.Option("--matrix", help="Models by target.")] = False,
) -> None:
    """Shows the last known verdict of every model, or of one, from the state, offline."""
    from reconciler.app.identity import renamed  # noqa: PLC0415 - heavy
    from reconciler.engine.remembered import begun, refreshed  # noqa: PLC0415
    from reconciler.state import open_state  # noqa: PLC0415

    settings = configuration(config)
    names = settings.chosen(target)
    with closing(open_state(settings.state_url, writer=False)) as ledger:
        known = ledger.last_report()
        report = refreshed(known, ledger, names) if known else begun(ledger, names)
        notes = [] if quiet else list(renamed(settings, ledger, names))
    if known is None and report.items:
        tell("no cycle has ended yet with this state: shown is what the journal tells; see `reconciler plan`")
    elif known is None:
        tell("nothing is remembered yet: no cycle has run with this state; see `reconciler plan`")
    for note in notes:
        tell(f"note: {note}")
    report = about(report, model)
    if matrix:
        _show_matrix(report, names, output)
        leave(report)
    show(report, PlanOutput(output), quiet=quiet, verbose=verbose or output is Output.TEXT, mode="status")
    leave(report)


def _show_matrix(report: Report, targets: Sequence[str], output: Output) -> None:
    from reconciler.views import matrix as view  # noqa: PLC0415 - few ask for it

    for failure in report.failures:
        tell(f"error: {failure.message}")
    if output is Output.JSON:
        put_json(view.as_json(report, targets))
    else:
        put(view.text(report, targets, colour=colour()))


def history(
    model: ModelArgument = None,
    config: ConfigOption = None,
    target: TargetOption = None,
    output: OutputOption = Output.TEXT,
    quiet: QuietOption = False,  # noqa: ARG001 - every command takes it
    verbose: VerboseOption = False,  # noqa: ARG001 - every command takes it
) -> None:
    """Shows who declared each model, when, and what became of it: git's log joined with the journal."""
    from reconciler.app.past import past  # noqa: PLC0415 - heavy
    from reconciler.views import history as view  # noqa: PLC0415

    name, _, version = (model or "").partition("@")
    found = past(configuration(config), target, name or None, version or None)
    for note in found.notes:
        tell(f"note: {note}")
    rows = view.rows(found.models, found.events, found.named)
    if output is Output.JSON:
        put_json(view.as_json(rows))
    else:
        put(view.text(rows, colour=colour()))
    if model and not rows:
        tell(f"{model}: neither declared in git nor remembered; `reconciler history` lists every model")
        raise typer.Exit(Exit.HUMAN)
