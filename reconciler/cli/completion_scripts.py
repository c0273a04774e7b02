"""The completion scripts of bash, zsh and fish, made from what the program can do.

A script asks for names with `reconciler __candidates` and never evaluates what it is given: candidates are
compared and listed as they are, for they come from a registry.
"""

from __future__ import annotations

from dataclasses import dataclass
from shlex import quote
from typing import TYPE_CHECKING

from reconciler.cli import CANDIDATES

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
