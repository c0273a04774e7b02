"""What happened, in plain git: notes in a fresh clone, and a lost state made anew from them."""

from __future__ import annotations

import asyncio
import json
import shlex
import shutil
from pathlib import Path

import pytest

from tests.daemon.ticking import ticking
from tests.git_repository import GitRepository
from tests.program import EMBEDDED, Fleet, manifest
from tests.state.conftest import new_postgres_url, postgres_socket

__all__ = ["new_postgres_url", "postgres_socket"]

REF = "refs/notes/reconciler"
NOTES = f'[audit]\nnotes = "{REF}"\n'


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    """One model is declared; notes are written into the repository itself."""
    made = Fleet(tmp_path / "fleet")
    (made.folder / ".git/info/exclude").write_text("/.reconciler/\n/reconciler.toml\n")
    made.configure(EMBEDDED + NOTES)
    made.declare("a@1.0.0")
    return made


def _remote(fleet: Fleet, tmp_path: Path) -> GitRepository:
    """A host that has the branch, and gets the notes."""
    remote = GitRepository(tmp_path / "host.git", bare=True)
    fleet.repository.git("push", "-q", str(remote.path), "main")
    fleet.configure(f'{EMBEDDED}{NOTES}push_url = "file://{remote.path}"\n')
    return remote


def _events(repository: GitRepository, commit: str) -> list[str]:
    lines = repository.git("notes", "--ref", REF, "show", commit).splitlines()
    return [json.loads(line)["event"] for line in lines]


def test_three_commands_lead_from_a_commit_to_its_model_and_back(fleet: Fleet, tmp_path: Path) -> None:
    """Those of docs/audit.md, in a fresh clone, with git alone."""
    remote = _remote(fleet, tmp_path)
    commit = fleet.repository.git("rev-parse", "HEAD")
    model_id = fleet.json("apply").items["a@1.0.0"]["model_id"]
    fleet.repository.git("clone", "-q", "--branch=main", str(remote.path), str(tmp_path / "clone"))
    fetch, log, grep = _commands(("models.d/mnist.yaml", "models.d/a-1.0.0.yaml"), ("MODEL_ID", model_id))
    clone = GitRepository(tmp_path / "clone")
    clone.git(*fetch)
    shown = clone.git(*log)
    assert f"commit {commit}" in shown
    assert "Notes (reconciler):" in shown
    assert f'"model_id":"{model_id}"' in shown
    assert '"event":"published"' in shown
    assert _events(clone, commit)[0] == "import-requested"
    assert clone.git(*grep) == f"{REF}:{commit[:2]}/{commit[2:]}"


def _commands(*replaced: tuple[str, str]) -> list[list[str]]:
    """What the document tells a reader to type after `git`."""
    text = (Path(__file__).parents[2] / "docs" / "audit.md").read_text("utf-8")
    block = text.partition("## Three commands")[2].partition("```sh\n")[2].partition("```")[0]
    for old, new in replaced:
        assert old in block
        block = block.replace(old, new)
    return [shlex.split(line, comments=True)[1:] for line in block.splitlines()]


def test_a_commit_that_caused_nothing_has_no_note(fleet: Fleet) -> None:
    """And one whose events were written gets no second note for them."""
    quiet = fleet.commit({"README": "a\n"})
    fleet("apply")
    tip = fleet.repository.git("rev-parse", REF)
    assert quiet not in fleet.repository.git("notes", "--ref", REF, "list")
    fleet("apply", "--refresh")
    assert fleet.repository.git("rev-parse", REF) == tip


@pytest.mark.parametrize("becomes", ["sqlite", "postgresql"])
def test_a_lost_state_is_rebuilt_from_the_notes(
    fleet: Fleet, tmp_path: Path, becomes: str, request: pytest.FixtureRequest
) -> None:
    """Its history is what it was; nothing is imported a second time, and no line is written twice.

    So a state moves from a file to a server, too.
    """
    remote = _remote(fleet, tmp_path)
    fleet("apply")
    fleet.declare("b@1.0.0")
    fleet("apply")
    before, tip = fleet.json("history").json, remote.git("rev-parse", REF)
    for lost in ("state.db", "state.db-wal", "state.db-shm", "index.db", "notes"):
        place = fleet.folder / ".reconciler" / lost
        shutil.rmtree(place) if place.is_dir() else place.unlink(missing_ok=True)
    if becomes == "postgresql":
        fleet.environment["RECONCILER_STATE__URL"] = request.getfixturevalue("new_postgres_url")()
    done = fleet("state", "rebuild", "--from-notes")
    assert (done.code, "events journalled from the notes" in done.out) == (0, True)
    assert fleet.json("history").json == before
    assert fleet("state", "check").code == 0
    done = fleet.json("apply")
    assert set(done.verdicts.values()) == {"in-sync"}
    assert fleet.json("history").json == before
    assert remote.git("rev-parse", REF) == tip
    again = fleet("state", "rebuild", "--from-notes")
    assert (again.code, "has a journal already" in again.err) == (2, True)


def test_a_state_is_rebuilt_from_the_notes_of_a_repository_that_was_never_read(
    fleet: Fleet, tmp_path: Path
) -> None:
    """The mirror was lost with the state; the HEAD of the host is a branch that nobody made."""
    remote = _remote(fleet, tmp_path)
    remote.git("symbolic-ref", "HEAD", "refs/heads/none")
    mirrored = (fleet.folder / "reconciler.toml").read_text()
    fleet.configure(f'[source]\nrepo = "file://{remote.path}"\nbranch = "main"\n{mirrored}')
    fleet("apply")
    before = fleet.json("history").json
    shutil.rmtree(fleet.folder / ".reconciler")
    done = fleet("state", "rebuild", "--from-notes")
    assert (done.code, fleet.json("history").json) == (0, before), done.err


