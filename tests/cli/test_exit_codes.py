from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from reconciler.errors import Exit
from tests.program import EMBEDDED, manifest, modelarts
from tests.relay import Answer, relayed

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.program import Fleet
    from tests.relay import Request

README = Path(__file__).parents[2] / "README.md"


def test_the_table_in_the_readme_is_the_table_in_the_code() -> None:
    """One row a code, with the same words."""
    rows = re.findall(r"^\| (\d) \| (.+?) \|$", README.read_text("utf-8"), re.MULTILINE)
    assert {int(code): meaning for code, meaning in rows} == {int(code): code.meaning for code in Exit}


def test_0_when_all_is_well(fleet: Fleet) -> None:
    """Everything declared is registered."""
    assert fleet("apply").code == Exit.OK
    assert fleet("plan", "--detailed-exitcode").code == Exit.OK
    assert fleet("status").code == Exit.OK


def test_0_when_imports_are_pending_and_nobody_asked_for_details(fleet: Fleet) -> None:
    """A plan that would do something is no failure."""
    assert fleet("plan").code == Exit.OK


def test_1_when_something_needs_a_human(fleet: Fleet) -> None:
    """An invalid manifest, whichever command sees it."""
    fleet.commit({"models.d/bad.yaml": "model_name: 7\n"})
    assert {fleet(command).code for command in ("validate", "plan", "apply", "status", "doctor")} == {
        Exit.ATTENTION
    }


def test_2_when_the_configuration_is_wrong(fleet: Fleet) -> None:
    """An unknown key, whichever command reads it."""
    fleet.configure("[sorce]\n")
    commands = ("validate", "plan", "apply", "run", "status", "history", "doctor")
    assert {fleet(command).code for command in commands} == {Exit.CONFIGURATION}
    assert fleet("retry", "a@1.0.0").code == Exit.CONFIGURATION


def test_2_when_the_variable_that_names_the_file_is_empty(fleet: Fleet) -> None:
    """As any other; where the file is given it is of no account."""
    for command in ("validate", "plan", "apply", "run", "status", "history", "doctor"):
        done = fleet(command, RECONCILER_CONFIG="")
        assert (done.code, "RECONCILER_CONFIG: is empty" in done.err) == (Exit.CONFIGURATION, True), done
    assert fleet("validate", "--config", "reconciler.toml", RECONCILER_CONFIG="").code == Exit.OK


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        *(([name, ""], "error: an argument is empty") for name in ("plan", "status", "history", "diff")),
        (["validate", ""], "error: an argument is empty"),
        (["adopt", " "], "error: an argument is empty"),
        (["retry", ""], "error: an argument is empty"),
        (["notify", "test", ""], "error: an argument is empty"),
        (["plan", "--target", ""], "error: the argument after --target is empty"),
        (["apply", "--config="], "error: --config: its value is empty"),
        (["init", "--edition", ""], "error: the argument after --edition is empty"),
        (["adopt", "--out="], "error: --out: its value is empty"),
        (["schema", "-o", ""], "error: the argument after -o is empty"),
        (["run", "--once", ""], "error: the argument after --once is empty"),
        (["plan", "--", ""], "error: an argument is empty"),
        (["validate", "--target=a", ""], "error: the argument after --target is empty"),
        (["registry", "serve", "--db", ""], "error: the argument after --db is empty"),
    ],
)
def test_2_when_an_argument_is_empty_whichever_command_it_is_given_to(
    fleet: Fleet, arguments: list[str], said: str
) -> None:
    """A variable that a script forgot to set never stands for everything, or for the current folder."""
    done = fleet(*arguments)
    assert (done.code, done.out, said in done.err) == (Exit.CONFIGURATION, "", True)


