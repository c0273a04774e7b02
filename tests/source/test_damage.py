"""A mirror is a cache: any sign of damage throws it away and clones anew, again only after a while."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from reconciler.errors import SourceError
from reconciler.source.commands import Commands
from tests.git_repository import GitRepository, git_environment, path_with_git
from tests.source.asking import changed_paths

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from reconciler.source import GitSource
    from tests.source.conftest import Opener


def _mirror(cache: Path) -> Path:
    (mirror,) = cache.glob("[!.]*.git")
    return mirror


def _empty_objects(mirror: Path) -> None:
    """As after a power loss."""
    for file in (mirror / "objects").glob("??/*"):
        file.chmod(0o600)
        file.write_bytes(b"")


def _cut_packs(mirror: Path) -> None:
    git = GitRepository(mirror, bare=True)
    git.git("repack", "-adq")
    for pack in (mirror / "objects" / "pack").glob("*.pack"):
        pack.chmod(0o600)
        pack.write_bytes(pack.read_bytes()[:40])


def _lost_objects(mirror: Path) -> None:
    shutil.rmtree(mirror / "objects")
    (mirror / "objects").mkdir()


def _without_config(mirror: Path) -> None:
    (mirror / "config").unlink()


def _packed_without_index(mirror: Path) -> None:
    GitRepository(mirror, bare=True).git("repack", "-adq")
    for file in (mirror / "objects" / "pack").glob("*.idx"):
        file.unlink()


def _objects_as_file(mirror: Path) -> None:
    shutil.rmtree(mirror / "objects")
    (mirror / "objects").write_text("")


def _borrowed_from_nowhere(mirror: Path) -> None:
    _lost_objects(mirror)
    (mirror / "objects" / "info").mkdir()
    (mirror / "objects" / "info" / "alternates").write_text("/nowhere\n")


DAMAGES: dict[str, Callable[[Path], object]] = {
    "empty objects": _empty_objects,
    "cut packs": _cut_packs,
    "lost objects": _lost_objects,
    "config gone": _without_config,
    "garbage in config": lambda mirror: (mirror / "config").write_text("[core\ngarbage"),
    "empty config": lambda mirror: (mirror / "config").write_text(""),
    "garbage in shallow": lambda mirror: (mirror / "shallow").write_text("garbage\n"),
    "garbage in packed-refs": lambda mirror: (mirror / "packed-refs").write_text("garbage\n"),
    "garbage in HEAD": lambda mirror: (mirror / "HEAD").write_bytes(b"\0" * 40),
    "objects is a file": _objects_as_file,
    "index of a pack gone": _packed_without_index,
    "alternates": _borrowed_from_nowhere,
}


def _everything(source: GitSource) -> list[bytes]:
    commit = source.head()
    files = source.snapshot(commit, "m").files
    contents = [content for _, content in source.read(file.blob for file in files)]
    assert len(changed_paths(source, commit, "m")) == len(files)
    assert source.contains(commit, commit) is True
    return contents


@pytest.mark.parametrize("has_new_commit", [False, True])
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_mirror_damaged_anywhere_is_replaced_at_once(
    repository: GitRepository, cache: Path, opened: Opener, damage: str, has_new_commit: bool
) -> None:
    """By the same process and within the same look, whether there is something to fetch or not."""
    repository.commit({"m/a": "1"})
    repository.commit({"m/b": "2"})
    source = opened(repository.path.as_uri(), branch="main")
    assert _everything(source) == [b"1", b"2"]
    DAMAGES[damage](_mirror(cache))
    if has_new_commit:
        repository.commit({"m/c": "3"})
    expected = [b"1", b"2", b"3"][: 2 + has_new_commit]
    assert _everything(source) == expected
    assert _everything(opened(repository.path.as_uri(), branch="main")) == expected
    assert len(list(cache.iterdir())) == 1


def test_a_mirror_that_is_damaged_again_at_once_is_not_cloned_over_and_over(
    repository: GitRepository, cache: Path, opened: Opener
) -> None:
    """In any process; after a minute it is, and after the next only in two."""
    repository.commit({"m/a": "1"})
    url = repository.path.as_uri()
    source = opened(url, branch="main")
    assert _everything(source) == [b"1"]
    for again in (60, 120):
        _lost_objects(_mirror(cache))
        assert _everything(source) == [b"1"]
        _lost_objects(_mirror(cache))
        for one in (source, opened(url, branch="main")):
            with pytest.raises(SourceError):
                _everything(one)
        stamp = _mirror(cache) / "replaced-by-reconciler"
        os.utime(stamp, (time.time() - again + 5,) * 2)
        with pytest.raises(SourceError):
            _everything(source)
        os.utime(stamp, (time.time() - again - 1,) * 2)


def test_a_remote_that_is_away_does_not_cost_the_mirror(
    repository: GitRepository, cache: Path, tmp_path: Path, opened: Opener
) -> None:
    """Nothing is thrown away before there is something better."""
    repository.commit({"m/a": "1"})
    source = opened(repository.path.as_uri(), branch="main")
    commit = source.head()
    repository.path.rename(tmp_path / "away")
    (_mirror(cache) / "packed-refs").write_text("garbage\n")
    with pytest.raises(SourceError):
        source.resolve("main")
    assert _mirror(cache).exists()
    (tmp_path / "away").rename(repository.path)
    assert source.resolve("main") == commit


# --- locks -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("age", [0, 120])
@pytest.mark.parametrize(
    "lock", ["refs/heads/main.lock", "HEAD.lock", "packed-refs.lock", "shallow.lock", "config.lock", "gc.pid"]
)
def test_a_stale_lock_stops_no_fetch_and_no_packing(
    repository: GitRepository, cache: Path, opened: Opener, lock: str, age: int
) -> None:
    """Old, it is removed; young, the mirror is replaced, since nobody can hold it."""
    repository.commit({"m/a": "1"})
    source = opened(repository.path.as_uri(), branch="main")
    source.head()
    file = _mirror(cache) / lock
    file.write_text("1 elsewhere")
    os.utime(file, (time.time() - age,) * 2)
    commit = repository.commit({f"m/{number}": os.urandom(4000) for number in range(50)})
    assert source.head() == commit
    if (_mirror(cache) / lock).exists():
        os.utime(_mirror(cache) / lock, (time.time() - 90_000,) * 2)
        _age(_mirror(cache))
        source.tidy()
    assert len(source.snapshot(commit, "m").files) == 51


def test_the_cause_is_told_although_progress_was_printed() -> None:
    """What git says of its progress is not what stands in its way."""
    from reconciler.source.errors import explain, is_damage  # noqa: PLC0415 - the words alone

    progress = "".join(f"remote: Counting objects: {n}% ({n}/100)\r" for n in range(100))
    said = (
        f"{progress}, done.\nReceiving objects: 100% (9/9), done.\nerror: cannot lock ref 'refs/heads/main': "
    )
    said += "Unable to create '/x/refs/heads/main.lock': File exists.\n"
    assert is_damage(said)
    assert "cannot lock ref 'refs/heads/main'" in explain(said, "/x")
    assert "Counting" not in explain(said, "/x")


def test_one_process_at_a_time_writes_to_a_mirror(
    repository: GitRepository, cache: Path, opened: Opener
) -> None:
    """The other waits no longer than for a silent git, and says so; the lock dies with its holder."""
    repository.commit({"m/a": "1"})
    source = opened(repository.path.as_uri(), timeout=5)
    source.head()
    holder = os.open(cache, os.O_RDONLY)
    fcntl.flock(holder, fcntl.LOCK_EX)
    commit = repository.commit({"m/a": "2"})
    with pytest.raises(SourceError, match="another process is fetching"):
        source.head()
    os.close(holder)
    assert source.head() == commit


# --- growth ------------------------------------------------------------------------------------------------


def _age(mirror: Path) -> None:
    """As it is a day later."""
    for name in ("HEAD", "packed-by-reconciler"):
        if (mirror / name).exists():
            os.utime(mirror / name, (time.time() - 90_000,) * 2)


def _objects(mirror: Path) -> int:
    return len(list((mirror / "objects").glob("??/*")))


def test_a_mirror_is_packed_once_a_day_and_only_when_asked(
    repository: GitRepository, cache: Path, opened: Opener
) -> None:
    """Until a day has gone by it costs no process; a local repository is somebody else's."""
    repository.commit({"m/a": "0"})
    source = opened(repository.path.as_uri(), branch="main")
    for number in range(5):
        repository.commit({"m/a": str(number)})
        source.head()
    before, loose = Commands.started, _objects(_mirror(cache))
    source.tidy()
    assert (Commands.started, _objects(_mirror(cache))) == (before, loose)
    _age(_mirror(cache))
    source.tidy()
    assert (Commands.started, _objects(_mirror(cache))) == (before + 1, 0)
    source.tidy()
    assert Commands.started == before + 1
    assert _everything_of(source) == b"4"
    local = opened("repo")
    begun = Commands.started
    local.tidy()
    assert Commands.started == begun


