"""`run`: the scheduled loop."""

from __future__ import annotations

import asyncio

import typer

from reconciler.app.service import run as serve
from reconciler.cli import options, tuning
from reconciler.cli.interruption import end_within
from reconciler.cli.log import start_log
from reconciler.cli.terminal import configuration
from reconciler.errors import Exit, ReconcilerError
from reconciler.log import log


def run(
    config: options.ConfigOption = None,
    target: options.TargetOption = None,
    output: options.OutputOption = options.Output.TEXT,
    quiet: options.QuietOption = False,
    verbose: options.VerboseOption = False,
) -> None:
    """Reconciles on schedule and whenever the branch moves, until SIGTERM; SIGHUP asks for a tick now.

    Log lines go to standard error; --output json makes them JSON.
    """
    as_json, logged = output is options.Output.JSON, False
    if as_json:  # before the configuration is read: what is wrong with it is a line of the log, too
        start_log("info", as_json=True)
    tuning.for_a_loop()
    try:
        settings = configuration(config)
        level = "debug" if verbose else "warning" if quiet else settings.settings.log.level
        as_json = as_json or settings.settings.log.format == "json"
        start_log(level, as_json=as_json)
        logged = True
        asyncio.run(serve(settings, target, lambda seconds: end_within(seconds, _left_behind)))
    except ReconcilerError as error:
        if not (as_json or (logged and error.exit_code != Exit.CONFIGURATION)):
            raise  # what is wrong with the configuration is said as by every other command
        log.error("ended", error=str(error), exit_code=int(error.exit_code))
        raise typer.Exit(int(error.exit_code)) from error


def _left_behind(what: str) -> None:
    log.error("the grace is over: ended in the middle of a call", hanging=what)
