"""The options that every command takes, once."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Output(StrEnum):
    """Forms of output."""

    TEXT = "text"
    JSON = "json"


class PlanOutput(StrEnum):
    """Forms of output of a plan."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"


class Forge(StrEnum):
    """Hosts of repositories."""

    GITHUB = "github"
    GITLAB = "gitlab"
    GITEE = "gitee"
    CODEARTS = "codearts"


ModelArgument = Annotated[
    str | None, typer.Argument(metavar="NAME[@VERSION]", help="One model, or one version of it.")
]
ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", envvar="RECONCILER_CONFIG", help="Configuration file."),
]
TargetOption = Annotated[
    str | None, typer.Option("--target", metavar="NAME", help="Only this target; by default all.")
]
OutputOption = Annotated[Output, typer.Option("--output", "-o", help="Form of the output.")]
PlanOutputOption = Annotated[PlanOutput, typer.Option("--output", "-o", help="Form of the output.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no notes.")]
VerboseOption = Annotated[bool, typer.Option("--verbose", "-v", help="More: every item, debug log lines.")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
RefreshOption = Annotated[
    bool, typer.Option("--refresh", help="Compare every declared model, whatever is remembered.")
]
