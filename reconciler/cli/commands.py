"""The list of commands, each imported when it is called."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Annotated, Any

import typer
import typer.core
import typer.main

from reconciler import __version__
from reconciler.cli import options
from reconciler.cli.terminal import echo, put_json

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
    "version": ("commands.show_version", "Shows the version."),
    "help": ("commands.show_help", "Shows the help of a command."),
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


@app.callback(invoke_without_command=True)
def _version(
    version: bool = typer.Option(False, "--version", "-V", help="Show the version and exit."),
) -> None:
    if version:
        typer.echo(f"reconciler {__version__}")
        raise typer.Exit


def show_version(
    config: options.ConfigOption = None,  # noqa: ARG001 - every command takes the common options
    target: options.TargetOption = None,  # noqa: ARG001
    output: options.OutputOption = options.Output.TEXT,
    quiet: options.QuietOption = False,  # noqa: ARG001
    verbose: options.VerboseOption = False,  # noqa: ARG001
) -> None:
    """Shows the version, as `-V` and `--version` do; with --output json also Python's and the state's."""
    if output is options.Output.TEXT:
        echo(f"reconciler {__version__}")
        return
    import platform  # noqa: PLC0415 - for this form alone

    from reconciler.state import SCHEMA_VERSION  # noqa: PLC0415

    put_json({"version": __version__, "python": platform.python_version(), "state_schema": SCHEMA_VERSION})


def show_help(
    command: Annotated[
        list[str] | None, typer.Argument(metavar="COMMAND", help="Such as plan, or state check.")
    ] = None,
    config: options.ConfigOption = None,  # noqa: ARG001 - every command takes the common options
    target: options.TargetOption = None,  # noqa: ARG001
    output: options.OutputOption = options.Output.TEXT,  # noqa: ARG001 - help is text in any form
    quiet: options.QuietOption = False,  # noqa: ARG001
    verbose: options.VerboseOption = False,  # noqa: ARG001
) -> None:
    """Shows the help of the program, or of a command."""
    app([*(command or ()), "--help"], prog_name="reconciler")


def _listed() -> None:
    """Stands in the list for a command that is not imported yet."""


@cache
def loaded(name: str) -> Any:  # noqa: ANN401 - the library's commands have no public type
    """The command of that name, imported."""
    module, _, member = COMMANDS[name][0].partition(".")
    command = getattr(import_module(f"reconciler.cli.{module}"), member)
    group = typer.Typer(rich_markup_mode=None)
    if isinstance(command, typer.Typer):
        group.add_typer(command, name=name)
    else:
        group.command(name)(command)
    return typer.main.get_group(group).commands[name]


for _name, (_, _line) in COMMANDS.items():
    app.command(_name, short_help=_line)(_listed)
