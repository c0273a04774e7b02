"""Git's notes as a set of lines: written once, shared by several writers, and read by git itself."""

from __future__ import annotations

import os
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from reconciler.errors import SourceError
from reconciler.source.address import parse_remote
from reconciler.source.notes import shared_notes
from tests.git_repository import GitRepository

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from reconciler.source.notes import Notes
    from tests.source.conftest import Opener

REF = "refs/notes/reconciler"
NOW = datetime(2026, 11, 28, tzinfo=UTC)
_AROUND = 16  # bytes: the header of an object in a pack, and what zlib puts around a block that it stores


@pytest.fixture
def remote(tmp_path: Path) -> GitRepository:
    """A bare repository to which notes are pushed."""
    return GitRepository(tmp_path / "remote.git", bare=True)


@pytest.fixture
def writer(tmp_path: Path, remote: GitRepository) -> Iterator[Callable[[str], Notes]]:
    """Opens the notes of a machine."""
    with ExitStack() as stack:

        def opened(name: str) -> Notes:
            there = parse_remote(f"file://{remote.path}")
            assert there is not None
            notes = shared_notes(there, REF, tmp_path / name, timeout=30.0, sha256=False)
            stack.callback(notes.close)
            return notes

        yield opened


def _lines(repository: GitRepository, commit: str) -> list[str]:
    return repository.git("notes", "--ref", REF, "show", commit).splitlines()


def _commits(repository: GitRepository) -> int:
    return int(repository.git("rev-list", "--count", REF))


def test_git_itself_shows_what_was_written(repository: GitRepository, opened: Opener) -> None:
    """Beside each commit, in the order of the lines; nothing is written twice."""
    commits = [repository.commit({"a": str(n)}) for n in range(3)]
    notes = opened("repo").notes_at(REF)
    assert not notes.exist
    assert notes.add({commits[0]: ["2", "1"], commits[2]: ["3"]}, NOW)
    assert notes.add({commits[0]: ["0", "2"]}, NOW)
    assert not notes.add({commits[0]: ["1"], commits[2]: ["3"]}, NOW)
    assert notes.exist
    assert _commits(repository) == 2
    shown = repository.git("log", f"--notes={REF}", "--format=%H %N").split()
    assert shown == [commits[2], "3", commits[1], commits[0], "0", "1", "2"]
    assert {commit: text.split() for commit, text in notes.read()} == {
        commits[0]: ["0", "1", "2"],
        commits[2]: ["3"],
    }
    notes.close()


def test_notes_of_others_stay_wherever_they_lie(repository: GitRepository, opened: Opener) -> None:
    """Git puts few notes into one folder; a commit may even have two."""
    commit, other = repository.commit({"a": "1"}), repository.commit({"a": "2"})
    for one in (commit, other):
        repository.git("notes", "--ref", REF, "add", "-m", "reviewed", one)
    notes = opened("repo").notes_at(REF)
    notes.add({commit: ["line"]}, NOW)
    assert _lines(repository, commit) == ["line", "reviewed"]
    assert _lines(repository, other) == ["reviewed"]
    notes.close()


def test_two_writers_lose_nothing(
    remote: GitRepository, writer: Callable[[str], Notes], repository: GitRepository
) -> None:
    """A push that is rejected is merged with what was first; a machine that knew nothing as well."""
    commits = [repository.commit({"a": str(n)}) for n in range(4)]
    one, two = writer("one"), writer("two")
    one.add({commits[0]: ["a"], commits[1]: ["b"]}, NOW)
    one.publish()
    two.add({commits[0]: ["a", "c"], commits[2]: ["d"]}, NOW)
    two.publish()
    one.add({commits[3]: ["e"]}, NOW)
    one.publish()
    repository.git("fetch", "-q", str(remote.path), f"{REF}:{REF}")
    assert [_lines(repository, commit) for commit in commits] == [["a", "c"], ["b"], ["d"], ["e"]]
    three = writer("three")
    assert three.fetch()
    assert not three.fetch()
    assert dict(three.read()).keys() == set(commits)


def test_notes_that_come_in_bulk_lie_as_they_are_wherever_git_takes_them(
    remote: GitRepository, writer: Callable[[str], Notes], repository: GitRepository
) -> None:
    """Neither deflated nor deltas, though each of them grew: pushed, fetched, and packed anew by `git gc`."""
    commits = [f"{number:08x}" * 5 for number in range(150)]  # enough for git to keep them packed
    notes = writer("one")
    for event in ("import-requested", "imported", "published"):
        notes.add({commit: [f'{{"event":"{event}","of":"{commit}"}}'] for commit in commits}, NOW)
        notes.publish()
    repository.git("fetch", "-q", remote.path.as_uri(), f"{REF}:{REF}")
    for place in (remote, repository):
        assert _as_they_are(place) == len(commits)
        place.git("gc", "--quiet")
        assert _as_they_are(place) == len(commits)
    fresh = GitRepository(repository.path.with_name("fresh"))
    fresh.git("fetch", "-q", remote.path.as_uri(), f"{REF}:{REF}")
    assert _as_they_are(fresh) == len(commits)


