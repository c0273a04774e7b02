"""`completion`: the script that a shell loads. Commands and options stand in it; names it asks for."""

from __future__ import annotations

import re
from enum import Enum, StrEnum
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from reconciler.cli import options
from reconciler.cli.commands import COMMANDS, loaded
from reconciler.cli.completion_scripts import RENDERERS, CompletedCommand, CompletedOption
from reconciler.cli.terminal import echo

if TYPE_CHECKING:
    from collections.abc import Iterator


class Shell(StrEnum):
    """Shells that can complete."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


def completion(
    shell: Annotated[Shell, typer.Argument(metavar="bash|zsh|fish", help="The shell that loads the script.")],
    config: options.ConfigOption = None,  # noqa: ARG001 - every command takes the common options
    target: options.TargetOption = None,  # noqa: ARG001
    output: options.OutputOption = options.Output.TEXT,  # noqa: ARG001 - a script is one in any form
    quiet: options.QuietOption = False,  # noqa: ARG001
    verbose: options.VerboseOption = False,  # noqa: ARG001
) -> None:
    """Prints the completion script of a shell: load it with `source <(reconciler completion bash)`.

    Names and versions of models, and targets, are offered from the state, offline.
    """
    echo(RENDERERS[shell.value](list(commands())))


def commands() -> Iterator[CompletedCommand]:
    """Every command of the program with its options, groups before what is in them."""
    for name, (_, line) in COMMANDS.items():
        yield from _below(name, loaded(name), line)


def _below(path: str, command: Any, line: str) -> Iterator[CompletedCommand]:  # noqa: ANN401 - the library's
    inner: dict[str, Any] = getattr(command, "commands", {})
    options = [_option(one) for one in command.params if one.param_type_name == "option" and not one.hidden]
    argument = next((_takes(one) for one in command.params if one.param_type_name == "argument"), None)
    yield CompletedCommand(path, line, (*options, _HELP), argument, tuple(inner))
    for name, below in inner.items():
        yield from _below(f"{path} {name}", below, below.get_short_help_str())


_HELP = CompletedOption(("--help", "-h"), "Show the help.", None)


def _option(option: Any) -> CompletedOption:  # noqa: ANN401 - the library's options have no public type
    takes = None if option.is_flag else _takes(option)
    return CompletedOption((*option.opts, *option.secondary_opts), option.help or "", takes)


def _takes(parameter: Any) -> str | tuple[str, ...]:  # noqa: ANN401
    """`models`, `targets`, `commands` or `files` to ask for; the words there are; empty for anything."""
    kinds = _flat(parameter.type_descriptor.annotation)
    words = tuple(str(member.value) for kind in kinds if issubclass(kind, Enum) for member in kind)
    if words:
        return words
    if parameter.name == "target":
        return "targets"
    metavar = parameter.metavar or ""
    for pattern, offered in (
        (r"\bNAME\b.*@", "models"),
        (r"FILE|PATH|DIR", "files"),
        (r"COMMAND", "commands"),
    ):
        if re.search(pattern, metavar):
            return offered
    return ""


def _flat(annotation: Any) -> list[type]:  # noqa: ANN401 - annotations are untyped
    parts = get_args(annotation)
    return (
        [one for part in parts for one in _flat(part)]
        if parts
        else [annotation] * isinstance(annotation, type)
    )
