"""`state check`, `state export` and the others: looking after the memory itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from reconciler.cli.options import ConfigOption, Output, OutputOption, QuietOption
from reconciler.cli.terminal import configuration, echo, echo_err, put_json
from reconciler.errors import ConfigurationError, Exit, StateError
from reconciler.phrases import many
from reconciler.state import check as problems_of
from reconciler.state import compact as archive
from reconciler.state import export as events_of
from reconciler.state import migrate as bring_up_to_date
from reconciler.state import rebuild as mend
from reconciler.state import require_state
from reconciler.views.as_json import dumps

app = typer.Typer(help="Looks after the state.", no_args_is_help=True, rich_markup_mode=None)


@app.command()
def check(
    config: ConfigOption = None, output: OutputOption = Output.TEXT, quiet: QuietOption = False
) -> None:
    """Says whether the state is sound: readable, of the right columns, its ledger the fold of its journal."""
    url = configuration(config).state_url
    problems = problems_of(url) or _absence(url)
    if output is Output.JSON:
        put_json({"version": 1, "problems": list(problems)})
    elif problems or not quiet:
        echo("\n".join(problems or ["the state is sound"]))
    raise typer.Exit(int(Exit.UNAVAILABLE if problems else Exit.OK))


def _absence(url: str) -> tuple[str, ...]:
    """The problem that there is no state, where there is none: a state that is not there is not sound."""
    try:
        require_state(url, "check")
    except StateError as error:
        return (str(error),)
    return ()


@app.command()
def export(config: ConfigOption = None) -> None:
    """Prints the journal, one JSON object a line, oldest first."""
    for event in events_of(configuration(config).state_url):
        echo(dumps(event, indented=False))


@app.command()
def compact(
    config: ConfigOption = None,
    days: Annotated[
        int | None,
        typer.Option("--days", min=0, max=3650, help="Age of an event; by default state.compact_after."),
    ] = None,
    quiet: QuietOption = False,
) -> None:
    """Compresses the journal's events of models at rest; nothing may be running. Nothing is forgotten."""
    settings = configuration(config)
    age = settings.settings.state.compact_after if days is None else timedelta(days=days)
    if days is None and not age:
        raise ConfigurationError("state.compact_after is 0s: say how old an event must be with --days")
    moved = archive(settings.state_url, datetime.now(UTC) - age)
    if not quiet:
        echo(f"{moved} {'event was' if moved == 1 else 'events were'} compressed")


@app.command()
def migrate(config: ConfigOption = None, quiet: QuietOption = False) -> None:
    """Brings a state of an earlier version up to date, and does nothing else; nothing may be running."""
    version = bring_up_to_date(configuration(config).state_url)
    if not quiet:
        echo(f"the state has version {version} of its schema")


@app.command()
def rebuild(
    config: ConfigOption = None,
    from_notes: Annotated[
        bool, typer.Option("--from-notes", help="Make a lost state anew from git's notes (audit.notes).")
    ] = False,
    quiet: QuietOption = False,
) -> None:
    """Makes the ledger anew from the journal; nothing may be running. A sound state is left as it is."""
    if from_notes:
        from reconciler.app.audit import restore  # noqa: PLC0415 - brings git, and few ask for it

        events, unread = restore(
            configuration(config), lambda note: None if quiet else echo_err(f"note: {note}")
        )
        if not quiet:
            left = f"; {many(unread, 'line')} could not be read" if unread else ""
            echo(f"{many(events, 'event')} journalled from the notes{left}")
        return
    wrong = mend(configuration(config).state_url)
    if not quiet:
        echo("the ledger was right" if not wrong else f"{many(wrong, 'entry', 'entries')} repaired")
