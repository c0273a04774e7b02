"""`validate`: every problem of every manifest, in all forms of output; no network."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reconciler import __version__
from reconciler.cli import options  # noqa: TC001 - typer reads the annotations
from reconciler.cli.terminal import echo_err, put_commands, put_json
from reconciler.cli.validation import as_text, validated
from reconciler.phrases import many
from reconciler.views import hosts, markdown, problems

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reconciler.engine.validate import Checked
    from reconciler.manifest import Reason

_STEP_SUMMARY = "GITHUB_STEP_SUMMARY"
"""Names the file whose Markdown GitHub shows on the page of a job."""


class ValidateOutput(StrEnum):
    """Forms of output of problems; the last three are read by hosts of repositories."""

    TEXT = "text"
    JSON = "json"
    GITHUB = "github"
    GITLAB = "gitlab"
    SARIF = "sarif"


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
    config: options.ConfigOption = None,
    target: options.TargetOption = None,
    output: Annotated[
        ValidateOutput, typer.Option("--output", "-o", help="Form of the output.")
    ] = ValidateOutput.TEXT,
    quiet: options.QuietOption = False,
    verbose: options.VerboseOption = False,  # noqa: ARG001 - every command takes it
) -> None:
    """Checks manifests. Without --commit, those of the work tree, committed or not."""
    code = validated(
        config,
        target,
        paths or [],
        commit=commit,
        preflight=preflight,
        show=_FORMS[output],
        quiet=quiet or output is ValidateOutput.JSON,  # which holds the notes
    )
    raise typer.Exit(int(code))


def _as_json(checked: Checked, reasons: Sequence[Reason]) -> None:
    put_json(
        {
            "version": 1,
            "manifests": checked.documents,
            "errors": checked.errors,
            "warnings": checked.warnings,
            "problems": [problems.as_json(reason, severity=True) for reason in reasons],
            "notes": list(checked.notes),
        }
    )


def _for_github(checked: Checked, reasons: Sequence[Reason]) -> None:
    """Annotations to standard output; all problems, as far as they fit, to the summary of the step."""
    put_commands(hosts.github_commands(reasons))
    summary = os.environ.get(_STEP_SUMMARY)
    if summary and checked.reasons:
        with Path(summary).open("a", encoding="utf-8") as file:
            file.write(markdown.problems(checked))
    left_out = len(checked.reasons) - hosts.MOST_ANNOTATIONS
    if left_out > 0:
        where = "the step's summary has them" if summary else "`reconciler validate` shows them"
        echo_err(f"{many(left_out, 'more problem')} than GitHub shows of one step: {where}")


_FORMS: dict[ValidateOutput, Callable[[Checked, Sequence[Reason]], None]] = {
    ValidateOutput.TEXT: as_text,
    ValidateOutput.JSON: _as_json,
    ValidateOutput.GITHUB: _for_github,
    ValidateOutput.GITLAB: lambda _, reasons: put_json(hosts.code_quality(reasons)),
    ValidateOutput.SARIF: lambda _, reasons: put_json(hosts.sarif_log(reasons, __version__)),
}
