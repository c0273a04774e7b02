from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.notify.receiving import receiving
from tests.program import EMBEDDED, Program, manifest
from tests.views.samples import obeyed

if TYPE_CHECKING:
    from pathlib import Path

    from tests.program import Fleet

ESCAPE = "\x1b"


def test_results_go_to_standard_output_and_progress_to_standard_error(fleet: Fleet) -> None:
    """What apply reports, and what it tells while it works."""
    done = fleet("apply")
    assert "2 imported" in done.out
    assert "a@1.0.0: importing" in done.err
    assert "importing" not in done.out


@pytest.mark.parametrize(
    "command", ["validate", "state check", "state compact", "state migrate", "state rebuild", "notify test a"]
)
def test_what_a_command_found_or_did_is_its_result(fleet: Fleet, command: str) -> None:
    """One line on standard output and nothing beside it; --quiet leaves out that all is well."""
    with receiving() as sink:
        fleet.configure(f"{EMBEDDED}[[notify]]\nname = 'a'\nkind = 'alertmanager'\nurl = '{sink.url}'\n")
        fleet("apply")
        done = fleet(*command.split())
        assert (done.code, len(done.out.splitlines()), done.err) == (0, 1, "")
        silent = fleet(*command.split(), "--quiet")
        assert (silent.code, silent.out, silent.err) == (0, "", "")


@pytest.mark.parametrize("form", ["json", "github", "gitlab", "sarif"])
def test_what_is_read_by_programs_holds_no_sentence(fleet: Fleet, form: str) -> None:
    """The count of `validate` is for people: beside annotations and reports it goes to standard error."""
    done = fleet("validate", "--output", form)
    assert "2 manifests: " not in done.out
    assert done.err == ("" if form == "json" else "2 manifests: 0 errors, 0 warnings\n")


def test_standard_output_of_json_is_json_alone(fleet: Fleet) -> None:
    """Progress and notes are elsewhere."""
    fleet.repository.write({"models.d/dirty.yaml": manifest("dirty@1.0.0")})
    done = fleet.json("apply")
    assert done.json["summary"]["in-sync"] == 2
    assert "note: " in done.err
    assert "uncommitted" in done.err


def test_quiet_leaves_out_progress_and_notes(fleet: Fleet) -> None:
    """The result stays."""
    fleet.repository.write({"models.d/dirty.yaml": manifest("dirty@1.0.0")})
    done = fleet("apply", "--quiet")
    assert done.err == ""
    assert "2 imported" in done.out
    assert "uncommitted" not in done.out
    assert fleet("validate", "-q").err == ""


def test_verbose_shows_every_model(fleet: Fleet) -> None:
    """A model in sync is left out otherwise."""
    fleet("apply")
    assert "a@1.0.0" not in fleet("plan").out
    assert "a@1.0.0" in fleet("plan", "--verbose").out


def test_an_error_leaves_standard_output_empty(fleet: Fleet) -> None:
    """One line that begins with `error:`."""
    done = fleet("plan", "--target", "locl")
    assert (done.code, done.out) == (2, "")
    assert done.err == "error: --target locl: no such target; did you mean 'local'?\n"


def test_there_is_no_colour_where_no_terminal_is(fleet: Fleet) -> None:
    """Neither in results nor in messages."""
    fleet.commit({"models.d/bad.yaml": "{"})
    for command in ("validate", "plan", "apply", "status", "history", "doctor"):
        done = fleet(command)
        assert ESCAPE not in done.out + done.err


@pytest.mark.parametrize(
    ("environment", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)]
)
def test_a_terminal_gets_colour_unless_it_says_no(
    fleet: Fleet, environment: dict[str, str], coloured: bool
) -> None:
    """`NO_COLOR`, or a terminal that cannot."""
    fleet.environment = {"TERM": "xterm"} | environment
    parent, child = pty.openpty()
    try:
        with fleet.spawn("plan", stdout=child) as process:
            assert process.wait(30) == 0
        shown = os.read(parent, 65536).decode()
    finally:
        os.close(parent)
        os.close(child)
    assert "a@1.0.0" in shown
    assert (ESCAPE in shown) is coloured