def _as_they_are(repository: GitRepository) -> int:
    """How many notes take what they are long on the disk, and a few bytes around that."""
    blobs = "\n".join(line.split()[2] for line in repository.git("ls-tree", "-r", REF).splitlines())
    asked = "--batch-check=%(objectsize) %(objectsize:disk)"
    sizes = [line.split() for line in repository.git("cat-file", asked, stdin=blobs.encode()).splitlines()]
    return sum(0 < int(on_disk) - int(size) <= _AROUND for size, on_disk in sizes)


def _loose(repository: Path) -> int:
    return sum(1 for _ in repository.glob("objects/??/*"))


def test_what_many_small_writes_left_is_packed(
    tmp_path: Path, remote: GitRepository, writer: Callable[[str], Notes]
) -> None:
    """As they are, and again only when there is much of it; what others write is never packed from here."""
    commits = [f"{number:08x}" * 5 for number in range(1800)]
    notes = writer("one")
    notes.add({commit: [f'{{"of":"{commit}"}}'] for commit in commits}, NOW)
    notes.publish()
    (place,) = (tmp_path / "one").iterdir()
    own = GitRepository(place, bare=True)
    for pack in place.glob("objects/pack/*.pack"):  # as if they had been written one after the other
        aside = pack.rename(tmp_path / pack.name)
        own.git("unpack-objects", "-q", stdin=aside.read_bytes())
    many = _loose(place)
    notes.add({commits[0]: ["more"]}, NOW)
    notes.publish()
    assert _loose(place) > many
    notes.tidy()
    assert _loose(place) == 0
    assert _as_they_are(own) == len(commits)
    assert dict(notes.read()).keys() == set(commits)
    notes.add({commits[1]: ["more"]}, NOW)
    notes.publish()
    notes.tidy()
    assert 0 < _loose(place) < many / 10
    assert _commits(remote) == 3


def test_a_lock_of_a_git_that_was_killed_stops_no_later_write(
    tmp_path: Path, remote: GitRepository, writer: Callable[[str], Notes]
) -> None:
    """One that may be somebody's is left alone."""
    commit, notes = "1" * 40, writer("one")
    (place,) = (tmp_path / "one").iterdir()
    lock = place / f"{REF}.lock"
    lock.parent.mkdir(parents=True)
    lock.touch()
    notes.recover()
    with pytest.raises(SourceError):
        notes.add({commit: ["a"]}, NOW)
    os.utime(lock, (0, 0))
    notes.recover()
    notes.add({commit: ["a"]}, NOW)
    notes.publish()
    assert _lines(remote, commit) == ["a"]


def test_what_was_pushed_is_not_pushed_again(
    remote: GitRepository, writer: Callable[[str], Notes], repository: GitRepository
) -> None:
    """Nobody is contacted; another process knows it, too."""
    commit = repository.commit({"a": "1"})
    notes = writer("one")
    notes.add({commit: ["a"]}, NOW)
    notes.publish()
    remote.path.rename(remote.path.with_name("away"))
    notes.publish()
    writer("one").publish()
    notes.add({commit: ["b"]}, NOW)
    with pytest.raises(SourceError, match=r"remote\.git"):
        notes.publish()
    remote.path.with_name("away").rename(remote.path)
    writer("one").publish()
    assert remote.git("ls-tree", "-r", "--name-only", REF) == f"{commit[:2]}/{commit[2:]}"
    assert _commits(remote) == 2


def test_a_remote_that_takes_nothing_is_not_asked_without_end(
    remote: GitRepository, writer: Callable[[str], Notes], repository: GitRepository
) -> None:
    """What it says is told; the notes stay here until it takes them."""
    hook = remote.path / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho asked >> asked\nexit 1\n")
    hook.chmod(0o755)
    notes = writer("one")
    notes.add({repository.commit({"a": "1"}): ["a"]}, NOW)
    with pytest.raises(SourceError, match="pre-receive hook declined"):
        notes.publish()
    assert (remote.path / "asked").read_text() == "asked\n"
    hook.unlink()
    notes.publish()
    assert _commits(remote) == 1


def test_no_program_of_the_repository_is_started(repository: GitRepository, opened: Opener) -> None:
    """Its hooks hear of no ref."""
    trace = repository.path / "trace"
    hook = repository.path / ".git/hooks/reference-transaction"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\necho $1 >> {trace}\n")
    hook.chmod(0o755)
    commit = repository.commit({"a": "1"})
    trace.unlink()
    notes = opened("repo").notes_at(REF)
    notes.add({commit: ["a"]}, NOW)
    notes.publish()
    assert not trace.exists()
    notes.close()
