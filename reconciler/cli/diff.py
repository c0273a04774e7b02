"""`diff`: what is declared of one model beside what is registered, field by field."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.app.model_diffs import model_diffs
from reconciler.cli.asked import model_asked
from reconciler.cli.options import (
    ConfigOption,
    Output,
    OutputOption,
    QuietOption,
    TargetOption,
    VerboseOption,
)
from reconciler.cli.terminal import colour, echo, echo_err, put_json, warned
from reconciler.engine.model_diff import DiffResult
from reconciler.errors import Exit, ReconcilerError
from reconciler.views import model_diff as view

if TYPE_CHECKING:
    from reconciler.app.model_diffs import ModelDiffs


def diff(
    model: Annotated[
        str, typer.Argument(metavar="NAME[@VERSION]", help="The model to compare, or one version of it.")
    ],
    config: ConfigOption = None,
    target: TargetOption = None,
    output: OutputOption = Output.TEXT,
    quiet: QuietOption = False,  # noqa: ARG001 - every command takes it
    verbose: VerboseOption = False,
) -> None:
    """Shows what is declared beside what is registered, field by field, in every target. Changes nothing.

    Exit code 0 when both sides are equal in every target that knows the model, 1 when they differ or a side
    is absent.
    """
    diffs = asyncio.run(model_diffs(warned(config), *model_asked(model), target))
    for failure in diffs.failures:
        echo_err(f"error: {failure.message}")
    if output is Output.JSON:
        put_json(view.as_json(diffs.commit, diffs.diffs, diffs.failures))
    else:
        echo(view.text(diffs.diffs, colour=colour(), verbose=verbose))
    if not (diffs.diffs or diffs.failures):
        raise ReconcilerError(f"{model}: no such model is declared or remembered")
    raise typer.Exit(int(_exit_code(diffs)))


def _exit_code(diffs: ModelDiffs) -> Exit:
    if diffs.failures:
        return Exit(max(failure.exit_code for failure in diffs.failures))
    results = {diff.result for diff in diffs.diffs} - {DiffResult.ABSENT}
    return Exit.OK if results == {DiffResult.EQUAL} else Exit.ATTENTION