def _everything_of(source: GitSource) -> bytes:
    (file,) = source.snapshot(source.head(), "m").files
    ((_, content),) = source.read([file.blob])
    return content


# --- what is fetched ---------------------------------------------------------------------------------------


def _tree(repository: GitRepository, *entries: tuple[str, str, str]) -> str:
    raw = b"".join(f"{mode} {name}\0".encode() + bytes.fromhex(blob) for mode, name, blob in entries)
    arguments = ("hash-object", "-t", "tree", "-w", "--stdin", "--literally")
    return repository.git(*arguments, stdin=raw)


def test_a_malformed_commit_is_not_fetched_and_the_last_good_one_stays(
    repository: GitRepository, opened: Opener
) -> None:
    """Said in plain words; followed on once it is gone from the branch."""
    good = repository.commit({"m/a": "1"})
    source = opened(repository.path.as_uri(), branch="main")
    source.head()
    blob = repository.git("rev-parse", "HEAD:m/a")
    inner = _tree(repository, ("100644", "a", blob), ("100644", "a", blob))
    outer = _tree(repository, ("40000", "m", inner))
    bad = repository.git("commit-tree", "-m", "Twice", "-p", good, outer)
    repository.git("update-ref", "refs/heads/main", bad)
    for _ in range(2):
        with pytest.raises(SourceError, match=r"git itself calls malformed.*the last good commit stays"):
            source.head()
    assert source.last_head() == good
    repository.git("update-ref", "refs/heads/main", good)
    assert source.head() == good


