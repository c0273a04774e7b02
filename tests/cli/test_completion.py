"""Completion in real shells: commands and options from the script, names from the state."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from reconciler.cli import CANDIDATES
from tests.git_repository import git_environment
from tests.program import EMBEDDED, Fleet, manifest

if TYPE_CHECKING:
    from collections.abc import Callable

    Complete = Callable[[str], list[str]]

DRIVERS = {
    "bash": """source "$1"; COMP_LINE=$2; COMP_POINT=${#COMP_LINE}
        _reconciler; printf "%s\\n" "${COMPREPLY[@]}\"""",
    "zsh": """compdef() { }; compadd() { shift; print -rl -- "$@" }; compset() { PREFIX=${PREFIX#*=} }
        source "$1"; words=(${(z)2}); [[ $2 == *" " ]] && words+=("")
        CURRENT=$#words; PREFIX=$words[-1]; _reconciler""",
    "fish": 'source $argv[1]; complete -C "$argv[2]"',
}
QUIET = {"bash": ["--norc", "-c"], "zsh": ["-f", "-c"], "fish": ["--no-config", "-c"]}
HOSTILE = "$(touch pwned)"


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    """A state that knows two names, three versions and a name that no shell should see unquoted."""
    made = Fleet(tmp_path_factory.mktemp("completion") / "fleet")
    made.configure(EMBEDDED)
    made.declare("mnist@1.0.0", "mnist@1.10.0", "churn@2.0.0")
    made.commit({"models.d/wrong.yaml": manifest(f"{HOSTILE}@1.0.0")})
    made("apply")
    return made


@pytest.fixture(params=DRIVERS)
def complete(request: pytest.FixtureRequest, fleet: Fleet) -> Complete:
    """What a shell offers for a line. Bash replaces what follows an `@`, and the others the whole word."""
    name: str = request.param
    shell = shutil.which(name)
    if shell is None:
        pytest.skip(f"{name} is not installed here")
    script = fleet.folder.parent / f"completion.{name}"
    script.write_text(fleet("completion", name).out, "utf-8")
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"

    def offered(line: str) -> list[str]:
        done = subprocess.run(
            [shell, *QUIET[name], DRIVERS[name], *(["driver"] if name != "fish" else []), str(script), line],
            cwd=fleet.folder,
            env=git_environment() | {"PATH": path, "HOME": str(fleet.folder.parent)},
            capture_output=True,
            text=True,
            check=True,
        )
        word = line.rpartition(" ")[2]
        kept = "".join(word.rpartition("@")[:2]) if name == "bash" else ""
        candidates = [kept + row.partition("\t")[0] for row in done.stdout.splitlines() if row]
        return sorted(one for one in candidates if one.startswith(word))

    return offered


def test_a_shell_offers_commands_options_words_and_names(complete: Complete) -> None:
    """All in one test: a shell takes its time to start."""
    assert complete("reconciler pl") == ["plan"]
    assert complete("reconciler state m") == ["migrate"]
    assert complete("reconciler plan --ref") == ["--refresh"]
    assert complete("reconciler validate --output j") == ["json"]
    assert complete("reconciler plan --target l") == ["local"]
    assert complete("reconciler status ") == ["churn", "mnist"]
    assert complete("reconciler diff c") == ["churn@2.0.0"]
    assert complete("reconciler retry mnist@1") == ["mnist@1.0.0", "mnist@1.10.0"]


def test_a_name_that_a_shell_would_run_is_not_offered(fleet: Fleet) -> None:
    """Names come from files and registries that anybody may have written."""
    assert HOSTILE in fleet("status").out
    assert HOSTILE not in fleet(CANDIDATES, "models", "").out


def test_candidates_are_told_in_under_60_ms_which_is_what_they_import(fleet: Fleet) -> None:
    """Nothing that takes its time: no command line library, no pydantic, no SQLAlchemy, no git."""
    program = (
        "import sys; sys.argv = ['reconciler', *sys.argv[1:]]; from reconciler.cli import main; main(); "
        "print(*sorted({name.partition('.')[0] for name in sys.modules}), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, CANDIDATES, "models", "mnist@1.1"],
        cwd=fleet.folder,
        env=git_environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "mnist@1.10.0\n"
    slow = {"asyncio", "dataclasses", "git", "httpx", "inspect", "pydantic", "socket", "sqlalchemy", "typer"}
    assert (slow | {"subprocess", "yaml"}) & set(done.stderr.split()) == set()


def test_candidates_follow_the_configuration_of_the_line(fleet: Fleet, tmp_path: Path) -> None:
    """`--config FILE`, `RECONCILER_CONFIG`, `RECONCILER_STATE__…`; what cannot be used offers nothing."""
    elsewhere = tmp_path / "other.toml"
    elsewhere.write_text(f"[state]\ndir = '{fleet.folder / '.reconciler'}'\n", "utf-8")
    empty = Fleet(tmp_path / "empty")
    ask = (CANDIDATES, "models", "c")
    assert empty(*ask).out == ""
    assert empty(*ask, "plan", "--config", str(elsewhere)).out == "churn@2.0.0\n"
    assert empty(*ask, RECONCILER_CONFIG=str(elsewhere)).out == "churn@2.0.0\n"
    state = f"sqlite:///{fleet.folder / '.reconciler' / 'state.db'}"
    assert empty(*ask, RECONCILER_STATE__URL=state).out == "churn@2.0.0\n"
    for wrong in ("[state", "[state]\nurl = 7\n", "[state]\nurl = 'postgresql://x/y'\n", "state = 1\n"):
        empty.configure(wrong)
        done = empty(*ask)
        assert (done.code, done.out, done.err) == (0, "", "")
    assert empty(CANDIDATES).out == empty(CANDIDATES, "nothing", "x").out == ""


def test_a_configuration_of_somebody_else_is_not_followed(fleet: Fleet, tmp_path: Path) -> None:
    """As for every command; see `reconciler.settings.discovery`."""
    other = Fleet(tmp_path / "other")
    other.configure(f"[state]\ndir = '{fleet.folder / '.reconciler'}'\n")
    assert other(CANDIDATES, "models", "c").out == "churn@2.0.0\n"
    (other.folder / "reconciler.toml").chmod(0o666)
    assert other(CANDIDATES, "models", "c").out == ""
