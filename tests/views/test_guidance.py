from __future__ import annotations

import shlex

import pytest
import typer

from reconciler.cli.commands import app
from reconciler.engine.values import Verdict
from reconciler.manifest.values import Reason
from reconciler.views.guidance import Setting, guidance
from tests.views.samples import DIGEST, item


@pytest.mark.parametrize("verdict", Verdict)
def test_every_verdict_says_what_to_do_in_commands_that_exist(verdict: Verdict) -> None:
    """They can be copied: the program has them, and names are quoted."""
    advice = guidance(item(verdict, "a b'c"), Setting(several_targets=True))
    assert advice.what.endswith(".")
    command_names = set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
    for command in advice.commands:
        program, *words = shlex.split(command)
        assert program in ("reconciler", "git")
        assert program == "git" or words[0] in command_names
        if "@" in command:
            assert "a b'c@1.0.0" in words


def test_a_refused_import_is_confirmed_by_its_whole_digest() -> None:
    """The list shows it cut."""
    refused = item(Verdict.REFUSED, reasons=(Reason("max-imports-per-cycle", f"`apply --confirm {DIGEST}`"),))
    assert f"reconciler apply --confirm {DIGEST}" in guidance(refused, Setting()).commands


def test_a_reason_may_ask_for_something_else_than_its_verdict() -> None:
    """A pair that is taken elsewhere is not released before somebody looked there."""
    taken = item(Verdict.FAILED, reasons=(Reason("exists-elsewhere", "taken"),))
    assert "Look where the reason says" in guidance(taken, Setting()).what
    failed = item(Verdict.FAILED, reasons=(Reason("import-failed", "its events name the cause"),))
    assert "the cause where the reason says" in guidance(failed, Setting()).what
    drifted = guidance(item(Verdict.DRIFTED), Setting(next_free="1.0.1"))
    assert "set model_version to 1.0.1" in drifted.what