def test_old_and_harmless_oddities_are_fetched(repository: GitRepository, opened: Opener) -> None:
    """As they stand in the history of many a repository."""
    blob = repository.git("hash-object", "-w", "--stdin", stdin=b"1")
    tree = _tree(repository, ("0100644", "a", blob))
    raw = f"tree {tree}\nauthor A<a@example.org> 0 +0000\ncommitter A <a@example.org> 0 +051800\n\nOld\n"
    commit = repository.git("hash-object", "-t", "commit", "-w", "--stdin", "--literally", stdin=raw.encode())
    repository.git("update-ref", "refs/heads/main", commit)
    assert opened(repository.path.as_uri(), branch="main").head() == commit


def test_a_fetch_that_never_ends_is_ended(repository: GitRepository, tmp_path: Path) -> None:
    """One that goes on saying something is not silent, and still has a deadline."""
    repository.commit({"a": "1"})
    chatter = "while :; do echo going on >&2; sleep 0.02; done"
    path = path_with_git(tmp_path, f'*"fetch --progress"*) {chatter}')
    text = (
        "import sys, pathlib; from reconciler.source import open_source\n"
        "place = {'cache_dir': pathlib.Path(sys.argv[2]), 'base': pathlib.Path('/')}\n"
        "source = open_source(sys.argv[1], branch=None, timeout=0.2, **place)\n"
        "try: source.head()\nexcept Exception as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", text, repository.path.as_uri(), str(tmp_path / "cache")],
        env=git_environment() | {"PATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "git fetch gave no whole answer for 6 s and was ended" in done.stdout
