"""Nothing is started, nothing waits for ever, nothing is left behind."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from reconciler.errors import SourceError
from reconciler.source import GitSource, open_source
from tests.git_repository import GitRepository, path_with_git
from tests.source.asking import attributed, changed_paths

if TYPE_CHECKING:
    from reconciler.engine.ports.git import Source
    from tests.source.conftest import Opener


# The beginning of a program that runs in a process of its own; its first argument is the repository.
_START = (
    "import sys, pathlib; from reconciler.source import open_source\n"
    "place = {'cache_dir': pathlib.Path('unused'), 'base': pathlib.Path('/')}\n"
    "source = open_source(sys.argv[1], branch=None, **place)\n"
)


@pytest.fixture
def canary(tmp_path: Path) -> tuple[str, Path]:
    """A program that leaves a file when it is started, and that file."""
    trace = tmp_path / "canary"
    program = tmp_path / "sing"
    program.write_text(f'#!/bin/sh\necho "$0 $@" >> {trace}\ncat 2>/dev/null\nexit 0\n')
    program.chmod(0o755)
    return str(program), trace


def _ask_everything(source: GitSource) -> None:
    commit = source.head()
    source.resolve("HEAD")
    files = source.snapshot(commit, "").files
    list(source.read(file.blob for file in files if file.mode == "100644"))
    attributed(source, commit, [file.path for file in files])
    changed_paths(source, commit, "")
    source.notes()


def _hostile(repository: GitRepository, program: str) -> None:
    """Everything in a repository that can name a program."""
    for hook in (
        "post-checkout",
        "reference-transaction",
        "post-index-change",
        "pre-auto-gc",
        "fsmonitor-watchman",
    ):
        file = repository.path / ".git" / "hooks" / hook
        file.parent.mkdir(exist_ok=True)
        file.symlink_to(program)
    settings = {
        "core.fsmonitor": program,
        "core.hooksPath": str(repository.path / ".git" / "hooks"),
        "core.sshCommand": program,
        "core.pager": program,
        "core.editor": program,
        "core.askPass": program,
        "core.alternateRefsCommand": program,
        "core.gitProxy": program,
        "pager.log": program,
        "pager.status": program,
        "gpg.program": program,
        "gpg.openpgp.program": program,
        "gpg.x509.program": program,
        "gpg.ssh.program": program,
        "gpg.ssh.allowedSignersFile": "/dev/null",
        "log.showSignature": "true",
        "credential.helper": program,
        "diff.external": program,
        "diff.evil.command": program,
        "diff.evil.textconv": program,
        "merge.evil.driver": program,
        "filter.evil.clean": program,
        "filter.evil.smudge": program,
        "filter.evil.required": "true",
        "filter.long.process": program,
        "filter.odd [name]=x.clean": program,
        "alias.log": f"!{program}",
        "alias.status": f"!{program}",
        "alias.ls-tree": f"!{program}",
        "uploadpack.packObjectsHook": program,
        "remote.origin.uploadpack": program,
        "sequence.editor": program,
        "trace2.eventTarget": str(repository.path / "trace"),
    }
    for key, value in settings.items():
        repository.git("config", key, value)
    attributes = (
        "a diff=evil filter=evil merge=evil\nb filter=long\nc filter=odd [name]=x\nd filter=nothing\n"
    )
    (repository.path / ".gitattributes").write_text(attributes)


def _sign_last_commit(repository: GitRepository) -> str:
    """Puts a signature on the newest commit; whether it is good is for a program to say."""
    raw = repository.git("cat-file", "commit", "HEAD")
    head, _, body = raw.partition("\n\n")
    signature = "gpgsig -----BEGIN PGP SIGNATURE-----\n \n abc\n -----END PGP SIGNATURE-----"
    signed = f"{head}\n{signature}\n\n{body}\n".encode()
    commit = repository.git("hash-object", "-w", "-t", "commit", "--stdin", stdin=signed)
    repository.git("update-ref", "refs/heads/main", commit)
    return commit


def test_a_repositorys_own_configuration_starts_nothing(
    repository: GitRepository, opened: Opener, canary: tuple[str, Path]
) -> None:
    """Hooks, fsmonitor, signatures, filters, textconv, aliases, pagers, ssh: every question, no song."""
    program, trace = canary
    repository.commit({"a": "1", "b": "1", "c": "1", "d": "1"})
    commit = _sign_last_commit(repository)
    _hostile(repository, program)
    for name in "abcd":
        os.utime(repository.path / name, (1, 1))  # makes git look at the content again
        (repository.path / name).write_text("2")
    trace.unlink(missing_ok=True)
    source = opened("repo")
    _ask_everything(source)
    assert "uncommitted" in source.notes()[0]
    assert attributed(source, commit, ["a"])["a"].subject == "Change"
    assert not trace.exists(), trace.read_text()


def test_the_hostile_configuration_does_sing_without_protection(
    repository: GitRepository, canary: tuple[str, Path]
) -> None:
    """The test above can fail: plain git starts those programs."""
    program, trace = canary
    repository.commit({"a": "1", "b": "1", "c": "1", "d": "1"})
    _sign_last_commit(repository)
    _hostile(repository, program)
    (repository.path / "a").write_text("2")
    trace.unlink(missing_ok=True)
    repository.git("log", "-1")
    repository.git("status", "--porcelain")
    assert trace.read_text().count("\n") >= 2


def test_a_remote_repositorys_configuration_starts_nothing(
    repository: GitRepository, opened: Opener, canary: tuple[str, Path]
) -> None:
    """Also not through git's own upload-pack on the other side of file://."""
    program, trace = canary
    repository.commit({"a": "1", "b": "1"})
    _hostile(repository, program)
    trace.unlink(missing_ok=True)
    _ask_everything(opened(repository.path.as_uri()))
    assert not trace.exists(), trace.read_text()


