from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler import __version__
from tests.program import Program

if TYPE_CHECKING:
    from pathlib import Path

COMMON = ("--config", "--target", "--output", "--quiet", "--verbose")
COMMANDS = (
    *("validate", "plan", "apply", "run", "status", "diff", "history", "retry", "doctor"),
    *("init", "adopt", "comment", "completion", "version", "help"),
)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_takes_the_common_options(tmp_path: Path, command: str) -> None:
    """`--config --target --output --quiet --verbose`, in the help of each."""
    done = Program(tmp_path)(command, "--help")
    assert done.code == 0
    assert [option for option in COMMON if option not in done.out] == []
    assert done.err == ""


@pytest.mark.parametrize("arguments", [["schema"], ["registry"], ["registry", "serve"], []])
def test_everything_else_has_help_too(tmp_path: Path, arguments: list[str]) -> None:
    """Help goes to standard output, exit code 0, also outside of any repository."""
    done = Program(tmp_path)(*arguments, "--help")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("Usage: reconciler")


def test_the_help_names_every_command(tmp_path: Path) -> None:
    """Each command of the design stands in the list."""
    listed = Program(tmp_path)("--help").out
    assert [command for command in (*COMMANDS, "schema", "registry") if f"  {command} " not in listed] == []


def test_the_version_is_told(tmp_path: Path) -> None:
    """One line, exit code 0, however it is asked for."""
    outputs = {
        (done.code, done.out, done.err) for done in map(Program(tmp_path), ("-V", "--version", "version"))
    }
    assert outputs == {(0, f"reconciler {__version__}\n", "")}
    facts = Program(tmp_path).json("version").json
    assert (list(facts), facts["version"]) == (["version", "python", "state_schema"], __version__)


def test_what_may_be_left_out_stands_in_brackets_once(tmp_path: Path) -> None:
    """The usage line of each command."""
    usages = {command: Program(tmp_path)(command, "--help").out.partition("\n")[0] for command in COMMANDS}
    assert [line for line in usages.values() if "[[" in line or "]...]" in line] == []
    assert usages["plan"] == "Usage: reconciler plan [OPTIONS] [NAME[@VERSION]]"


def test_help_is_the_help_of_the_option(tmp_path: Path) -> None:
    """Of the program, of a command, of one in a group; an unknown one is a wrong command line."""
    program = Program(tmp_path)
    for command in ([], ["plan"], ["state", "check"]):
        assert program("help", *command) == program(*command, "--help")
    assert program("help", "aply").code == 2


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["aply"], "apply"),
        (["plan", "--targt", "x"], "--target"),
        (["plan", "--output", "xml"], "json"),
        (["apply", "--output", "markdown"], "json"),
        (["plan", "mnist", "surplus"], "surplus"),
        (["retry"], "NAME@VERSION"),
        (["retry", "mnist"], "mnist@1.0.0"),
        (["retry", "@1.0.0"], "NAME@VERSION"),
    ],
)
def test_a_wrong_command_line_is_told_with_a_hint(tmp_path: Path, arguments: list[str], hint: str) -> None:
    """Exit code 2, standard output empty, and what would have been right on standard error."""
    done = Program(tmp_path)(*arguments)
    assert (done.code, done.out) == (2, "")
    assert hint in done.err
