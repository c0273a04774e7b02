"""The environment of git: variables of another git, hooks, grafts, configuration of the machine."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from reconciler.errors import SourceError
from reconciler.source.commands import Commands
from tests.git_repository import GitRepository, git_environment
from tests.program import Fleet, manifest
from tests.source.asking import attributed, changed_paths

if TYPE_CHECKING:
    from pathlib import Path

    from tests.source.conftest import Opener


@pytest.mark.parametrize("through", ["folder", "url"])
@pytest.mark.parametrize("how", ["info/grafts", "GIT_GRAFT_FILE", "replace", "GIT_REPLACE_REF_BASE"])
def test_history_is_what_the_commits_say(
    repository: GitRepository, opened: Opener, monkeypatch: pytest.MonkeyPatch, how: str, through: str
) -> None:
    """Grafts and replacements change neither who is credited nor which commits are contained."""
    first = repository.commit({"a": "1"}, "First")
    second = repository.commit({"a": "2"}, "Second")
    third = repository.commit({"b": "1"}, "Third")
    graft = f"{third}\n"  # without a parent
    if how == "info/grafts":
        (repository.path / ".git" / "info").mkdir(exist_ok=True)
        (repository.path / ".git" / "info" / "grafts").write_text(graft)
    elif how == "GIT_GRAFT_FILE":
        file = repository.path.parent / "grafts"
        file.write_text(graft)
        monkeypatch.setenv("GIT_GRAFT_FILE", str(file))
    else:
        repository.git("replace", "--graft", third)
        if how == "GIT_REPLACE_REF_BASE":
            monkeypatch.setenv("GIT_REPLACE_REF_BASE", "refs/replace/")
    source = opened("repo" if through == "folder" else repository.path.as_uri())
    assert source.head() == third
    assert source.contains(third, first)
    assert attributed(source, third, ["a"])["a"].commit == second
    with source.graph(third, [""], whole=True) as graph:
        assert [logged.commit for logged in graph if logged.deltas] == [third, second, first]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GIT_CONFIG_PARAMETERS", "'core.hooksPath'='/nowhere' 'core.bare'='true' 'log.follow'='true'"),
        ("GIT_CONFIG", "/nowhere"),
        ("GIT_SHALLOW_FILE", "/dev/null/none"),
        ("GIT_COMMON_DIR", "/nowhere"),
        ("GIT_DEFAULT_HASH", "sha256"),
        ("GIT_ATTR_SOURCE", "HEAD"),
        ("GIT_REF_PARANOIA", "1"),
        ("GIT_REFERENCE_BACKEND", "reftable"),
        ("GIT_IMPLICIT_WORK_TREE", "0"),
        ("GIT_EXTERNAL_DIFF", "/bin/false"),
        ("GIT_ALTERNATE_OBJECT_DIRECTORIES", "/nowhere"),
        ("GIT_QUARANTINE_PATH", "/nowhere"),
        ("GIT_A_NAME_OF_TOMORROW", "x"),
    ],
)
def test_no_variable_of_another_git_reaches_this_one(
    repository: GitRepository, opened: Opener, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    """Whatever it is called: only how to reach a remote, and where configuration lies, is passed on."""
    commit = repository.commit({"m/a": "1"})
    repository.write({"m/a": "2"})
    monkeypatch.setenv(name, value)
    seen = repository.path.parent / "seen"
    real = subprocess.run(["which", "git"], check=True, capture_output=True, text=True).stdout.strip()
    program = repository.path.parent / "bin" / "git"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nenv >> {seen}\nexec {real} "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    for repo in ("repo", repository.path.as_uri()):
        source = opened(repo)
        assert source.head() == source.resolve("HEAD") == commit
        assert [file.path for file in source.snapshot(commit, "m").files] == ["m/a"]
        assert attributed(source, commit, ["m/a"])["m/a"].commit == commit
        seen.write_text("")
        changed_paths(source, commit, "m")
        assert f"\n{name}=" not in seen.read_text()
    assert "1 uncommitted change is" in opened("repo").notes()[0]


def test_a_hook_sees_the_objects_that_a_push_brings(tmp_path: Path) -> None:
    """`validate --commit` in a pre-receive hook: they lie in quarantine until it agrees."""
    bare = GitRepository(tmp_path / "bare.git", bare=True)
    (bare.path / "reconciler.toml").write_text(f'[source]\nrepo = "{bare.path}"\nbranch = "main"\n')
    hook = bare.path / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    command = f"{sys.executable} -m reconciler validate --config {bare.path}/reconciler.toml"
    hook.write_text(f"#!/bin/sh\nwhile read old new ref; do\n  {command} --commit $new || exit 1\ndone\n")
    hook.chmod(0o755)
    fleet = Fleet(tmp_path / "fleet")
    fleet.declare("a@1.0.0")
    assert _pushed(fleet, bare).returncode == 0
    good = bare.git("rev-parse", "main")
    fleet.commit({"models.d/b.yaml": manifest("b@01.0")})
    refused = _pushed(fleet, bare)
    assert refused.returncode == 1
    assert "models.d/b.yaml:2:16: model_version" in refused.stderr
    assert bare.git("rev-parse", "main") == good


def _pushed(fleet: Fleet, bare: GitRepository) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["git", "push", "--quiet", str(bare.path), "main"],
        cwd=fleet.folder,
        env=git_environment(),
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_quarantine_of_another_repository_is_none_of_this_one(
    repository: GitRepository, tmp_path: Path, opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hook elsewhere may run the program, too."""
    other = GitRepository(tmp_path / "other")
    lost = other.commit({"x": "only there"})
    repository.commit({"a": "1"})
    monkeypatch.setenv("GIT_QUARANTINE_PATH", str(other.path / ".git" / "objects"))
    monkeypatch.setenv("GIT_OBJECT_DIRECTORY", str(other.path / ".git" / "objects"))
    with pytest.raises(SourceError, match="no commit is called"):
        opened("repo").resolve(lost)


