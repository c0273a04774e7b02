"""The two programs on one stage: what is compared does the same work, and is counted from outside."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from bench.measure import CommandFailedError, commits_counted, git_counted, lines, run
from bench.stage import Stage, stage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all, so that modules are compiled once."""
    return tmp_path_factory.mktemp("bench")


@pytest.fixture(scope="module")
def empty(folder: Path) -> Iterator[Stage]:
    """Thirteen manifests, and a registry without a model."""
    with stage(folder / "run" / "empty", 12, full=False, commits=2) as made:
        yield made


def test_the_naive_script_imports_what_is_new_once(empty: Stage) -> None:
    """It is a fair rival only if it works; a second tick imports nothing."""
    empty.run_naive()
    assert empty.registry.seen()["import"] == 13
    empty.run_naive()
    empty.declare_one()
    empty.run_naive()
    assert empty.registry.seen()["import"] == 14
    assert len(json.loads((empty.folder / "naive.json").read_text("utf-8"))) == 14


def test_the_program_takes_a_preloaded_model_for_equal(folder: Path) -> None:
    """What is filled in is what an import would have left: nothing is imported, nothing has drifted."""
    with stage(folder / "run" / "full", 12, full=True, commits=2) as full:
        assert full.run_ours("apply", "--no-wait", "--quiet").code == 0
        seen = full.registry.seen()
        assert seen["import"] == 0
        with (
            git_counted(full.folder, full.variables) as (environment, log),
            commits_counted(full.state) as commits,
        ):
            full.declare_one()
            assert full.run_ours("apply", "--no-wait", "--quiet", variables=environment).code == 0
            assert lines(log) > 0
            assert commits.taken() > 0
        assert full.registry.seen()["import"] == 1


def test_a_command_that_fails_is_told_and_not_measured(empty: Stage) -> None:
    """A quick failure would look like a quick program."""
    with pytest.raises(CommandFailedError, match=r"exit code 2\n(.*\n)*.*--no-such-option"):
        run(empty.ours("apply", "--no-such-option"), cwd=empty.folder, environment=empty.variables)


def test_peak_memory_is_that_of_the_command_and_not_of_who_started_it(empty: Stage) -> None:
    """This process is many times larger than `true`."""
    ballast = bytearray(100 * 1024 * 1024)
    measured = run(["true"], cwd=empty.folder, environment=empty.variables)
    assert ballast is not None
    assert measured.peak < 50
