"""The program: its commands, and the one place where an error becomes a message and an exit code."""

from __future__ import annotations

import contextlib
import io
import os
import sys

import typer

from reconciler.cli import diagnose, loop, memory, registry, schema, state, sync, validate
from reconciler.cli.terminal import tell
from reconciler.errors import Exit, ReconcilerError

app = typer.Typer(
    name="reconciler",
    help="Imports the models that git declares, each exactly once.",
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("validate")(validate.validate)
app.command("plan")(sync.plan)
app.command("apply")(sync.apply)
app.command("run")(loop.run)
app.command("status")(memory.status)
app.command("history")(memory.history)
app.command("retry")(sync.retry)
app.command("schema")(schema.schema)
app.command("doctor")(diagnose.doctor)
app.add_typer(state.app, name="state")
app.add_typer(registry.app, name="registry")


def run() -> None:
    """Runs the command line and ends the process."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # what is written is UTF-8, whatever the locale says
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    try:
        app(prog_name="reconciler")
    except ReconcilerError as error:
        tell(f"error: {error}")
        sys.exit(int(error.exit_code))
    except BrokenPipeError:  # the reader of our output, such as `head`, has gone
        _discard_output()
        sys.exit(1)
    except OSError as error:
        tell(f"error: {error.filename or 'standard output'}: {error.strerror}")
        _discard_output()
        sys.exit(int(Exit.UNUSABLE))
    except KeyboardInterrupt:
        tell("interrupted; what was in flight is settled by the next run")
        sys.exit(130)


def _discard_output() -> None:
    """What could not be written is not tried again when the interpreter ends."""
    with contextlib.suppress(OSError):
        descriptor = sys.stdout.fileno()
        os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)


@app.callback(invoke_without_command=True)
def _version(version: bool = typer.Option(False, "--version", help="Show the version and exit.")) -> None:
    if version:
        from reconciler import __version__  # noqa: PLC0415 - only here

        typer.echo(f"reconciler {__version__}")
        raise typer.Exit
