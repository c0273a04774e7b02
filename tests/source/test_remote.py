"""Repositories behind URLs: asked first, fetched when new, mirrored whole or not at all."""

from __future__ import annotations

import functools
import http.server
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

from reconciler.errors import SourceError
from reconciler.source.commands import Commands
from tests.git_repository import GitRepository
from tests.source.asking import attributed, changed_paths

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.source.conftest import Opener


def _mirror(cache: Path) -> Path:
    (mirror,) = cache.glob("[!.]*.git")
    return mirror


def test_a_remote_is_asked_first_and_fetched_only_when_it_moved(
    repository: GitRepository, opened: Opener
) -> None:
    """One `ls-remote` a look; a fetch for a new commit only."""
    first = repository.commit({"m/a": "1"})
    begun = Commands.started
    source = opened(repository.path.as_uri())
    assert Commands.started == begun
    assert source.head() == first
    before = Commands.started
    assert source.head() == first
    assert Commands.started == before + 1
    second = repository.commit({"m/a": "2"})
    assert source.head() == second
    assert Commands.started == before + 3
    (file,) = source.snapshot(second, "m").files
    assert list(source.read([file.blob])) == [(file.blob, b"2")]
    assert source.resolve("HEAD~1") == first
    assert source.watch_paths() == ()


def test_a_mirror_is_used_again_by_the_next_process(repository: GitRepository, opened: Opener) -> None:
    """It knows the last good commit before anybody is asked."""
    commit = repository.commit({"m/a": "1"})
    url = repository.path.as_uri()
    assert opened(url).last_head() is None
    opened(url).head()
    again = opened(url)
    before = Commands.started
    assert again.last_head() == commit
    assert again.snapshot(commit, "m").exists
    assert again.head() == commit
    assert Commands.started == before + 2


def test_only_the_wanted_branch_is_fetched(repository: GitRepository, cache: Path, opened: Opener) -> None:
    """No other branch, no tag; and each branch has a mirror of its own."""
    repository.commit({"a": "1"})
    repository.git("tag", "v1")
    repository.git("checkout", "--quiet", "-b", "team/x")
    side = repository.commit({"a": "2"})
    repository.git("checkout", "--quiet", "main")
    source = opened(repository.path.as_uri(), branch="team/x")
    assert source.head() == side
    assert (
        GitRepository(_mirror(cache), bare=True).git("for-each-ref", "--format=%(refname)")
        == "refs/heads/team/x"
    )
    assert source.resolve("team/x") == source.resolve("HEAD") == side
    assert opened(repository.path.as_uri()).head() != side


def test_a_force_push_is_followed_and_the_old_commit_stays_readable(
    repository: GitRepository, opened: Opener
) -> None:
    """Backwards or sideways."""
    first = repository.commit({"a": "1"})
    second = repository.commit({"a": "2"})
    source = opened(repository.path.as_uri())
    assert source.head() == second
    repository.git("reset", "--quiet", "--hard", first)
    third = repository.commit({"a": "3"})
    assert source.head() == third
    repository.git("reset", "--quiet", "--hard", first)
    assert source.head() == first
    assert source.snapshot(second, "").exists


def test_a_remote_head_that_moves_to_another_branch_is_followed(
    repository: GitRepository, opened: Opener
) -> None:
    """Without a branch in the configuration, the remote's HEAD counts; detached too."""
    repository.commit({"a": "1"})
    source = opened(repository.path.as_uri())
    source.head()
    repository.git("checkout", "--quiet", "-b", "trunk")
    second = repository.commit({"a": "2"})
    assert source.head() == second
    repository.git("checkout", "--quiet", "--detach", "HEAD~1")
    assert source.head() == source.resolve(f"{second}~1")


def test_a_deleted_branch_is_an_error_that_leaves_the_last_good_commit(
    repository: GitRepository, opened: Opener
) -> None:
    """The branches there are now are named."""
    repository.commit({"a": "1"})
    repository.git("branch", "release")
    source = opened(repository.path.as_uri(), branch="release")
    commit = source.head()
    repository.git("branch", "--delete", "--force", "release")
    with pytest.raises(SourceError, match=r"no branch 'release'.*there are: main"):
        source.head()
    assert source.last_head() == commit
    assert source.snapshot(commit, "").exists


