"""`completion`: the script that bash, zsh or fish loads, made from what the program can do.

Commands and options stand in it. It asks for names with `reconciler __candidates` and never evaluates what it
is given: candidates are compared and listed as they are, for they come from a registry.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, StrEnum
from shlex import quote
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from reconciler.cli import CANDIDATES, options
from reconciler.cli.commands import COMMANDS, loaded
from reconciler.cli.terminal import echo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence


Takes = str | tuple[str, ...] | None
"""What goes on a line: `models`, `targets`, `commands`, `files`, words, anything (empty), nothing (None)."""


@dataclass(frozen=True, slots=True)
class CompletedOption:
    """One option, with what stands after it."""

    names: tuple[str, ...]
    description: str
    takes: Takes


@dataclass(frozen=True, slots=True)
class CompletedCommand:
    """One command.

    Attributes:
        path: such as `plan` or `state check`.
    """

    path: str
    description: str
    options: tuple[CompletedOption, ...]
    argument: Takes
    inner: tuple[str, ...]


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


_BASH = r"""# bash completion for reconciler: source <(reconciler completion bash)
_reconciler() {
    local line=${COMP_LINE:0:COMP_POINT} word previous at candidates="" files="" candidate
    local -a words
    read -ra words <<<"$line"
    word=${line##*[[:space:]]}
    [[ -n $word ]] && unset 'words[-1]'
    previous=${words[-1]}
    [[ $word == --*=* ]] && previous=${word%%=*} word=${word#*=}
    _reconciler_path "${words[@]:1}"
@CASES@
    COMPREPLY=()
    if [[ -n $files ]]; then
        compopt -o default
        return
    fi
    # bash replaces only what follows the last character at which it breaks words
    local before=${word%"${word##*[@:=]}"}
    while IFS= read -r candidate; do
        [[ -n $candidate && $candidate == "$word"* ]] && COMPREPLY+=("${candidate#"$before"}")
    done <<<"$candidates"
}
@PATH@
complete -F _reconciler reconciler
"""

_ZSH = r"""#compdef reconciler
# zsh completion for reconciler: source <(reconciler completion zsh), after compinit
_reconciler() {
    local word=$PREFIX previous=${words[CURRENT-1]} at candidates="" files=""
    [[ $word == --*=* ]] && previous=${word%%=*} && compset -P '*=' && word=$PREFIX
    local -a before
    before=("${(@)words[1,CURRENT-1]}")
    _reconciler_path "${(@)before[2,-1]}"
    words=("${before[@]}")
@CASES@
    if [[ -n $files ]]; then
        _files
        return
    fi
    compadd -- "${(@f)candidates}"
}
@PATH@
compdef _reconciler reconciler
"""

_PATH = r"""_reconciler_path() {
    local one
    at=""
    for one in "$@"; do
        case "$at $one" in
            " -"*) ;;
@INNER@
            " "[a-z]*) at=$one ;;
        esac
    done
}"""


def _posix(template: str, commands: Sequence[CompletedCommand]) -> str:
    """For bash and zsh: one `case` over the command that the line has come to."""
    tops = tuple(command.path for command in commands if " " not in command.path)
    lines = ['    case "$at" in', f'        "") candidates={_lines((*tops, *_TOP_OPTIONS))} ;;']
    for command in commands:
        lines += [f"        {quote(command.path)})", *_case(command, tops), "            ;;"]
    lines.append("    esac")
    groups = [command for command in commands if command.inner]
    patterns = [f'"{group.path} {name}"' for group in groups for name in group.inner]
    inner = f'            {"|".join(patterns)}) at="$at $one" ;;'
    return template.replace("@CASES@", "\n".join(lines)).replace("@PATH@", _PATH.replace("@INNER@", inner))


_TOP_OPTIONS = ("--help", "--version")


def _case(command: CompletedCommand, tops: tuple[str, ...]) -> Iterator[str]:
    yield '            case "$previous" in'
    for option in command.options:
        if option.takes is not None:
            yield f"                {'|'.join(option.names)}) {_assignment(option.takes, tops)} ;;"
    names = [name for option in command.options for name in option.names if name.startswith("--")]
    rest = _assignment(command.inner or command.argument, tops)
    yield f"                *) if [[ $word == -* ]]; then candidates={_lines(names)}; else {rest}; fi ;;"
    yield "            esac"


def _assignment(takes: Takes, tops: tuple[str, ...]) -> str:
    if takes == "files":
        return "files=yes"
    if takes in ("models", "targets"):
        return f'candidates=$(reconciler {CANDIDATES} {takes} "$word" "${{words[@]}}" 2>/dev/null)'
    if takes == "commands":
        return f"candidates={_lines(tops)}"
    return f"candidates={_lines(takes)}" if isinstance(takes, tuple) and takes else "candidates="


def _lines(words: Sequence[str]) -> str:
    return "$'" + r"\n".join(words) + "'"


def _fish(commands: Sequence[CompletedCommand]) -> str:
    tops = [command.path for command in commands if " " not in command.path]
    lines = [
        "# fish completion for reconciler: reconciler completion fish | source",
        "complete -c reconciler -f",
    ]
    for command in commands:
        outer, _, name = command.path.rpartition(" ")
        where = f"__fish_seen_subcommand_from {outer}" if outer else "__fish_use_subcommand"
        lines.append(_entry(where, f"-a {name} -d {_fish_text(command.description)}"))
        at = "; and ".join(f"__fish_seen_subcommand_from {part}" for part in command.path.split())
        lines += [_entry(at, _fish_names(one) + _fish_takes(one.takes, tops)) for one in command.options]
        if command.argument:
            lines.append(_entry(at, _fish_takes(command.argument, tops).replace(" -x", "", 1).strip()))
    return "\n".join(lines) + "\n"


def _entry(where: str, rest: str) -> str:
    return f'complete -c reconciler -n "{where}" {rest}'


def _fish_names(option: CompletedOption) -> str:
    names = [f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in option.names]
    return f"{' '.join(names)} -d {_fish_text(option.description)}"


def _fish_takes(takes: Takes, tops: Sequence[str]) -> str:
    if takes is None:
        return ""
    if takes == "files":
        return " -r -F"
    if takes in ("models", "targets"):
        ask = f"(reconciler {CANDIDATES} {takes} (commandline -ct) (commandline -opc) 2>/dev/null)"
        return f" -x -a '{ask}'"
    words = tops if takes == "commands" else takes
    return f" -x -a '{' '.join(words)}'" if words else " -x"


def _fish_text(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


RENDERERS: Mapping[str, Callable[[Sequence[CompletedCommand]], str]] = {
    "bash": lambda commands: _posix(_BASH, commands),
    "zsh": lambda commands: _posix(_ZSH, commands),
    "fish": _fish,
}
"""From the commands to the script of a shell."""