def test_a_damaged_repository_of_notes_is_made_anew_from_the_journal_and_the_remote(
    fleet: Fleet, tmp_path: Path
) -> None:
    """What was never pushed comes from the journal; said once. A state that is rebuilt reads the new one."""
    remote = _remote(fleet, tmp_path)
    fleet("apply")
    first = fleet.repository.git("rev-parse", "HEAD")
    remote.path.rename(tmp_path / "away")
    fleet.declare("b@1.0.0")
    assert "git's notes were not written" in fleet("apply").err
    second = fleet.repository.git("rev-parse", "HEAD")
    (place,) = (fleet.folder / ".reconciler" / "notes").iterdir()
    (place / REF).write_text("")
    (tmp_path / "away").rename(remote.path)
    fleet.declare("c@1.0.0")
    done = fleet("apply")
    assert (done.code, f"the damaged one is {place}.damaged" in done.err) == (0, True)
    assert "made anew" not in fleet("apply", "--refresh").err
    for commit in (first, second, fleet.repository.git("rev-parse", "HEAD")):
        assert _events(remote, commit) == ["import-requested", "imported", "published"]
    before = fleet.json("history").json
    for lost in ("state.db", "state.db-wal", "state.db-shm"):
        (fleet.folder / ".reconciler" / lost).unlink(missing_ok=True)
    (place / "HEAD").unlink()
    done = fleet("state", "rebuild", "--from-notes")
    assert (done.code, "made anew" in done.err) == (0, True)
    assert fleet.json("history").json == before


def test_notes_that_somebody_deleted_or_set_back_are_completed(fleet: Fleet) -> None:
    """From the journal: also in the repository itself, and where nothing new is to be written."""
    fleet("apply")
    first = fleet.repository.git("rev-parse", "HEAD")
    old = fleet.repository.git("rev-parse", REF)
    fleet.declare("b@1.0.0")
    fleet("apply")
    for spoil in (("-d", REF), (REF, old)):
        fleet.repository.git("update-ref", *spoil)
        fleet("apply", "--refresh")
        for commit in (first, fleet.repository.git("rev-parse", "HEAD")):
            assert _events(fleet.repository, commit) == ["import-requested", "imported", "published"]


def test_an_author_with_control_characters_reaches_no_reader_as_such(fleet: Fleet) -> None:
    """In a history as text and as JSON, in `status`, and in the note: all characters show themselves."""
    author = "E\x1b[31mve\u202e\x9b <e\x07@example.org>"
    commit = fleet.repository.commit({"models.d/b.yaml": manifest("b@1.0.0")}, "Sub\x1b[1mject", author)
    fleet("apply")
    outputs = [fleet("history").out, fleet.json("history").out, fleet.json("status").out]
    outputs += [fleet("status", "--verbose").out, fleet.repository.git("notes", "--ref", REF, "show", commit)]
    for output in outputs:
        assert "E\ufffd[31mve" in output
        assert all(line.isprintable() for line in output.splitlines())


def test_notes_that_could_not_be_pushed_are_pushed_by_the_next_run(fleet: Fleet, tmp_path: Path) -> None:
    """The import is made all the same, and its exit code is that of the cycle."""
    remote = _remote(fleet, tmp_path)
    remote.path.rename(tmp_path / "away")
    done = fleet("apply")
    assert (done.code, "git's notes were not written" in done.err) == (0, True)
    (tmp_path / "away").rename(remote.path)
    assert fleet("apply").err == ""
    assert "published" in _events(remote, fleet.repository.git("rev-parse", "HEAD"))


def test_a_mirror_has_nobody_who_would_see_its_notes(fleet: Fleet) -> None:
    """So that it is said where to push them to before anything is done."""
    fleet.configure(f'[source]\nrepo = "file://{fleet.folder}"\n{EMBEDDED}{NOTES}')
    done = fleet("apply")
    assert (done.code, "audit.push_url is missing" in done.err) == (2, True)
    assert fleet("plan").code == 0
    fleet.configure(f'{EMBEDDED}{NOTES}push_url = "somewhere"\n')
    done = fleet("apply")
    assert (done.code, "audit.push_url: is not the URL of a repository" in done.err) == (2, True)


def test_without_notes_there_is_nothing_to_rebuild_from(fleet: Fleet) -> None:
    """It is a mistake of the configuration."""
    fleet.configure(EMBEDDED)
    done = fleet("state", "rebuild", "--from-notes")
    assert (done.code, "audit.notes is not configured" in done.err) == (2, True)


def test_the_notes_of_the_loop_cause_no_tick_with_work(fleet: Fleet) -> None:
    """The branch did not move."""

    async def work() -> None:
        async with ticking(fleet) as made:
            assert (await made.tick()).outcome == "success"
            while (await made.tick()).outcome != "noop":
                await made.ticker.follow()
            notes = made.world.source.notes_at(REF)
            notes.add({made.world.source.head(): ["line"]}, made.world.engine.clock.now())
            notes.close()
            assert (await made.tick()).outcome == "noop"

    asyncio.run(work())