def test_control_characters_of_a_repository_never_reach_the_terminal(fleet: Fleet) -> None:
    """In file names, names of models and authors."""
    fleet.repository.commit(
        {"models.d/\x1b[2Jx.yaml": manifest("c@1.0.0"), "models.d/d.yaml": manifest("\x1b[31md@1.0.0")},
        author="E\x1b[2J <e@example.org>",
    )
    for arguments in (["plan", "-v"], ["plan", "-o", "json"], ["plan", "-o", "markdown"], ["validate"]):
        done = fleet(*arguments)
        assert done.code == 1
        assert ESCAPE not in done.out + done.err


def test_nothing_of_a_repository_is_a_command_to_the_runner_of_a_job(fleet: Fleet) -> None:
    """In lines of manifests, values, file names, subjects and authors; only annotations are commands."""
    forged = "::error::forged ##[add-mask]a ##vso[task.complete]b"
    fleet.repository.commit(
        {
            "models.d/##[group]x.yaml": f"{manifest('c@01.0.0')}  {forged}\n",
            "models.d/broken.yaml": f"model_name: x\n{forged}\n\t::stop-commands::y\n",
            "models.d/right.yaml": manifest("right@1.0.0", description="##[endgroup]"),
        },
        f"::notice::{forged}",
        author=f"{forged} <e@example.org>",
    )
    fleet("apply")
    fleet.commit({"models.d/right.yaml": manifest("right@1.0.0", description=forged)}, forged)
    commands = (
        *("plan -v", "plan -o json", "plan -o markdown", "apply", "status -v", "history", "history -o json"),
        *("diff right@1.0.0", "diff right@1.0.0 -o json", "doctor", "state export", "validate -o json"),
        *("validate", "validate -o gitlab", "validate -o sarif"),
    )
    for command in commands:
        done = fleet(*command.split())
        assert obeyed(done.out + "\n" + done.err) == [], command
    annotated = fleet("validate", "--output", "github")
    assert all(line.startswith("::error file=models.d/") for line in obeyed(annotated.out))
    assert obeyed(annotated.err) == []


@pytest.mark.parametrize(
    "environment", [{"LC_ALL": "C"}, {"LC_ALL": "C", "PYTHONUTF8": "0"}, {"PYTHONIOENCODING": "latin-1"}]
)
def test_chinese_names_are_read_and_printed_whatever_the_locale(
    fleet: Fleet, environment: dict[str, str]
) -> None:
    """Output is UTF-8, and so are paths in a repository."""
    fleet.commit({"models.d/手写.yaml": manifest("手写@1.0.0")})
    fleet.environment = environment
    done = fleet.process("plan", "--output", "json")
    assert done.err == ""
    assert done.items["手写@1.0.0"]["path"] == "models.d/手写.yaml"
    assert done.items["手写@1.0.0"]["author"] == "A. Author <author@example.org>"


@pytest.mark.parametrize(
    "command",
    [
        *(
            "--help",
            "--version",
            "plan --help",
            "validate -o json",
            "plan",
            "plan -o json",
            "plan -o markdown",
        ),
        *("apply", "status", "history", "schema", "doctor", "state export", "state check -o json"),
    ],
)
def test_a_reader_that_goes_away_ends_a_command_as_it_ends_other_tools(fleet: Fleet, command: str) -> None:
    """By SIGPIPE and without a word, as `state export | head -1` does."""
    fleet("apply")
    reader, writer = os.pipe()
    os.close(reader)
    with fleet.spawn(*command.split(), stdout=writer) as process:
        os.close(writer)
        _, err = process.communicate(timeout=60)
    assert (process.returncode, "rror" in err) == (-signal.SIGPIPE, False)


