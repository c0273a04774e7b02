"""`status`: the last known verdict of every model. Asks no registry, and changes nothing."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.app.repository import renamed_targets
from reconciler.app.status_at import status_at
from reconciler.app.trusted import refused
from reconciler.cli import options
from reconciler.cli.asked import written
from reconciler.cli.report import about, leave, show
from reconciler.cli.terminal import colour, configuration, echo, echo_err, put_json
from reconciler.engine.last_report import begun, refreshed
from reconciler.state import open_state
from reconciler.views import matrix as view

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.engine.values import Report
    from reconciler.settings import Configuration


def status(
    model: options.ModelArgument = None,
    at: Annotated[
        str | None,
        typer.Option(
            "--at", metavar="COMMIT|TIME", help="What was known while a commit was reconciled, or at a time."
        ),
    ] = None,
    config: options.ConfigOption = None,
    target: options.TargetOption = None,
    output: options.OutputOption = options.Output.TEXT,
    quiet: options.QuietOption = False,
    verbose: options.VerboseOption = False,
    matrix: Annotated[bool, typer.Option("--matrix", help="Models by target.")] = False,
) -> None:
    """Shows the last known verdict of every model, or of one, from the state, offline."""
    settings = configuration(config)
    if at is None:
        report = _newest(settings, target, quiet=quiet)
    else:
        report = status_at(settings, written(at) or at, target, datetime.now(UTC))
    report = about(report, model)
    if matrix:
        _show_matrix(report, settings.chosen(target), output)
    else:
        show(
            report,
            options.PlanOutput(output),
            quiet=quiet,
            verbose=verbose or output is options.Output.TEXT,
            mode="status",
            unmanaged=verbose or model is not None,
        )
    leave(report)


def _newest(settings: Configuration, target: str | None, *, quiet: bool) -> Report:
    """What is known now; notes about it go to standard error."""
    names = settings.chosen(target)
    with closing(open_state(settings.state_url, writer=False)) as ledger:
        newest = ledger.last_report()
        report = refreshed(newest, ledger, names) if newest else begun(ledger, names)
        notes = [] if quiet else [*refused(settings, ledger), *renamed_targets(settings, ledger, names)]
    if newest is None and report.items:
        echo_err(
            "no cycle has ended yet with this state: shown is what the journal tells; see `reconciler plan`"
        )
    elif newest is None:
        echo_err("nothing is remembered yet: no cycle has run with this state; see `reconciler plan`")
    for note in notes:
        echo_err(f"note: {note}")
    return report


def _show_matrix(report: Report, targets: Sequence[str], output: options.Output) -> None:
    for failure in report.failures:
        echo_err(f"error: {failure.message}")
    if output is options.Output.JSON:
        put_json(view.as_json(report, targets))
    else:
        echo(view.text(report, targets, colour=colour()))
