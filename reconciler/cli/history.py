"""`history`: git's log joined with the journal. Asks no registry, and changes nothing."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from itertools import chain
from typing import Annotated

import typer

from reconciler.app.history import HistoryQuery
from reconciler.app.history import history as history_of
from reconciler.cli import options
from reconciler.cli.asked import model_asked, require_values
from reconciler.cli.moment import moment
from reconciler.cli.terminal import colour, configuration, echo_err, put_all, put_json_list
from reconciler.errors import ConfigurationError, Exit
from reconciler.views import history as view

ModelIdOption = Annotated[
    str | None, typer.Option("--model-id", metavar="ID", help="Only what led to this model, and its fate.")
]
CommitOption = Annotated[
    str | None, typer.Option("--commit", metavar="REV", help="Only what this commit did and caused.")
]
SinceOption = Annotated[
    str | None, typer.Option("--since", metavar="TIME", help="Only what happened then or later.")
]
UntilOption = Annotated[
    str | None, typer.Option("--until", metavar="TIME", help="Only what happened then or earlier.")
]
AuthorOption = Annotated[
    str | None, typer.Option("--author", metavar="TEXT", help="Only commits whose author's name has this.")
]


def history(
    model: options.ModelArgument = None,
    model_id: ModelIdOption = None,
    commit: CommitOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    author: AuthorOption = None,
    config: options.ConfigOption = None,
    target: options.TargetOption = None,
    output: options.OutputOption = options.Output.TEXT,
    quiet: options.QuietOption = False,  # noqa: ARG001 - every command takes it
    verbose: options.VerboseOption = False,  # noqa: ARG001 - every command takes it
) -> None:
    """Shows who declared each model, when, and what became of it: git's log joined with the journal."""
    given = {"--model-id": model_id, "--commit": commit, "--since": since, "--until": until}
    require_values({**given, "--author": author})
    name, version = (None, None) if model is None else model_asked(model)
    now = datetime.now(UTC)
    row_filter = view.RowFilter(
        since=None if since is None else moment("--since", since, now),
        until=None if until is None else moment("--until", until, now),
        author=author,
    )
    if row_filter.is_never:
        raise ConfigurationError(f"--since {since} is later than --until {until}: nothing is in between")
    query = HistoryQuery(target, name, version, model_id, commit)
    with closing(
        history_of(configuration(config), query, lambda note: echo_err(f"note: {note}"))
    ) as found_rows:
        first = next(found_rows, None)
        rows = filter(row_filter.admits, () if first is None else chain([first], found_rows))
        if output is options.Output.JSON:
            put_json_list(view.as_json(rows))
        else:
            put_all(view.text(rows, colour=colour()))
    if commit and first is None:
        echo_err(f"{commit}: this commit changed no model's document, and nothing came of it")
    elif model and first is None:
        echo_err(f"{model}: neither declared in git nor remembered; `reconciler history` lists every model")
        raise typer.Exit(Exit.ATTENTION)