def test_messages_that_nobody_reads_stop_nothing(fleet: Fleet) -> None:
    """Progress into a closed pipe or a full disk: the imports are made, and reported."""
    reader, writer = os.pipe()
    os.close(reader)
    with fleet.spawn("apply", stderr=writer) as process:
        os.close(writer)
        out, _ = process.communicate(timeout=60)
    assert (process.returncode, "2 imported" in out) == (0, True)
    fleet.declare("c@1.0.0")
    with open("/dev/full", "w") as full, fleet.spawn("apply", stderr=full) as process:  # noqa: PTH123
        out, _ = process.communicate(timeout=60)
    assert (process.returncode, "1 imported" in out) == (0, True)


def test_a_stream_that_is_not_there_is_never_another_file(fleet: Fleet) -> None:
    """`>&-` is a result that cannot be written, `2>&-` is silence."""
    program = f"exec '{sys.executable}' -m reconciler apply"
    environment = fleet._variables({})

    def shell(redirection: str) -> tuple[int, str, str]:
        done = subprocess.run(
            ["sh", "-c", f"{program} {redirection}"],
            cwd=fleet.folder, env=environment, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout, done.stderr

    code, out, err = shell(">&-")
    assert (code, out, "error: standard output: Bad file descriptor" in err) == (3, "", True)
    code, out, err = shell("--refresh 2>&-")
    assert (code, "2 models in sync" in out, err) == (0, True, "")


@pytest.mark.parametrize("unbuffered", ["", "1"])  # as in the image
def test_a_full_standard_output_is_told(fleet: Fleet, unbuffered: str) -> None:
    """Exit code 3 and one line, no traceback."""
    with open("/dev/full", "w") as full:  # noqa: PTH123
        done = subprocess.run(
            [sys.executable, "-m", "reconciler", "plan"],
            cwd=fleet.folder, env=os.environ | {"PYTHONUNBUFFERED": unbuffered}, stdout=full,
            stderr=subprocess.PIPE, text=True, timeout=30, check=False,
        )  # fmt: skip
    assert (done.returncode, done.stderr) == (3, "error: standard output: No space left on device\n")


def test_a_current_directory_that_is_gone_is_told(tmp_path: Path) -> None:
    """Exit code 3, no traceback; an error that names no file is not taken for one of standard output."""
    gone = tmp_path / "gone"
    gone.mkdir()
    script = f"rmdir '{gone}'; exec '{sys.executable}' -m reconciler plan"
    done = subprocess.run(
        ["sh", "-c", script], cwd=gone, capture_output=True, text=True, timeout=30, check=False
    )
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == (
        "error: the current directory is gone or may not be entered, change to another one: "
        "No such file or directory\n"
    )


def test_the_program_is_also_a_module(tmp_path: Path) -> None:
    """`python -m reconciler` is the same program."""
    assert Program(tmp_path).process("--version").out == Program(tmp_path)("--version").out


def test_a_subfolder_of_the_repository_will_do(fleet: Fleet) -> None:
    """The configuration is found at its top."""
    assert Program(fleet.folder / "models.d").json("plan").verdicts == {
        "a@1.0.0": "import",
        "b@2.0.0": "import",
    }


def test_a_configuration_elsewhere_decides_where_paths_start(fleet: Fleet, tmp_path: Path) -> None:
    """`--config FILE`, or RECONCILER_CONFIG."""
    elsewhere = Program(tmp_path)
    elsewhere.configure("[source]\nrepo = 'fleet'\n" + EMBEDDED)
    other = Program(fleet.folder.parent / "fleet" / "models.d")
    file = str(tmp_path / "reconciler.toml")
    assert other.json("apply", "--config", file).json["summary"]["in-sync"] == 2
    assert other.json("plan", RECONCILER_CONFIG=file).json["summary"]["in-sync"] == 2
    assert (tmp_path / ".reconciler" / "state.db").is_file()
    assert not (fleet.folder / ".reconciler").exists()