def test_a_remote_without_a_commit_says_so(repository: GitRepository, opened: Opener) -> None:
    """And works as soon as there is one."""
    source = opened(repository.path.as_uri())
    with pytest.raises(SourceError, match="no commit yet"):
        source.head()
    commit = repository.commit({"a": "1"})
    assert source.head() == commit


def test_a_remote_that_went_away_keeps_the_last_good_commit(
    repository: GitRepository, tmp_path: Path, opened: Opener
) -> None:
    """And is followed again when it is back."""
    commit = repository.commit({"a": "1"})
    source = opened(repository.path.as_uri())
    source.head()
    repository.path.rename(tmp_path / "away")
    with pytest.raises(SourceError, match=r"no git repository; check source\.repo"):
        source.head()
    assert source.last_head() == commit
    assert source.snapshot(commit, "").exists
    (tmp_path / "away").rename(repository.path)
    assert source.head() == commit


def test_an_unreachable_server_is_said_to_be_unreachable_without_the_password(
    opened: Opener, cache: Path
) -> None:
    """The URL is shown without credentials; no trace of them is left in the cache."""
    source = opened("https://user:s3cret@127.0.0.1:9/models.git")
    with pytest.raises(SourceError) as caught:
        source.head()
    assert "https://127.0.0.1:9/models.git: it cannot be reached" in str(caught.value)
    assert "s3cret" not in str(caught.value)
    assert not [file for file in cache.rglob("*") if file.is_file() and b"s3cret" in file.read_bytes()]


def test_a_sha256_remote_gets_a_sha256_mirror(tmp_path: Path, opened: Opener) -> None:
    """The mirror is made for the ids that the remote advertises."""
    remote = GitRepository(tmp_path / "modern", object_format="sha256")
    commit = remote.commit({"a": "1"})
    source = opened(remote.path.as_uri())
    assert source.head() == commit
    assert len(attributed(source, commit, ["a"])["a"].commit) == 64


def test_a_shallow_remote_is_mirrored_as_far_as_it_goes(
    repository: GitRepository, tmp_path: Path, opened: Opener
) -> None:
    """With a note."""
    repository.commit({"a": "1"})
    head = repository.commit({"a": "2"})
    repository.git(
        "clone", "--quiet", "--bare", "--depth=1", repository.path.as_uri(), str(tmp_path / "s.git")
    )
    source = opened((tmp_path / "s.git").as_uri())
    assert source.head() == head
    assert len(changed_paths(source, head, "")) == 1
    assert "shallow" in source.notes()[0]


# --- the mirror's own life ---------------------------------------------------------------------------------


def test_a_mirror_is_never_seen_half_made(repository: GitRepository, cache: Path, opened: Opener) -> None:
    """A first fetch that fails leaves nothing behind."""
    commit = repository.commit({"a": "1" * 1000})
    blob = repository.git("rev-parse", f"{commit}:a")
    lost = repository.path / ".git" / "objects" / blob[:2] / blob[2:]
    content = lost.read_bytes()
    lost.unlink()
    source = opened(repository.path.as_uri())
    with pytest.raises(SourceError):
        source.head()
    assert list(cache.iterdir()) == []
    lost.write_bytes(content)
    assert source.head() == commit


def test_what_a_killed_process_left_is_thrown_away(
    repository: GitRepository, cache: Path, opened: Opener
) -> None:
    """Old leftovers of this mirror go; those of a process that may still be at work stay."""
    repository.commit({"a": "1"})
    opened(repository.path.as_uri()).head()
    name = _mirror(cache).name
    shutil.rmtree(_mirror(cache))
    old, young = cache / f".{name}-old", cache / f".{name}-young"
    for leftover in (old, young):
        (leftover / "objects").mkdir(parents=True)
    os.utime(old, (time.time() - 7200,) * 2)
    opened(repository.path.as_uri()).head()
    assert not old.exists()
    assert young.exists()


