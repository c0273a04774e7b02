"""`comment`: the plan on a pull or merge request, in one comment a target that is edited in place."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.app.review import event_head, review
from reconciler.cli import options
from reconciler.cli.report import leave
from reconciler.cli.terminal import echo, echo_err, put_json, warned
from reconciler.errors import ConfigurationError
from reconciler.forge import FORGES, job_of
from reconciler.secret import EnvironmentSecret, FileSecret

if TYPE_CHECKING:
    from reconciler.app.review import Reviewed
    from reconciler.secret import Secret


ForgeOption = Annotated[options.Forge, typer.Option("--forge", help="The kind of host.")]
ChangeOption = Annotated[
    int | None, typer.Option("--change", metavar="N", min=1, help="Number of the pull or merge request.")
]
UrlOption = Annotated[
    str | None, typer.Option("--url", metavar="URL", help="Of the host's API, such as a self-hosted one.")
]
RepositoryOption = Annotated[
    str | None, typer.Option("--repository", metavar="NAME", help="As the host's API names it.")
]
HeadOption = Annotated[
    str | None,
    typer.Option("--head", metavar="COMMIT", help="Say nothing unless this is the change's newest."),
]
BaseOption = Annotated[
    str | None,
    typer.Option("--base", metavar="REVISION", help="What the change is to be merged into, as fetched."),
]
TokenEnvOption = Annotated[
    str | None, typer.Option("--token-env", metavar="NAME", help="The variable that holds the token.")
]
TokenFileOption = Annotated[
    Path | None, typer.Option("--token-file", metavar="FILE", help="The file that holds the token.")
]
OnlyChangesOption = Annotated[
    bool, typer.Option("--only-changes", help="Make no comment while the change alters no plan.")
]


def comment(
    forge: ForgeOption,
    change: ChangeOption = None,
    url: UrlOption = None,
    repository: RepositoryOption = None,
    head: HeadOption = None,
    base: BaseOption = None,
    token_env: TokenEnvOption = None,
    token_file: TokenFileOption = None,
    only_changes: OnlyChangesOption = False,
    config: options.ConfigOption = None,
    target: options.TargetOption = None,
    output: options.OutputOption = options.Output.TEXT,
    quiet: options.QuietOption = False,
    verbose: options.VerboseOption = False,  # noqa: ARG001 - every command takes it
) -> None:
    """Puts the plan of what is checked out on a pull or merge request, and sets a commit status.

    What no option says is read from the variables that the host sets in its jobs. The exit code is that of
    the plan.
    """
    if config is None:
        raise ConfigurationError(
            "give --config, or RECONCILER_CONFIG, with the file of the protected branch: a change may alter "
            "the one that lies in the repository, and with it where secrets are sent"
        )
    event = event_head(os.environ) if forge is options.Forge.GITHUB else None
    said = {"url": url, "repository": repository, "head": head or event, "base": base}
    job = job_of(forge.value, os.environ, change=change, **said)
    secret = _secret(forge, token_env, token_file)
    done = asyncio.run(review(warned(config), target, job, secret, only_changes=only_changes))
    for failure in done.report.failures:
        echo_err(f"error: {failure.message}")
    _show(done, job.change, output, quiet=quiet)
    if not done.superseded:
        leave(done.report)


def _secret(forge: options.Forge, variable: str | None, file: Path | None) -> Secret:
    if variable is not None and file is not None:
        raise ConfigurationError("give --token-env or --token-file, not both")
    if file is not None:
        return FileSecret(file)
    return EnvironmentSecret(variable or FORGES[forge.value].token_variable)


def _show(done: Reviewed, change: int, output: options.Output, *, quiet: bool) -> None:
    if done.superseded and not quiet:
        echo_err(
            f"note: change {change} has moved on to {done.head[:12]}: its own run says what becomes of it"
        )
    if output is options.Output.JSON:
        targets = [
            {"target": one.target, "comment": one.comment, "status_set": one.status_set}
            for one in done.published
        ]
        facts = {"change": change, "head": done.head, "superseded": done.superseded, "targets": targets}
        put_json({"version": 1, **facts})
        return
    for one in done.published:
        status = "set" if one.status_set else "as it was"
        echo(f"{one.target}: comment {one.comment}, status {status}")
