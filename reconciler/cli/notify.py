"""`notify test SINK`: a trial message."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.app.sinks import named, sink_of
from reconciler.cli.options import ConfigOption, Output, OutputOption, QuietOption
from reconciler.cli.terminal import echo, echo_err, put_json, warned
from reconciler.engine.clock import Clock
from reconciler.errors import Exit, ReconcilerError
from reconciler.notify import DELIVERY, trial

if TYPE_CHECKING:
    from reconciler.settings import Configuration, NotifySettings

app = typer.Typer(help="Looks after the sinks.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def _group() -> None:
    """Looks after the sinks."""


@app.command("test")
def try_sink(
    sink: Annotated[str, typer.Argument(metavar="SINK", help="The name of a table [[notify]], or its kind.")],
    config: ConfigOption = None,
    output: OutputOption = Output.TEXT,
    quiet: QuietOption = False,
) -> None:
    """Sends a trial message to one sink, now and once, and says whether it was taken."""
    settings = warned(config)
    section = named(settings, sink)
    problem = asyncio.run(_try(settings, section))
    if output is Output.JSON:
        facts = {"sink": section.title, "kind": section.kind, "delivered": problem is None, "error": problem}
        put_json({"version": 1, **facts})
    elif problem is None and not quiet:
        echo(f"{section.title} ({section.kind}): delivered")
    if problem is not None:
        echo_err(f"error: {section.title} ({section.kind}): {problem}")
    raise typer.Exit(int(Exit.OK if problem is None else Exit.UNAVAILABLE))


async def _try(settings: Configuration, section: NotifySettings) -> str | None:
    """Why the message was not taken; None where it was."""
    clock = Clock()
    try:
        async with asyncio.timeout(DELIVERY):
            await sink_of(settings, section, clock).deliver(trial(section.title, clock.now()))
    except TimeoutError:
        return f"it did not answer within {DELIVERY:g} s"
    except ReconcilerError as error:
        return str(error)
    return None
