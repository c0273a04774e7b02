"""`help`: the same as `--help`, of the program or of one command."""

from __future__ import annotations

from typing import Annotated

import typer

from reconciler.cli.commands import app
from reconciler.cli.options import (
    ConfigOption,
    Output,
    OutputOption,
    QuietOption,
    TargetOption,
    VerboseOption,
)


def show_help(
    command: Annotated[
        list[str] | None, typer.Argument(metavar="COMMAND", help="Such as plan, or state check.")
    ] = None,
    config: ConfigOption = None,  # noqa: ARG001 - every command takes the common options
    target: TargetOption = None,  # noqa: ARG001
    output: OutputOption = Output.TEXT,  # noqa: ARG001 - help is text in any form
    quiet: QuietOption = False,  # noqa: ARG001
    verbose: VerboseOption = False,  # noqa: ARG001
) -> None:
    """Shows the help of the program, or of a command."""
    app([*(command or ()), "--help"], prog_name="reconciler")