@pytest.mark.parametrize("through", ["folder", "url"])
def test_a_partial_clone_fetches_nothing_behind_ones_back(
    repository: GitRepository, tmp_path: Path, opened: Opener, canary: tuple[str, Path], through: str
) -> None:
    """Missing objects are an error, not a call to whatever the clone names as its origin."""
    program, trace = canary
    commit = repository.commit({"a": "1"})
    repository.git("config", "uploadpack.allowFilter", "true")
    partial = tmp_path / "partial"
    repository.git(
        "clone", "--quiet", "--no-checkout", "--filter=blob:none", repository.path.as_uri(), str(partial)
    )
    clone = GitRepository(partial)
    clone.git("config", "remote.origin.uploadpack", program)
    source = opened("partial" if through == "folder" else partial.as_uri())
    blob = repository.git("rev-parse", f"{commit}:a")
    ask = source.head if through == "url" else lambda: list(source.read([blob]))
    with pytest.raises(SourceError):
        ask()
    assert not trace.exists(), trace.read_text()


def test_an_enclosing_repositorys_configuration_has_no_say_over_a_mirror(
    repository: GitRepository, tmp_path: Path, canary: tuple[str, Path]
) -> None:
    """The cache usually lies inside the work tree of the repository one stands in."""
    program, trace = canary
    around = GitRepository(tmp_path / "around")
    around.commit({"x": "1"})
    around.git("config", f"url.ext::{program}.insteadOf", "file://")
    around.git("config", "credential.helper", program)
    around.git("config", "core.sshCommand", program)
    repository.commit({"a": "1"})
    cache = around.path / ".reconciler" / "mirrors"
    with open_source(repository.path.as_uri(), branch=None, cache_dir=cache, base=tmp_path) as source:
        _ask_everything(source)
    assert not trace.exists(), trace.read_text()


def test_a_rewritten_url_cannot_reach_a_remote_helper(
    repository: GitRepository,
    opened: Opener,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    canary: tuple[str, Path],
) -> None:
    """Not even by the user's own configuration."""
    program, trace = canary
    repository.commit({"a": "1"})
    configuration = tmp_path / "gitconfig"
    configuration.write_text(
        f'[url "ext::{program} "]\n\tinsteadOf = file://\n[protocol]\n\tallow = always\n'
    )
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(configuration))
    with pytest.raises(SourceError):
        opened(repository.path.as_uri()).head()
    assert not trace.exists()