def test_the_configuration_of_the_machine_counts_as_the_users_does(
    repository: GitRepository, opened: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An administrator allows a folder, or names an authority, for everybody."""
    commit = repository.commit({"a": "1"})
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    with pytest.raises(SourceError, match="belongs to another user"):
        opened("repo").snapshot(commit, "")
    system = tmp_path / "gitconfig"
    system.write_text(f"[safe]\n\tdirectory = {repository.path}\n")
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", str(system))
    monkeypatch.delenv("GIT_CONFIG_NOSYSTEM")
    assert opened("repo").snapshot(commit, "").exists


def test_an_included_configuration_is_git_configuration_like_any_other(
    repository: GitRepository, opened: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`includeIf`: what the user wrote for this folder counts, and starts nothing."""
    commit = repository.commit({"a": "1"})
    trap = tmp_path / "trap"
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path}/sprung\n")
    trap.chmod(0o755)
    (tmp_path / "more").write_text(f"[core]\n\tfsmonitor = {trap}\n\texcludesFile = {tmp_path}/ignore\n")
    (tmp_path / "ignore").write_text("*.log\n")
    (tmp_path / "gitconfig").write_text(f'[includeIf "gitdir:{tmp_path}/"]\n\tpath = {tmp_path}/more\n')
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    repository.write({"x.log": "ignored by the included file"})
    source = opened("repo")
    assert source.head() == commit
    assert source.notes() == []
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("lines", ["[core]\n\tbare = perhaps\n", "[log\n", "[core]\n\tcompression = much\n"])
def test_configuration_that_git_refuses_is_called_that(
    repository: GitRepository, opened: Opener, lines: str
) -> None:
    """Objects are not damaged by it."""
    commit = repository.commit({"a": "1"})
    with (repository.path / ".git" / "config").open("a", encoding="utf-8") as file:
        file.write(lines)
    with pytest.raises(SourceError, match=r"configuration there has a value or a line.*bad (?:\w+ )?config"):
        opened("repo").snapshot(commit, "")


def test_objects_that_are_borrowed_from_another_repository_are_read(
    repository: GitRepository, opened: Opener, tmp_path: Path
) -> None:
    """`git clone --shared`, by folder and by URL."""
    repository.commit({"m/a": "1"})
    repository.git("clone", "--quiet", "--shared", ".", str(tmp_path / "borrower"))
    commit = GitRepository(tmp_path / "borrower").commit({"m/b": "2"})
    for repo in ("borrower", (tmp_path / "borrower").as_uri()):
        source = opened(repo)
        assert source.head() == commit
        files = source.snapshot(commit, "m").files
        assert [content for _, content in source.read(file.blob for file in files)] == [b"1", b"2"]


def test_a_repository_with_a_reftable_is_read_and_asked_only_when_a_ref_moved(
    tmp_path: Path, opened: Opener
) -> None:
    """Needs git 2.45."""
    done = subprocess.run(
        ["git", "init", "--quiet", "--ref-format=reftable", "-b", "main", str(tmp_path / "table")],
        env=git_environment(),
        capture_output=True,
        check=False,
    )
    if done.returncode:
        pytest.skip("this git has no reftable")
    repository = GitRepository(tmp_path / "table")
    commit = repository.commit({"a": "1"})
    source = opened("table")
    before = Commands.started
    assert source.head() == source.head() == commit
    assert Commands.started == before + 1
    second = repository.commit({"a": "2"})
    assert source.head() == second
