"""`history`: git's log joined with the journal. Asks no registry, and changes nothing."""

from __future__ import annotations

from typing import Annotated

import typer

from reconciler.cli import options
from reconciler.cli.history_answer import Asked, answer


def history(
    model: options.ModelArgument = None,
    model_id: Annotated[
        str | None,
        typer.Option("--model-id", metavar="ID", help="Only what led to this model, and its fate."),
    ] = None,
    commit: Annotated[
        str | None, typer.Option("--commit", metavar="REV", help="Only what this commit did and caused.")
    ] = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="TIME", help="Only what happened then or later.")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", metavar="TIME", help="Only what happened then or earlier.")
    ] = None,
    author: Annotated[
        str | None,
        typer.Option("--author", metavar="TEXT", help="Only commits whose author's name has this."),
    ] = None,
    config: options.ConfigOption = None,
    target: options.TargetOption = None,
    output: options.OutputOption = options.Output.TEXT,
    quiet: options.QuietOption = False,  # noqa: ARG001 - every command takes it
    verbose: options.VerboseOption = False,  # noqa: ARG001 - every command takes it
) -> None:
    """Shows who declared each model, when, and what became of it: git's log joined with the journal."""
    asked = Asked(model, model_id, commit, since, until, author)
    raise typer.Exit(int(answer(asked, config, target, as_json=output is options.Output.JSON)))
