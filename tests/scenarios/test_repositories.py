from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.git_repository import GitRepository
from tests.program import Program, manifest, modelarts

if TYPE_CHECKING:
    from pathlib import Path

    from tests.program import Fleet
    from tests.relay import Relay


def _beside(tmp_path: Path, relay: Relay, repo: str, more: str = "") -> Program:
    """The program in a folder that is no repository, configured for one elsewhere."""
    folder = tmp_path / "beside"
    folder.mkdir(exist_ok=True)
    program = Program(folder)
    program.configure(f"[source]\nrepo = '{repo}'\n{more}" + modelarts(relay.url))
    return program


def test_a_folder_that_is_no_repository_is_told(tmp_path: Path) -> None:
    """Exit code 3, and what to do; nothing is made there."""
    for command in ("plan", "apply", "history", "run"):
        done = Program(tmp_path)(command)
        assert (done.code, done.out) == (3, "")
        assert "not a git repository" in done.err
        assert "source.repo" in done.err
    assert list(tmp_path.iterdir()) == []


def test_a_configuration_elsewhere_is_told_with_the_folder_it_means(tmp_path: Path, relay: Relay) -> None:
    """`.` is the folder of the file: which that is, and whether the setting was written at all."""
    elsewhere = tmp_path / "conf"
    elsewhere.mkdir()
    file = Program(elsewhere)
    file.configure(modelarts(relay.url))
    done = Program(tmp_path)("plan", "--config", "conf/reconciler.toml")
    assert f"{elsewhere} (source.repo is '.' by default, in {elsewhere}): not a git repository" in done.err
    file.configure("[source]\nrepo = '.'\n" + modelarts(relay.url))
    done = Program(tmp_path)("plan", "--config", "conf/reconciler.toml")
    message = f"source.repo is '.' in {elsewhere}/reconciler.toml, from {elsewhere}"
    assert (done.code, message in done.err) == (3, True)
    done = Program(tmp_path)("plan", "--config", "conf/reconciler.toml", RECONCILER_SOURCE__REPO="../x")
    assert "source.repo is '../x' in RECONCILER_SOURCE__REPO" in done.err


def test_a_folder_that_does_not_exist_is_told(tmp_path: Path, relay: Relay) -> None:
    """Exit code 3."""
    done = _beside(tmp_path, relay, "../nowhere")("plan")
    assert (done.code, "no such folder" in done.err) == (3, True)


def test_a_bare_repository_will_do(fleet: Fleet, relay: Relay, tmp_path: Path) -> None:
    """There is no work tree to look at."""
    fleet.repository.git("clone", "--quiet", "--bare", ".", str(tmp_path / "bare.git"))
    program = _beside(tmp_path, relay, "../bare.git")
    assert program.json("apply").json["summary"]["in-sync"] == 2
    assert len(program.json("history").json) == 2


def test_a_repository_without_a_commit_is_told(tmp_path: Path, relay: Relay) -> None:
    """Exit code 3."""
    GitRepository(tmp_path / "empty")
    for repo in ("../empty", f"file://{tmp_path}/empty"):
        done = _beside(tmp_path, relay, repo)("apply")
        assert (done.code, done.out) == (3, "")
        assert "commit" in done.err
    assert relay.posts == 0


def test_a_branch_that_is_not_there_is_told_with_those_that_are(fleet: Fleet, relay: Relay) -> None:
    """Exit code 3; the branch is followed once it is there."""
    fleet.configure("[source]\nbranch = 'release'\n" + modelarts(relay.url))
    done = fleet("apply")
    assert (done.code, "there are: main" in done.err) == (3, True)
    fleet.repository.git("branch", "release")
    assert fleet("apply").code == 0


def test_another_branch_than_the_one_checked_out_is_reconciled(fleet: Fleet, relay: Relay) -> None:
    """And that is worth a note."""
    fleet.repository.git("checkout", "--quiet", "-b", "work")
    fleet.declare("c@1.0.0")
    fleet.configure("[source]\nbranch = 'main'\n" + modelarts(relay.url))
    done = fleet("apply")
    assert (done.code, relay.posts) == (0, 2)
    assert "work tree has work checked out" in done.out


def test_a_commit_that_lost_the_directory_is_told(fleet: Fleet, relay: Relay) -> None:
    """Refused, and the knob is named: an empty wish is rarely a wish to have nothing."""
    fleet("apply")
    fleet.repository.git("rm", "-rq", "models.d")
    fleet.commit({"README": "x"})
    done = fleet.json("apply")
    assert (done.code, set(done.verdicts.values())) == (4, {"refused"})
    assert "guards.allow_empty" in done.items["a@1.0.0"]["reasons"][0]["message"]
    assert len(relay.models()) == 2


def test_a_commit_that_never_had_the_directory_is_told(fleet: Fleet, relay: Relay) -> None:
    """Exit code 3, with the key that names it."""
    fleet.configure(modelarts(relay.url, path="models.new"))
    done = fleet("apply")
    assert (done.code, done.out) == (3, "")
    assert "has no directory models.new" in done.err
    assert "targets.prod.path" in done.err


def test_a_url_is_mirrored_and_followed(fleet: Fleet, relay: Relay, tmp_path: Path) -> None:
    """Bare, below the state directory; new commits and rewritten branches are seen."""
    program = _beside(tmp_path, relay, f"file://{fleet.folder}")
    assert program.json("apply").json["summary"]["in-sync"] == 2
    fleet.declare("c@1.0.0")
    assert program.json("apply").json["summary"]["in-sync"] == 3
    assert len(program.json("history", "c").json) == 1
    (mirror,) = (program.folder / ".reconciler/mirrors").iterdir()
    assert not list(mirror.rglob("*.yaml"))