def test_3_when_git_cannot_be_used(fleet: Fleet) -> None:
    """A branch that does not exist, no repository at all, whichever command asks git."""
    fleet.configure("[source]\nbranch = 'nowhere'\n")
    assert {fleet(command).code for command in ("plan", "apply", "history", "doctor")} == {Exit.UNAVAILABLE}
    fleet.configure("[source]\nrepo = '..'\n")
    commands = ("plan", "apply", "history", "doctor", "run")
    assert {fleet(command).code for command in commands} == {Exit.UNAVAILABLE}


def test_3_when_the_state_cannot_be_used(fleet: Fleet) -> None:
    """A directory in place of the file, whichever command opens it."""
    fleet.configure("[state]\nurl = 'sqlite:///models.d'\n")
    commands = ("plan", "apply", "status", "history", "doctor", "run")
    assert {fleet(command).code for command in commands} == {Exit.UNAVAILABLE}


def test_3_when_the_registry_cannot_be_used(fleet: Fleet) -> None:
    """Nobody listens."""
    fleet.configure(modelarts("http://127.0.0.1:9"))
    assert fleet("plan").code == Exit.UNAVAILABLE


def test_4_when_a_guard_refuses(fleet: Fleet) -> None:
    """More imports than a cycle may make: shown by the plan, refused by apply."""
    fleet.configure(EMBEDDED + "[guards]\nmax_imports_per_cycle = 1\n")
    assert {fleet("plan").code, fleet("apply").code} == {Exit.REFUSED}


def test_5_when_imports_are_pending_and_somebody_asked_for_details(fleet: Fleet) -> None:
    """Only with --detailed-exitcode, and only when nothing is wrong."""
    assert fleet("plan", "--detailed-exitcode").code == Exit.PENDING
    fleet.commit({"models.d/bad.yaml": manifest("bad@01.0.0")})
    assert fleet("plan", "--detailed-exitcode").code == Exit.ATTENTION


def test_5_when_apply_leaves_a_model_to_another_attempt(fleet: Fleet) -> None:
    """A busy registry; what is wrong weighs more, and a look back is no attempt."""
    with relayed() as relay:
        fleet.configure(modelarts(relay.url))
        relay.meddle = _busy
        assert fleet("apply").code == Exit.PENDING
        assert fleet("retry", "a@1.0.0").code == Exit.PENDING
        assert (fleet("status").code, fleet("plan").code) == (Exit.OK, Exit.OK)
        assert fleet("plan", "--detailed-exitcode").code == Exit.PENDING
        fleet.commit({"models.d/bad.yaml": manifest("bad@01.0.0")})
        assert fleet("apply").code == Exit.ATTENTION


def test_1_when_nobody_knows_the_name_that_was_asked_for(fleet: Fleet) -> None:
    """One line that says so, and no report."""
    fleet("apply")
    for command in ("status", "plan"):
        for name in ("nobody", "a@9.9.9", "nobody@1.0.0"):
            done = fleet(command, name)
            assert (done.code, done.out, done.err.count("\n")) == (Exit.ATTENTION, "", 1)
            assert f"{name}: no such model" in done.err
        for name in ("a", "a@1.0.0"):
            assert fleet.json(command, name).verdicts == {"a@1.0.0": "in-sync"}
    assert fleet("status", "@1.0.0").code == Exit.CONFIGURATION


def test_one_model_is_shown_with_its_own_exit_code(fleet: Fleet) -> None:
    """What is wrong with others does not count; the digest is that of the whole plan."""
    fleet.commit({"models.d/bad.yaml": manifest("bad@01.0.0")})
    whole, one = fleet.json("plan"), fleet.json("plan", "a")
    assert (whole.code, one.code, fleet("plan", "bad").code) == (Exit.ATTENTION, Exit.OK, Exit.ATTENTION)
    assert (one.json["digest"], one.json["summary"]["invalid"]) == (whole.json["digest"], 0)


def _busy(request: Request, forward: Callable[[], Answer]) -> Answer:
    return Answer(429, b"{}", retry_after=600) if request.method == "POST" else forward()