@pytest.mark.parametrize("damage", ["empty", "no HEAD", "garbage ref", "file"])
def test_a_damaged_mirror_is_made_anew(
    repository: GitRepository, cache: Path, opened: Opener, damage: str
) -> None:
    """It is only a cache."""
    commit = repository.commit({"a": "1"})
    url = repository.path.as_uri()
    opened(url, branch="main").head()
    mirror = _mirror(cache)
    if damage in ("empty", "file"):
        shutil.rmtree(mirror)
        mirror.mkdir() if damage == "empty" else mirror.write_text("")
    elif damage == "no HEAD":
        (mirror / "HEAD").unlink()
    else:
        (mirror / "refs" / "heads" / "main").write_text("garbage")
    source = opened(url, branch="main")
    assert source.last_head() is None
    assert source.head() == commit
    assert source.snapshot(commit, "").exists
    assert [entry.name for entry in cache.iterdir()] == [mirror.name]


def test_a_mirror_that_lost_objects_heals_with_the_next_commit(
    repository: GitRepository, cache: Path, opened: Opener
) -> None:
    """A fetch into it fails, so it is replaced by a complete one."""
    repository.commit({"a": "1"})
    source = opened(repository.path.as_uri())
    source.head()
    shutil.rmtree(_mirror(cache) / "objects")
    (_mirror(cache) / "objects").mkdir()
    commit = repository.commit({"a": "2"})
    assert source.head() == commit
    assert changed_paths(source, commit, "") == ["a", "a"]


def test_a_stale_lock_in_a_mirror_does_not_need_a_human(
    repository: GitRepository, cache: Path, opened: Opener
) -> None:
    """Left by a fetch that was killed."""
    repository.commit({"a": "1"})
    source = opened(repository.path.as_uri(), branch="main")
    source.head()
    (_mirror(cache) / "refs" / "heads" / "main.lock").write_text("")
    assert source.head() == source.last_head()
    commit = repository.commit({"a": "2"})
    assert source.head() == commit


def test_two_processes_may_make_the_same_mirror(repository: GitRepository, cache: Path) -> None:
    """Both get the commit, and one mirror is left."""
    commit = repository.commit({"a": "1"})
    program = (
        "import sys, pathlib; from reconciler.source import open_source\n"
        "with open_source(sys.argv[1], branch=None, cache_dir=pathlib.Path(sys.argv[2]), "
        "base=pathlib.Path('/')) as source:\n"
        "    head = source.head(); print(head, source.snapshot(head, '').exists)"
    )
    command = [sys.executable, "-c", program, repository.path.as_uri(), str(cache)]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert [process.communicate()[0].split() for process in both] == [[commit, "True"]] * 2
    assert len(list(cache.iterdir())) == 1


def test_a_cache_that_cannot_be_written_is_an_error_with_a_remedy(
    repository: GitRepository, cache: Path, opened: Opener
) -> None:
    """A file stands where the folder should be."""
    repository.commit({"a": "1"})
    cache.write_text("in the way")
    with pytest.raises(SourceError, match=r"cannot be mirrored under .*cache: .*state\.dir"):
        opened(repository.path.as_uri()).head()


def test_reading_before_the_first_fetch_fetches(
    repository: GitRepository, tmp_path: Path, opened: Opener
) -> None:
    """A mirror that is not there is like one that is damaged; with the remote away it is a clear error."""
    commit = repository.commit({"a": "1"})
    source = opened(repository.path.as_uri())
    repository.path.rename(tmp_path / "away")
    with pytest.raises(SourceError, match="cannot be entered"):
        source.snapshot(commit, "")
    (tmp_path / "away").rename(repository.path)
    assert source.snapshot(commit, "").exists


# --- ssh and http ------------------------------------------------------------------------------------------