def test_a_url_that_cannot_be_reached_is_told(tmp_path: Path, relay: Relay) -> None:
    """Exit code 3."""
    done = _beside(tmp_path, relay, f"file://{tmp_path}/nowhere.git")("apply")
    assert (done.code, done.out) == (3, "")
    assert "nowhere.git" in done.err


def test_a_plan_of_a_url_changes_nothing_that_matters(fleet: Fleet, relay: Relay, tmp_path: Path) -> None:
    """No state is made."""
    program = _beside(tmp_path, relay, f"file://{fleet.folder}")
    assert program("plan").code == 0
    assert not (program.folder / ".reconciler/state.db").exists()


def test_a_rewritten_branch_is_reconciled_as_it_is_now(fleet: Fleet, relay: Relay) -> None:
    """What is registered stays registered; imports from rewritten history ask for consent first."""
    fleet("apply")
    fleet.repository.git("checkout", "--quiet", "--orphan", "other")
    fleet.declare("c@1.0.0")
    fleet.repository.git("branch", "--force", "main")
    fleet.repository.git("checkout", "--quiet", "main")
    refused = fleet.json("apply")
    assert (refused.code, refused.verdicts["c@1.0.0"]) == (4, "refused")
    assert fleet.json("apply", "--confirm", refused.json["digest"]).code == 0
    assert (relay.posts, len(relay.models())) == (3, 3)
    assert fleet("apply").code == 0


def test_a_shallow_clone_is_reconciled_with_a_note(fleet: Fleet, relay: Relay, tmp_path: Path) -> None:
    """History ends where it was cut off."""
    fleet.declare("c@1.0.0")
    fleet.repository.git("clone", "--quiet", "--depth=1", f"file://{fleet.folder}", str(tmp_path / "shallow"))
    done = _beside(tmp_path, relay, "../shallow")("apply")
    assert (done.code, "shallow clone" in done.out) == (0, True)
    assert relay.posts == 3


@pytest.mark.parametrize("damage", ["HEAD", "objects"])
def test_a_damaged_repository_is_told(fleet: Fleet, relay: Relay, damage: str) -> None:
    """Exit code 3."""
    if damage == "HEAD":
        (fleet.folder / ".git/HEAD").write_bytes(b"\xff\x00")
    else:
        for file in (fleet.folder / ".git/objects").glob("??/*"):
            file.unlink()
    done = fleet("apply")
    assert (done.code, done.out, relay.posts) == (3, "", 0)


@pytest.mark.parametrize("setting", ["diff.algorithm=none", "core.quotePath=x", "core.looseCompression=77"])
def test_a_setting_that_git_refuses_is_not_called_damage(fleet: Fleet, relay: Relay, setting: str) -> None:
    """Git's words name it, and the advice is about git's configuration."""
    assert fleet("apply").code == 0
    before = relay.posts
    fleet.declare("later@1.0.0")
    fleet.repository.git("config", *setting.split("="))
    done = fleet("apply")
    assert (done.code, relay.posts) == (3, before)
    assert "correct it (git: bad " in done.err


def test_a_linked_work_tree_will_do(fleet: Fleet, relay: Relay, tmp_path: Path) -> None:
    """Its own HEAD counts."""
    fleet.repository.git("worktree", "add", "--quiet", "-b", "linked", str(tmp_path / "linked"))
    linked = Program(tmp_path / "linked")
    linked.configure(modelarts(relay.url))
    assert linked.json("apply").json["summary"]["in-sync"] == 2


def test_a_newcomer_needs_no_configuration(tmp_path: Path) -> None:
    """A repository with models.d: an embedded registry and a state, unseen by git."""
    repository = GitRepository(tmp_path / "new")
    repository.commit({"models.d/a.yaml": manifest("a@1.0.0")})
    program = Program(repository.path)
    assert program.json("apply", RECONCILER_FOLLOW__FIRST="50ms").json["summary"]["in-sync"] == 1
    assert sorted(path.name for path in (repository.path / ".reconciler").glob("*.db")) == [
        "index.db",
        "registry-local.db",
        "state.db",
    ]
    assert repository.git("status", "--porcelain") == ""
    assert program.json("plan").verdicts == {"a@1.0.0": "in-sync"}


def test_programs_that_a_repository_names_are_never_started(fleet: Fleet, relay: Relay) -> None:
    """Hooks, filters and file-system monitors are the repository's, and not ours to run."""
    trap = fleet.folder.parent / "trap"
    trap.write_text(f"#!/bin/sh\ntouch {fleet.folder.parent}/sprung\ncat\n")
    trap.chmod(0o755)
    fleet.commit({".gitattributes": "*.yaml filter=trap diff=trap\n"})
    for key in (
        "filter.trap.clean",
        "filter.trap.smudge",
        "core.fsmonitor",
        "diff.trap.textconv",
        "core.pager",
    ):
        fleet.repository.git("config", key, str(trap))
    (fleet.folder / "models.d/a-1.0.0.yaml").write_text("changed: 1\n")
    for command in ("plan", "apply", "history", "doctor"):
        fleet(command)
    assert not (fleet.folder.parent / "sprung").exists()
    assert relay.posts == 2