def test_variables_of_a_surrounding_git_do_not_lead_elsewhere(
    repository: GitRepository, tmp_path: Path, opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hook, or `git rebase --exec`, sets GIT_DIR and its companions for another repository."""
    commit = repository.commit({"a": "1", "b/c": "2"})
    other = GitRepository(tmp_path / "other")
    other.commit({"z": "1"})
    git_dir = other.path / ".git"
    for name, value in {
        "GIT_DIR": git_dir,
        "GIT_WORK_TREE": other.path,
        "GIT_INDEX_FILE": git_dir / "index",
        "GIT_OBJECT_DIRECTORY": git_dir / "objects",
        "GIT_PREFIX": "b/",
        "GIT_LITERAL_PATHSPECS": "0",
        "GIT_ICASE_PATHSPECS": "1",
        "GIT_NAMESPACE": "ns",
    }.items():
        monkeypatch.setenv(name, str(value))
    for repo in ("repo", repository.path.as_uri()):
        source = opened(repo)
        assert source.head() == source.resolve("HEAD") == commit
        assert [file.path for file in source.snapshot(commit, "").files] == ["a", "b/c"]
        assert attributed(source, commit, ["b/c"])["b/c"].commit == commit
        assert source.notes() == []


def test_configuration_from_the_environment_is_kept(
    repository: GitRepository, opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A container allows a folder, or rewrites a URL, through GIT_CONFIG_COUNT."""
    commit = repository.commit({"a": "1"})
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", f"url.{repository.path.as_uri()}.insteadOf")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "file:///alias")
    assert opened("file:///alias").head() == commit
    monkeypatch.setenv("GIT_CONFIG_COUNT", "nonsense")
    assert opened("repo").resolve("HEAD") == commit


# --- time, processes, descriptors ---------------------------------------------------------------------------


@pytest.fixture
def slow_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A git that hangs in ls-tree and fetch, with a child that hangs too; its file names both processes."""
    pids = tmp_path / "pids"
    hang = f"sleep 60 & echo $$ $! > {pids}; wait"
    monkeypatch.setenv("PATH", path_with_git(tmp_path, f'*ls-tree*|*"fetch --progress"*) {hang}'))
    return pids


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def _wait_until_gone(pids: list[int]) -> bool:
    deadline = time.monotonic() + 30
    while any(map(_alive, pids)) and time.monotonic() < deadline:
        time.sleep(0.01)
    return not any(map(_alive, pids))


def test_a_git_that_hangs_is_ended_with_all_it_started(
    repository: GitRepository, opened: Opener, slow_git: Path
) -> None:
    """After the timeout, with a sentence."""
    commit = repository.commit({"a": "1"})
    source = opened("repo", timeout=0.5)
    with pytest.raises(SourceError, match=r"git ls-tree gave no answer for 0\.5 s and was ended"):
        source.snapshot(commit, "")
    assert _wait_until_gone([int(pid) for pid in slow_git.read_text().split()])
    assert source.head() == commit


def test_a_fetch_that_hangs_is_ended_and_leaves_nothing(
    repository: GitRepository, opened: Opener, slow_git: Path, cache: Path
) -> None:
    """No half-made mirror, no process."""
    repository.commit({"a": "1"})
    with pytest.raises(SourceError, match="git fetch gave no answer"):
        opened(repository.path.as_uri(), timeout=0.5).head()
    assert _wait_until_gone([int(pid) for pid in slow_git.read_text().split()])
    assert list(cache.iterdir()) == []


def test_time_that_the_reader_takes_is_not_gits(repository: GitRepository, opened: Opener) -> None:
    """A slow consumer of contents does not run into git's timeout."""
    commit = repository.commit({"a": os.urandom(900_000), "b": os.urandom(900_000)})
    source = opened("repo", timeout=0.4)
    blobs = [file.blob for file in source.snapshot(commit, "").files]
    sizes = []
    for _, content in source.read(blobs):
        time.sleep(0.5)
        sizes.append(len(content))
    assert sizes == [900_000, 900_000]


def _children() -> set[str]:
    listed = Path(f"/proc/self/task/{threading.get_native_id()}/children").read_text().split()
    return set(listed)


def _descriptors() -> set[str]:
    return {entry.name for entry in Path("/proc/self/fd").iterdir()}


def test_closing_leaves_no_process_and_no_descriptor(
    repository: GitRepository, tmp_path: Path, cache: Path
) -> None:
    """After use, after errors, and with an answer still half read."""
    commit = repository.commit({f"m/{number}": os.urandom(50_000) for number in range(10)})
    with open_source("repo", branch=None, cache_dir=cache, base=tmp_path) as source:
        _ask_everything(source)
    gc.collect()
    children, descriptors = _children(), _descriptors()
    for repo in ("repo", repository.path.as_uri()):
        source = open_source(repo, branch=None, cache_dir=cache, base=tmp_path)
        _ask_everything(source)
        with pytest.raises(SourceError):
            list(source.read(["1" * 40]))
        half = source.read(file.blob for file in source.snapshot(commit, "m").files)
        next(half)
        source.close()
        source.close()
        with pytest.raises(SourceError, match="closed"):
            list(half)
        with pytest.raises(SourceError, match="closed"):
            source.snapshot(commit, "m")
    assert _children() <= children
    assert _descriptors() <= descriptors


def test_an_answer_that_is_given_up_ends_its_process(repository: GitRepository, opened: Opener) -> None:
    """Leaving a loop early is enough."""
    commit = repository.commit({f"m/{number}": os.urandom(200_000) for number in range(5)})
    source = opened("repo")
    before = _children()
    contents = source.read(file.blob for file in source.snapshot(commit, "m").files)
    next(contents)
    assert _children() - before
    del contents
    gc.collect()
    assert not _children() - before


def test_questions_from_several_threads_do_not_hang(repository: GitRepository, opened: Opener) -> None:
    """Each has a process of its own."""
    commit = repository.commit({f"m/{number}": str(number) for number in range(50)})
    source = opened("repo")
    source.snapshot(commit, "m")
    results: list[int] = []

    def ask() -> None:
        files = source.snapshot(commit, "m").files
        results.append(len(list(source.read(file.blob for file in files))))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert results == [50] * 4


def test_an_interrupt_at_the_terminal_ends_git(repository: GitRepository, slow_git: Path) -> None:
    """Ctrl-C reaches the program, and the program ends what it started."""
    commit = repository.commit({"a": "1"})
    program = f"{_START}try: source.snapshot(sys.argv[2], '')\nexcept KeyboardInterrupt: sys.exit(7)"
    process = subprocess.Popen([sys.executable, "-c", program, str(repository.path), commit], cwd=Path.cwd())
    deadline = time.monotonic() + 20
    while not (slow_git.exists() and len(slow_git.read_text().split()) == 2) and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(1)  # git has begun before the program holds it; what is meant is an interrupt while it reads
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 7
    assert _wait_until_gone([int(pid) for pid in slow_git.read_text().split()])


# --- git itself --------------------------------------------------------------------------------------------

_OPEN = (
    f"{_START}from reconciler.errors import SourceError\n"
    "head = source.head()\n"
    "try: source.snapshot(head, '')\nexcept SourceError as error: print(error)\n"
    "else: print('git' in sys.modules)"
)


def _opening(repository: GitRepository, path: str) -> str:
    environment = os.environ | {"PATH": path, "PYTHONPATH": str(Path.cwd())}
    command = [sys.executable, "-W", "error", "-c", _OPEN, str(repository.path)]
    done = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)
    return done.stdout + done.stderr


