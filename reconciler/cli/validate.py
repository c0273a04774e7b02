"""`validate`: every problem of every manifest, of the work tree or of a commit; no network."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from reconciler.cli.asked import require_values
from reconciler.cli.options import (  # noqa: TC001 - typer reads the annotations
    ConfigOption,
    QuietOption,
    TargetOption,
    VerboseOption,
)
from reconciler.cli.validation import ValidateOutput, validated


def validate(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="PATH", help="Files or directories; by default every target's.", readable=False
        ),  # one that cannot be read is a problem among others
    ] = None,
    commit: Annotated[
        str | None, typer.Option("--commit", metavar="REVISION", help="Check a commit, not the work tree.")
    ] = None,
    preflight: Annotated[
        bool, typer.Option("--preflight", help="Look at the models' files too; this needs the network.")
    ] = False,
    config: ConfigOption = None,
    target: TargetOption = None,
    output: Annotated[
        ValidateOutput, typer.Option("--output", "-o", help="Form of the output.")
    ] = ValidateOutput.TEXT,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,  # noqa: ARG001 - every command takes it
) -> None:
    """Checks manifests. Without --commit, those of the work tree, committed or not."""
    require_values({"--commit": commit})
    code = validated(
        config, target, paths or [], commit=commit, preflight=preflight, output=output, quiet=quiet
    )
    raise typer.Exit(int(code))