@pytest.fixture
def local_ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An `ssh` that runs the command on this machine, and writes down how it was called."""
    log = tmp_path / "ssh.log"
    program = tmp_path / "bin" / "ssh"
    program.parent.mkdir()
    program.write_text(
        f'#!/bin/sh\necho "$@" >> {log}\nwhile [ "${{1#-}}" != "$1" ]; do\n'
        '  case "$1" in -o|-p|-i) shift;; esac; shift\ndone\nshift; exec sh -c "$*"\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    return log


@pytest.mark.parametrize("form", ["git@host.example:{path}", "ssh://git@host.example{path}"])
def test_ssh_runs_in_batch_mode(
    repository: GitRepository, opened: Opener, local_ssh: Path, form: str
) -> None:
    """It can never wait for an answer."""
    commit = repository.commit({"a": "1"})
    assert opened(form.format(path=repository.path)).head() == commit
    calls = local_ssh.read_text().splitlines()
    assert calls
    assert all("-oBatchMode=yes" in call and "git@host.example" in call for call in calls)


def test_the_users_own_ssh_command_is_kept(
    repository: GitRepository, opened: Opener, local_ssh: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as one that names a deploy key."""
    monkeypatch.setenv("GIT_SSH_COMMAND", "ssh -i /deploy/key")
    commit = repository.commit({"a": "1"})
    monkeypatch.setenv("GIT_SSH_VARIANT", "ssh")
    assert opened(f"git@host:{repository.path}").head() == commit
    assert "-i /deploy/key" in local_ssh.read_text()
    assert "BatchMode" not in local_ssh.read_text()


def test_an_ssh_that_stays_in_the_background_is_not_waited_for(
    repository: GitRepository, opened: Opener, local_ssh: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A shared connection (ControlPersist) outlives git and keeps its standard error open."""
    commit = repository.commit({"a": "1"})
    pids = local_ssh.with_name("pids")
    monkeypatch.setenv("GIT_SSH_COMMAND", f"sleep 600 > /dev/null & echo $! >> {pids}; ssh")
    try:
        assert opened(f"git@host:{repository.path}").head() == commit
        for pid in pids.read_text().split():
            os.kill(int(pid), 0)  # it is there yet
    finally:
        for pid in pids.read_text().split():
            os.kill(int(pid), signal.SIGKILL)


class _Handler(http.server.SimpleHTTPRequestHandler):
    """Serves a bare repository as files, behind a password when there is one in the path."""

    def do_GET(self) -> None:
        if self.path.startswith("/locked"):
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="models"')
            self.end_headers()
        elif self.path.startswith("/moved"):
            self.send_response(302)
            self.send_header("Location", self.path.replace("/moved", ""))
            self.end_headers()
        else:
            super().do_GET()

    def log_message(self, *arguments: object) -> None:
        """Says nothing."""


@pytest.fixture
def server(repository: GitRepository, tmp_path: Path) -> Iterator[str]:
    """The address of a web server with `models.git` on it."""
    repository.commit({"a": "1"})
    repository.git("clone", "--quiet", "--bare", ".", str(tmp_path / "www" / "models.git"))
    GitRepository(tmp_path / "www" / "models.git", bare=True).git("update-server-info")
    handler = functools.partial(_Handler, directory=str(tmp_path / "www"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, args=(0.05,))
        thread.start()
        yield f"127.0.0.1:{httpd.server_port}"
        httpd.shutdown()
        thread.join()


def test_a_repository_on_a_loopback_web_server_is_mirrored(
    server: str, repository: GitRepository, opened: Opener
) -> None:
    """Over a real socket."""
    source = opened(f"http://{server}/models.git", branch="main")
    assert source.head() == repository.git("rev-parse", "HEAD")
    assert source.snapshot(source.head(), "").files


@pytest.mark.parametrize("credentials", ["", "user:s3cret@"])
def test_refused_credentials_are_said_and_not_shown(server: str, opened: Opener, credentials: str) -> None:
    """Nobody is asked for a password, and the one in the URL stays secret."""
    with pytest.raises(SourceError, match="credentials were refused or missing") as caught:
        opened(f"http://{credentials}{server}/locked.git").head()
    assert "s3cret" not in str(caught.value)


def test_an_unencrypted_redirect_is_not_followed(server: str, opened: Opener) -> None:
    """A loopback server cannot send us elsewhere."""
    with pytest.raises(SourceError):
        opened(f"http://{server}/moved/models.git").head()


def test_a_web_page_is_no_repository(server: str, opened: Opener) -> None:
    """A wrong path is said to be wrong."""
    with pytest.raises(SourceError, match="no git repository"):
        opened(f"http://{server}/other.git").head()
