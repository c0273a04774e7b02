"""The program: its commands, and the one place where an error becomes a message and an exit code."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sys
import traceback
from functools import cache
from importlib import import_module
from typing import Any

import typer
import typer.core
import typer.main

from reconciler.cli import tuning
from reconciler.cli.terminal import OutputClosedError, echo_err
from reconciler.errors import Exit, ReconcilerError
from reconciler.private import private_files

COMMANDS = {
    "validate": ("validate.validate", "Checks manifests of the work tree or of a commit."),
    "plan": ("plan.plan", "Shows what one cycle would do; changes nothing."),
    "apply": ("apply.apply", "One cycle: plans, imports, waits for the outcome."),
    "run": ("run.run", "The scheduled loop, with page, metrics and webhook."),
    "status": ("status.status", "The last known verdict of every model, offline."),
    "diff": ("diff.diff", "What is declared of one model beside what is registered."),
    "init": ("init.init", "Writes what a repository needs to declare models."),
    "adopt": ("adopt.adopt", "Writes manifests for what is registered and declared nowhere."),
    "comment": ("comment.comment", "Puts the plan on a pull or merge request."),
    "history": ("history.history", "Who declared each model, and what became of it."),
    "retry": ("retry.retry", "Releases a failed model and imports it again."),
    "schema": ("schema.schema", "JSON Schema of a manifest or of the configuration."),
    "doctor": ("doctor.doctor", "Checks the whole setup and says what to do."),
    "state": ("state.app", "Looks after the state: check, export, compact, migrate, rebuild."),
    "notify": ("notify.app", "Sends a trial message to a sink: test."),
    "registry": ("registry.app", "The embedded registry: serve."),
    "completion": ("completion.completion", "The completion script of bash, zsh or fish."),
    "version": ("version.version", "Shows the version."),
    "help": ("help.show_help", "Shows the help of a command."),
}
"""For each command, in the order of the list: where in this package it is, and its line of the list."""


class _Commands(typer.core.TyperGroup):
    """Imports a command when it is called: the list needs none, and each needs no other."""

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:  # noqa: ANN401
        name, _, rest = super().resolve_command(ctx, args)
        return name, name and loaded(name), rest


app = typer.Typer(
    name="reconciler",
    cls=_Commands,
    help="Imports the models that git declares, each exactly once.",
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@cache
def command() -> Any:  # noqa: ANN401 - the library's commands have no public type
    """The whole command line; made once, also where one process runs several commands."""
    return typer.main.get_command(app)


def run() -> None:
    """Runs the command line and ends the process."""
    _open_streams()
    stdout = sys.stdout
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # what is written is UTF-8, whatever the locale says
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    tuning.for_a_command()
    try:
        with private_files():
            command()(prog_name="reconciler")
    except ReconcilerError as error:
        echo_err(f"error: {error}")
        sys.exit(int(error.exit_code))
    except OutputClosedError:
        _die_of(signal.SIGPIPE)
    except SystemExit:
        if sys.stdout is not stdout:  # typer found it closed when it printed something by itself
            _die_of(signal.SIGPIPE)
        raise
    except OSError as error:
        echo_err(f"error: {error.filename or 'standard output'}: {error.strerror}")
        _discard_output()
        sys.exit(int(Exit.UNAVAILABLE))
    except KeyboardInterrupt:
        echo_err("interrupted; what was in flight is settled by the next run")
        sys.exit(130)
    except Exception:  # noqa: BLE001 - told as the interpreter would tell it, without the secrets
        echo_err(traceback.format_exc())
        sys.exit(int(Exit.ATTENTION))
    finally:
        _give_up_standard_error()
        tuning.for_the_end()


def _open_streams() -> None:
    """Gives a process that was started without one of its streams an unusable one in its place.

    Otherwise the next file to be opened, such as the state, would be standard output.
    """
    for number, mode in enumerate((os.O_RDONLY, os.O_RDONLY, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, mode)  # takes the lowest number that is free
    sys.stdout = sys.stdout or open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115


def _die_of(number: signal.Signals) -> None:
    """Ends the process as the signal would have, so that a shell sees what it sees of other tools."""
    _discard_output()
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


def _discard_output() -> None:
    """What could not be written is not tried again when the interpreter ends."""
    with contextlib.suppress(OSError):
        descriptor = sys.stdout.fileno()
        os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)


def _give_up_standard_error() -> None:
    """What standard error does not take is lost: the interpreter would try again, and end with code 120."""
    try:
        sys.stderr.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


@app.callback(invoke_without_command=True)
def _version(
    version: bool = typer.Option(False, "--version", "-V", help="Show the version and exit."),
) -> None:
    if version:
        from reconciler import __version__  # noqa: PLC0415 - only here

        typer.echo(f"reconciler {__version__}")
        raise typer.Exit


def _listed() -> None:
    """Stands in the list for a command that is not imported yet."""


@cache
def loaded(name: str) -> Any:  # noqa: ANN401 - the library's commands have no public type
    """The command of that name, imported."""
    module, _, member = COMMANDS[name][0].partition(".")
    command = getattr(import_module(f"reconciler.cli.{module}"), member)
    shelf = typer.Typer(rich_markup_mode=None)
    if isinstance(command, typer.Typer):
        shelf.add_typer(command, name=name)
    else:
        shelf.command(name)(command)
    return typer.main.get_group(shelf).commands[name]


for _name, (_, _line) in COMMANDS.items():
    app.command(_name, short_help=_line)(_listed)
