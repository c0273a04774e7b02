"""`status` and `history`: what is remembered. Neither asks a registry nor changes anything."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from itertools import chain
from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.cli.options import (
    ConfigOption,
    Output,
    OutputOption,
    PlanOutput,
    QuietOption,
    TargetOption,
    VerboseOption,
)
from reconciler.cli.report import ModelArgument, about, leave, show
from reconciler.cli.terminal import colour, configuration, echo, echo_err, put_all, put_json, put_json_list
from reconciler.errors import Exit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.engine.values import Report
    from reconciler.settings import Configuration

AtOption = Annotated[
    str | None,
    typer.Option(
        "--at", metavar="COMMIT|TIME", help="What was known while a commit was reconciled, or at a time."
    ),
]
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


def status(
    model: ModelArgument = None,
    at: AtOption = None,
    config: ConfigOption = None,
    target: TargetOption = None,
    output: OutputOption = Output.TEXT,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
    matrix: Annotated[bool, typer.Option("--matrix", help="Models by target.")] = False,
) -> None:
    """Shows the last known verdict of every model, or of one, from the state, offline."""
    settings = configuration(config)
    report = _newest(settings, target, quiet=quiet) if at is None else _earlier(settings, at, target)
    report = about(report, model)
    if matrix:
        _show_matrix(report, settings.chosen(target), output)
    else:
        show(report, PlanOutput(output), quiet=quiet, verbose=verbose or output is Output.TEXT, mode="status")
    leave(report)


def _newest(settings: Configuration, target: str | None, *, quiet: bool) -> Report:
    """What is known now; notes about it go to standard error."""
    from reconciler.app.identity import renamed  # noqa: PLC0415 - heavy
    from reconciler.engine.last_report import begun, refreshed  # noqa: PLC0415
    from reconciler.state import open_state  # noqa: PLC0415

    names = settings.chosen(target)
    with closing(open_state(settings.state_url, writer=False)) as ledger:
        known = ledger.last_report()
        report = refreshed(known, ledger, names) if known else begun(ledger, names)
        notes = [] if quiet else list(renamed(settings, ledger, names))
    if known is None and report.items:
        echo_err(
            "no cycle has ended yet with this state: shown is what the journal tells; see `reconciler plan`"
        )
    elif known is None:
        echo_err("nothing is remembered yet: no cycle has run with this state; see `reconciler plan`")
    for note in notes:
        echo_err(f"note: {note}")
    return report


def _earlier(settings: Configuration, at: str, target: str | None) -> Report:
    """What was known at a time, or while a commit was the one reconciled."""
    from reconciler.app.earlier import earlier  # noqa: PLC0415 - heavy
    from reconciler.cli.moment import written  # noqa: PLC0415

    return earlier(settings, written(at) or at, target)


def _show_matrix(report: Report, targets: Sequence[str], output: Output) -> None:
    from reconciler.views import matrix as view  # noqa: PLC0415 - few ask for it

    for failure in report.failures:
        echo_err(f"error: {failure.message}")
    if output is Output.JSON:
        put_json(view.as_json(report, targets))
    else:
        echo(view.text(report, targets, colour=colour()))


def history(
    model: ModelArgument = None,
    model_id: ModelIdOption = None,
    commit: CommitOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    author: AuthorOption = None,
    config: ConfigOption = None,
    target: TargetOption = None,
    output: OutputOption = Output.TEXT,
    quiet: QuietOption = False,  # noqa: ARG001 - every command takes it
    verbose: VerboseOption = False,  # noqa: ARG001 - every command takes it
) -> None:
    """Shows who declared each model, when, and what became of it: git's log joined with the journal."""
    from reconciler.app.history import HistoryQuery, history  # noqa: PLC0415 - heavy
    from reconciler.cli.moment import moment  # noqa: PLC0415
    from reconciler.views import history as view  # noqa: PLC0415

    now = datetime.now(UTC)
    wanted = view.RowFilter(
        since=None if since is None else moment("--since", since, now),
        until=None if until is None else moment("--until", until, now),
        author=author,
    )
    name, _, version = (model or "").partition("@")
    query = HistoryQuery(target, name or None, version or None, model_id, commit)
    with closing(history(configuration(config), query, lambda note: echo_err(f"note: {note}"))) as found:
        first = next(found, None)
        rows = filter(wanted.admits, () if first is None else chain([first], found))
        if output is Output.JSON:
            put_json_list(view.as_json(rows))
        else:
            put_all(view.text(rows, colour=colour()))
    if commit and first is None:
        echo_err(f"{commit}: this commit changed no model's document, and nothing came of it")
    elif model and first is None:
        echo_err(f"{model}: neither declared in git nor remembered; `reconciler history` lists every model")
        raise typer.Exit(Exit.ATTENTION)
