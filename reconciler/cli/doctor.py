"""`doctor`: checks a setup and says what to do."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.app.doctor import examine
from reconciler.cli import options
from reconciler.cli.terminal import configuration, echo, put_json
from reconciler.printable import printable

if TYPE_CHECKING:
    from reconciler.app.findings import Finding

_MARKS = {"ok": "ok  ", "warning": "warn", "error": "FAIL"}


def doctor(
    config: options.ConfigOption = None,
    target: options.TargetOption = None,
    output: options.OutputOption = options.Output.TEXT,
    measure: Annotated[
        bool,
        typer.Option("--measure", help="Watch imports for how late the registry's list shows them."),
    ] = False,
    seconds: Annotated[
        float, typer.Option("--seconds", min=1, help="How long --measure watches, at most.")
    ] = 60.0,
    quiet: options.QuietOption = False,
    verbose: options.VerboseOption = False,  # noqa: ARG001 - every command takes it
) -> None:
    """Checks git, configuration, credentials, registry, clock and state. Changes nothing."""
    findings = asyncio.run(examine(configuration(config), target, seconds if measure else None))
    shown = [finding for finding in findings if not quiet or finding.level != "ok"]
    if output is options.Output.JSON:
        put_json([asdict(finding) for finding in shown])
    else:
        echo("".join(_lines(finding) for finding in shown))
    raise typer.Exit(int(max(finding.exit_code for finding in findings)))


def _lines(finding: Finding) -> str:
    where = f" ({finding.target})" if finding.target else ""
    remedy = f"      {printable(finding.remedy)}\n" if finding.remedy else ""
    return (
        f"{_MARKS[finding.level]}  {finding.check}{printable(where)}: {printable(finding.message)}\n{remedy}"
    )
