"""`help`: the same as `--help`, of the program or of one command."""

from __future__ import annotations

from typing import Annotated

import typer

from reconciler.cli import options
from reconciler.cli.commands import app


def show_help(
    command: Annotated[
        list[str] | None, typer.Argument(metavar="COMMAND", help="Such as plan, or state check.")
    ] = None,
    config: options.ConfigOption = None,  # noqa: ARG001 - every command takes the common options
    target: options.TargetOption = None,  # noqa: ARG001
    output: options.OutputOption = options.Output.TEXT,  # noqa: ARG001 - help is text in any form
    quiet: options.QuietOption = False,  # noqa: ARG001
    verbose: options.VerboseOption = False,  # noqa: ARG001
) -> None:
    """Shows the help of the program, or of a command."""
    app([*(command or ()), "--help"], prog_name="reconciler")