def test_a_missing_git_is_said_to_be_missing(repository: GitRepository, tmp_path: Path) -> None:
    """Even then, the newest commit of a local repository is known."""
    repository.commit({"a": "1"})
    assert _opening(repository, str(tmp_path)) == (
        "git: not found, or it does not start; install git 2.31 or later and put it on PATH\n"
    )


def test_a_configuration_of_the_user_that_git_cannot_read_is_named(
    repository: GitRepository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Git is there, and says which file and line."""
    (tmp_path / "config").write_text("[core\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "config"))
    repository.commit({"a": "1"})
    said = _opening(repository, os.environ["PATH"])
    assert "correct it (git: bad config line 1 in file " in said


@pytest.mark.parametrize("version", ["git version 2.30.9", "git version 1.8.3.1"])
def test_a_git_that_is_too_old_is_refused(repository: GitRepository, tmp_path: Path, version: str) -> None:
    """Older ones cannot be kept from starting what a repository names."""
    repository.commit({"a": "1"})
    old = tmp_path / "git"
    old.write_text(f"#!/bin/sh\necho {version}\n")
    old.chmod(0o755)
    number = version.rsplit(maxsplit=1)[-1]
    assert f"git: version {number} is too old; install git 2.31 or later" in _opening(
        repository, str(tmp_path)
    )


def test_looking_for_a_new_commit_loads_nothing_that_starts_processes(repository: GitRepository) -> None:
    """GitPython alone takes longer than everything else that a tick with nothing to do needs."""
    repository.commit({"a": "1"})
    heavy = {"git", "subprocess", "selectors", "tempfile", "difflib", "reconciler.source.mirror"}
    program = (
        f"{_START}from reconciler.source.commands import Commands; source.head(), source.watch_paths(); "
        f"print({heavy} & set(sys.modules), Commands.started)"
    )
    command = [sys.executable, "-c", program, str(repository.path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stdout == "set() 0\n"


def test_git_works_after_several_threads_began_with_it_at_once() -> None:
    """As when the loop reads the branch while notes are written: what its import needs is gone afterwards."""
    program = """if True:
        import os
        from concurrent.futures import ThreadPoolExecutor
        from threading import Barrier
        from reconciler.source.commands import load_gitpython

        ready = Barrier(4)

        def version(_):
            ready.wait()
            return load_gitpython().Git().version_info >= (2,)

        with ThreadPoolExecutor(4) as threads:
            print(all(threads.map(version, range(4))), [name for name in os.environ if "GIT_PYTHON" in name])
    """
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("True []\n", "")


def test_the_room_is_the_port(repository: GitRepository, opened: Opener) -> None:
    """What the engine asks for is what is here."""
    source: Source = opened(repository.path)
    assert isinstance(source, GitSource)


_BOTH_BEGIN = """
import threading
from reconciler.source.commands import load_gitpython
start, programs = threading.Barrier(2), []
def begin():
    start.wait()
    programs.append(load_gitpython().Git.GIT_PYTHON_GIT_EXECUTABLE)
threads = [threading.Thread(target=begin) for _ in range(2)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print(programs)
"""
