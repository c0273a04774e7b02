from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.errors import Exit
from tests.program import EMBEDDED, manifest, modelarts

if TYPE_CHECKING:
    from tests.program import Fleet

README = Path(__file__).parents[2] / "README.md"


def test_the_table_in_the_readme_is_the_table_in_the_code() -> None:
    """One row a code, with the same words."""
    rows = re.findall(r"^\| (\d) \| (.+?) \|$", README.read_text("utf-8"), re.MULTILINE)
    assert {int(code): meaning for code, meaning in rows} == {int(code): code.meaning for code in Exit}


def test_0_when_all_is_well(fleet: Fleet) -> None:
    """Everything declared is registered."""
    assert fleet("apply").code == Exit.WELL
    assert fleet("plan", "--detailed-exitcode").code == Exit.WELL
    assert fleet("status").code == Exit.WELL


def test_0_when_imports_are_pending_and_nobody_asked_for_details(fleet: Fleet) -> None:
    """A plan that would do something is no failure."""
    assert fleet("plan").code == Exit.WELL


def test_1_when_something_needs_a_human(fleet: Fleet) -> None:
    """An invalid manifest, whichever command sees it."""
    fleet.commit({"models.d/bad.yaml": "model_name: 7\n"})
    assert {fleet(command).code for command in ("validate", "plan", "apply", "status", "doctor")} == {
        Exit.HUMAN
    }


def test_2_when_the_configuration_is_wrong(fleet: Fleet) -> None:
    """An unknown key, whichever command reads it."""
    fleet.configure("[sorce]\n")
    commands = ("validate", "plan", "apply", "run", "status", "history", "doctor")
    assert {fleet(command).code for command in commands} == {Exit.CONFIGURATION}
    assert fleet("retry", "a@1.0.0").code == Exit.CONFIGURATION


def test_3_when_git_cannot_be_used(fleet: Fleet) -> None:
    """A branch that does not exist, no repository at all, whichever command asks git."""
    fleet.configure("[source]\nbranch = 'nowhere'\n")
    assert {fleet(command).code for command in ("plan", "apply", "history", "doctor")} == {Exit.UNUSABLE}
    fleet.configure("[source]\nrepo = '..'\n")
    commands = ("plan", "apply", "history", "doctor", "run")
    assert {fleet(command).code for command in commands} == {Exit.UNUSABLE}


def test_3_when_the_state_cannot_be_used(fleet: Fleet) -> None:
    """A directory in place of the file, whichever command opens it."""
    fleet.configure("[state]\nurl = 'sqlite:///models.d'\n")
    commands = ("plan", "apply", "status", "history", "doctor", "run")
    assert {fleet(command).code for command in commands} == {Exit.UNUSABLE}


def test_3_when_the_registry_cannot_be_used(fleet: Fleet) -> None:
    """Nobody listens."""
    fleet.configure(modelarts("http://127.0.0.1:9"))
    assert fleet("plan").code == Exit.UNUSABLE


def test_4_when_a_guard_refuses(fleet: Fleet) -> None:
    """More imports than a cycle may make: shown by the plan, refused by apply."""
    fleet.configure(EMBEDDED + "[guards]\nmax_imports_per_cycle = 1\n")
    assert {fleet("plan").code, fleet("apply").code} == {Exit.REFUSED}


def test_5_when_imports_are_pending_and_somebody_asked_for_details(fleet: Fleet) -> None:
    """Only with --detailed-exitcode, and only when nothing is wrong."""
    assert fleet("plan", "--detailed-exitcode").code == Exit.PENDING
    fleet.commit({"models.d/bad.yaml": manifest("bad@01.0.0")})
    assert fleet("plan", "--detailed-exitcode").code == Exit.HUMAN
