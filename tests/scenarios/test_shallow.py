"""A clone of depth 1, as CI jobs make it, with the state kept; and settings changed on purpose."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests.program import Program, modelarts

if TYPE_CHECKING:
    from pathlib import Path

    from tests.program import Done, Fleet
    from tests.relay import Relay

NOT_KNOWN = "history is cut off (shallow clone), so that nobody can tell whether the branch still contains"


@pytest.fixture
def job(fleet: Fleet, relay: Relay, tmp_path: Path) -> Job:
    """A job that clones `fleet` anew each time, and keeps its state."""
    return Job(fleet, relay, tmp_path / "job")


class Job:
    """Clones with depth 1 into the same place, and applies."""

    def __init__(self, fleet: Fleet, relay: Relay, folder: Path) -> None:
        folder.mkdir()
        self._fleet = fleet
        self._clone = folder / "clone"
        self._program = Program(folder)
        self._program.configure('[source]\nrepo = "clone"\n' + modelarts(relay.url))

    def clone(self) -> None:
        """Clones anew."""
        shutil.rmtree(self._clone, ignore_errors=True)
        url = f"file://{self._fleet.folder}"
        self._fleet.repository.git("clone", "--quiet", "--depth=1", url, str(self._clone))

    def apply(self, *arguments: str) -> Done:
        """One run of the job."""
        self.clone()
        return self._program.json("apply", *arguments)

    def ask(self, *arguments: str) -> Done:
        """What is asked of the last clone."""
        return self._program(*arguments)

    def note(self) -> str:
        """What a plan says now."""
        return self._program("plan").out


def test_each_new_commit_is_imported_from_a_clone_of_depth_1(job: Job, fleet: Fleet) -> None:
    """The newest commit names the one before it, although it is not there."""
    assert job.apply().code == 0
    for model in ("c@1.0.0", "d@1.0.0"):
        fleet.declare(model)
        job.clone()
        assert NOT_KNOWN not in job.note()
        done = job.apply()
        assert (done.code, done.verdicts[model]) == (0, "in-sync")


def test_what_cannot_be_known_is_said_and_does_not_stop_imports(job: Job, fleet: Fleet) -> None:
    """Two commits between two clones: nothing there leads from one to the other."""
    job.apply()
    fleet.declare("c@1.0.0")
    fleet.declare("d@1.0.0")
    job.clone()
    assert NOT_KNOWN in job.note()
    done = job.apply()
    assert (done.code, done.verdicts["d@1.0.0"]) == (0, "in-sync")


def test_whatever_tells_who_declared_a_model_says_that_history_is_cut_off(job: Job, fleet: Fleet) -> None:
    """Git credits all older changes to the oldest commit there is, which may be somebody else's."""
    fleet.declare("c@1.0.0")
    job.apply()
    for question in (["plan"], ["history", "c@1.0.0"], ["history"], ["status", "--at", "HEAD"]):
        done = job.ask(*question)
        assert (done.code, "shallow clone" in done.out + done.err) == (0, True), question
        assert "shallow clone" not in fleet(*question).err


@pytest.mark.parametrize("back", [1, 2])
def test_a_rewritten_branch_is_refused_from_a_clone_of_depth_1_too(job: Job, fleet: Fleet, back: int) -> None:
    """Its newest commit goes on from what is known to come before the commit that was lost."""
    job.apply()
    for model in ("c@1.0.0", "d@1.0.0"):
        fleet.declare(model)
        job.apply()
    fleet.repository.git("reset", "--quiet", "--hard", f"HEAD~{back}")
    fleet.declare("e@1.0.0")
    done = job.apply()
    assert (done.code, done.verdicts["e@1.0.0"]) == (4, "refused")
    assert job.apply("--confirm", done.json["digest"]).code in (0, 1)


def test_an_orphan_branch_is_refused_from_a_clone_of_depth_1_too(job: Job, fleet: Fleet) -> None:
    """It has no past at all."""
    job.apply()
    fleet.repository.git("checkout", "--quiet", "--orphan", "other")
    fleet.declare("c@1.0.0")
    fleet.repository.git("branch", "--force", "main")
    fleet.repository.git("checkout", "--quiet", "main")
    done = job.apply()
    assert (done.code, done.verdicts["c@1.0.0"]) == (4, "refused")


# --- settings changed on purpose ---------------------------------------------------------------------------


def test_another_branch_in_the_settings_is_told_once_and_reconciled(fleet: Fleet, relay: Relay) -> None:
    """It need not contain what the other branch had; a branch that is rewritten later is refused as ever."""
    fleet.repository.git("branch", "prod")
    fleet.declare("c@1.0.0")
    fleet.configure("[source]\nbranch = 'main'\n" + modelarts(relay.url))
    fleet("apply")
    fleet.repository.git("checkout", "--quiet", "prod")
    fleet.declare("d@1.0.0")
    fleet.configure("[source]\nbranch = 'prod'\n" + modelarts(relay.url))
    notice = "source.branch was changed from main to prod since the last reconciliation"
    assert notice in fleet("plan").out
    done = fleet("apply")
    assert (done.code, notice in done.out) == (0, True)
    done = fleet("apply")
    assert (done.code, notice in done.out) == (0, False)
    assert fleet.json("status").verdicts["d@1.0.0"] == "in-sync"
    fleet.repository.git("reset", "--quiet", "--hard", "HEAD~1")
    fleet.configure("[source]\nbranch = 'prod'\n" + modelarts(relay.url))
    fleet.declare("e@1.0.0")
    assert fleet.json("apply").verdicts["e@1.0.0"] == "refused"


def test_another_repository_in_the_settings_is_told_and_reconciled(
    fleet: Fleet, relay: Relay, tmp_path: Path
) -> None:
    """As after a move to another host, where history began anew."""
    fleet("apply")
    fleet.repository.git("checkout", "--quiet", "--orphan", "other")
    fleet.declare("c@1.0.0")
    fleet.repository.git("clone", "--quiet", "--bare", "--branch=other", ".", str(tmp_path / "new.git"))
    fleet.repository.git("checkout", "--quiet", "main")
    fleet.configure(f"[source]\nrepo = 'file://{tmp_path}/new.git'\n" + modelarts(relay.url))
    done = fleet("apply")
    assert done.code == 0
    assert f"source.repo was changed from . to file://{tmp_path}/new.git since" in done.out
    assert fleet.json("status").verdicts["c@1.0.0"] == "in-sync"
