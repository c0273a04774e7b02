"""A report on standard output: of all models or of some, and the exit code that it comes to."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import typer

from reconciler.cli.asked import model_asked
from reconciler.cli.options import PlanOutput
from reconciler.cli.terminal import colour, echo, echo_err, put_report
from reconciler.errors import ReconcilerError
from reconciler.views import markdown, text

if TYPE_CHECKING:
    from collections.abc import Collection

    from reconciler.cli.interruption import Interruption
    from reconciler.contract.model_key import ModelKey
    from reconciler.engine.values import Report
    from reconciler.views.text import Mode


def about(report: Report, model: str | None) -> Report:
    """The report on `NAME` or `NAME@VERSION` alone; None takes all.

    Raises:
        ConfigurationError: that is no name.
        ReconcilerError: no model of the report has that name, and no target failed that may have one.
    """
    if model is None:
        return report
    name, version = model_asked(model)
    items = tuple(
        item for item in report.items if item.model_name == name and version in (None, item.model_version)
    )
    if not items and not report.failures:
        raise ReconcilerError(f"{model}: no such model is declared, registered or remembered")
    return replace(report, items=items, unlisted={})


def show(
    report: Report,
    output: PlanOutput,
    *,
    quiet: bool,
    verbose: bool,
    mode: Mode,
    imported: Collection[tuple[str, ModelKey]] = (),
    unmanaged: bool | None = None,
) -> None:
    """Prints a report; targets that failed are told on standard error whatever the form.

    Arguments are those of `reconciler.views.text.report`; `quiet` leaves out notes.
    """
    for failure in report.failures:
        echo_err(f"error: {failure.message}")
    shown = replace(report, notes=()) if quiet else report
    if output is PlanOutput.JSON:
        for note in shown.notes:
            echo_err(f"note: {note}")
        put_report(report)
    elif output is PlanOutput.MARKDOWN:
        echo(markdown.report(shown))
    elif shown.items or not shown.failures:
        how = partial(text.report, shown, colour=colour(), verbose=verbose, mode=mode)
        echo(how(imported=imported, unmanaged=unmanaged))


def leave(report: Report, *, pending: bool = False, interruption: Interruption | None = None) -> None:
    """Ends the command with the report's exit code, or with that of the signal that cut it short."""
    if interruption is not None and interruption.by is not None:
        echo_err(
            f"stopped by {interruption.by.name}: what was in flight is recorded, the next `apply` goes on"
        )
        raise typer.Exit(interruption.exit_code)
    raise typer.Exit(int(report.exit_code(pending=pending)))
