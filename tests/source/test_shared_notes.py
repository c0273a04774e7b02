"""Git's notes as a set of lines: written once, shared by several writers, and read by git itself."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest

from reconciler.app.audit import mended
from reconciler.errors import SourceError
from reconciler.remote import parse_remote
from reconciler.source.notes import shared_notes
from tests.git_repository import GitRepository, path_with_git
from tests.small_disk import small_disk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from reconciler.remote import Remote
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
            notes = shared_notes(_address(remote), REF, tmp_path / name, timeout=30.0, sha256=False)
            stack.callback(notes.close)
            notes.recover()
            return notes

        yield opened


def _address(remote: GitRepository) -> Remote:
    address = parse_remote(f"file://{remote.path}")
    assert address is not None
    return address


def _lines(repository: GitRepository, commit: str) -> list[str]:
    return repository.git("notes", "--ref", REF, "show", commit).splitlines()


def _commits(repository: GitRepository) -> int:
    return int(repository.git("rev-list", "--count", REF))


def test_git_itself_shows_what_was_written(repository: GitRepository, opened: Opener) -> None:
    """Beside each commit, in the order of the lines; nothing is written twice."""
    commits = [repository.commit({"a": str(n)}) for n in range(3)]
    notes = opened("repo").notes_at(REF)
    assert notes.tip is None
    assert notes.add({commits[0]: ["2", "1"], commits[2]: ["3"]}, NOW)
    assert notes.add({commits[0]: ["0", "2"]}, NOW)
    assert not notes.add({commits[0]: ["1"], commits[2]: ["3"]}, NOW)
    assert notes.tip == repository.git("rev-parse", REF)
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


def test_what_others_wrote_stays_byte_for_byte(repository: GitRepository, opened: Opener) -> None:
    """Also where it is not UTF-8, or has characters that only Python takes for the end of a line."""
    commit = repository.commit({"a": "1"})
    others = b"a\x0b\xff \xe2\x80\xa8b"
    (repository.path / "note").write_bytes(others)
    repository.git("notes", "--ref", REF, "add", "-F", "note", commit)
    notes = opened("repo").notes_at(REF)
    notes.add({commit: ["line"]}, NOW)
    notes.close()
    assert os.fsencode(repository.git("cat-file", "blob", f"{REF}:{commit}")) == others + b"\nline"


def test_writers_of_one_repository_at_the_same_time_lose_nothing(
    repository: GitRepository, opened: Opener
) -> None:
    """Each writes on top of what was written while it read."""
    commit = repository.commit({"a": "1"})
    both = [opened("repo").notes_at(REF) for _ in range(2)]

    def write(number: int) -> None:
        for line in range(2):
            both[number].add({commit: [f"{number}{line}"]}, NOW)

    with ThreadPoolExecutor(len(both)) as pool:
        list(pool.map(write, range(len(both))))
    for notes in both:
        notes.close()
    assert _lines(repository, commit) == ["00", "01", "10", "11"]


def test_a_ref_that_comes_while_it_is_asked_about_is_written_on(
    repository: GitRepository, opened: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another writer made it between two questions: it names a commit as any other does."""
    commit = repository.commit({"a": "1"})
    first, second = (opened("repo").notes_at(REF) for _ in range(2))
    first.add({commit: ["0"]}, NOW)
    once = tmp_path / "once"
    unseen = f"*--quiet*{REF}^{{commit}}*) [ -e {once} ] || {{ touch {once}; exit 1; }}"
    monkeypatch.setenv("PATH", path_with_git(tmp_path, unseen))
    second.add({commit: ["1"]}, NOW)
    first.close()
    second.close()
    assert once.exists()
    assert _lines(repository, commit) == ["0", "1"]


def test_a_write_that_fails_leaves_nothing_behind(repository: GitRepository, opened: Opener) -> None:
    """No report of `git fast-import` in somebody's repository, and not one more with every attempt."""
    commit = repository.commit({"a": "1"})
    lock = repository.path / ".git" / f"{REF}.lock"
    lock.parent.mkdir(parents=True)
    lock.touch()
    notes = opened("repo").notes_at(REF)
    with pytest.raises(SourceError, match=r"reconciler\.lock"):
        notes.add({commit: ["a"]}, NOW)
    assert list(repository.path.glob(".git/fast_import_crash*")) == []
    lock.unlink()
    notes.add({commit: ["a"]}, NOW)
    notes.close()
    assert _lines(repository, commit) == ["a"]


def _overwrite(files: Iterable[Path], change: Callable[[bytes], bytes]) -> None:
    for file in files:
        file.chmod(0o644)
        file.write_bytes(change(file.read_bytes()))


def _all_objects(place: Path) -> list[Path]:
    return [file for file in place.glob("objects/*/*") if file.suffix != ".idx"]


def _flipped(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 0xFF]) + content[middle + 1 :]


def _remove(files: Iterable[Path]) -> None:
    for file in files:
        file.unlink()


def _replaced(place: Path) -> None:
    shutil.rmtree(place)
    place.write_text("")


def _point(repository: GitRepository, kind: str) -> None:
    """Lets the ref name what is no commit, of which git itself finds nothing wrong."""
    other = repository.git("hash-object", "-w", "--stdin", stdin=b"other")
    if kind == "tree":
        other = repository.git("mktree", stdin=f"100644 blob {other}\tREADME\n".encode())
    elif kind == "tag":
        repository.git("tag", "-a", "-m", "Tag", "other", other)
        other = repository.git("rev-parse", "other")
    repository.git("update-ref", REF, other)


DAMAGE: dict[str, Callable[[Path], object]] = {
    "objects cut short": lambda place: _overwrite(_all_objects(place), lambda old: old[: len(old) // 2]),
    "objects with other bytes": lambda place: _overwrite(_all_objects(place), _flipped),
    "objects gone": lambda place: _remove(_all_objects(place)),
    "a ref without a commit": lambda place: (place / REF).write_text(f"{'1' * 40}\n"),
    "an empty ref": lambda place: (place / REF).write_text(""),
    "a ref that is gone": lambda place: _remove([place / REF]),
    "a ref to a blob": lambda place: _point(GitRepository(place, bare=True), "blob"),
    "a ref to a tree": lambda place: _point(GitRepository(place, bare=True), "tree"),
    "a ref to a tag of a blob": lambda place: _point(GitRepository(place, bare=True), "tag"),
    "a note of the last push that is damaged": lambda place: (place / "refs/pushed/notes").write_text("x"),
    "packed refs that are none": lambda place: (place / "packed-refs").write_text("what\n"),
    "history cut off": lambda place: (place / "shallow").write_text("what\n"),
    "no HEAD": lambda place: _remove([place / "HEAD"]),
    "another configuration": lambda place: (place / "config").write_text("[core\n"),
    "other ids": lambda place: (place / "config").write_text(_SHA256),
    "a merge that was left": lambda place: (place / "NOTES_MERGE_REF").write_text(f"ref: {REF}\n"),
    "a file in its place": _replaced,
}
_SHA256 = "[core]\n\trepositoryFormatVersion = 1\n\tbare = true\n[extensions]\n\tobjectFormat = sha256\n"
_HARMLESS = ("a ref that is gone", "a merge that was left")


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_repository_of_notes_that_is_damaged_is_begun_anew(
    tmp_path: Path, remote: GitRepository, writer: Callable[[str], Notes], kind: str
) -> None:
    """Once, and said so; what is to be written comes on top of what the remote has."""
    commits = [f"{number:08x}" * 5 for number in range(3)]
    first = writer("one")
    first.add({commit: ["a"] for commit in commits}, NOW)
    first.publish()
    (place,) = (tmp_path / "one").iterdir()
    DAMAGE[kind](place)
    messages: list[str] = []
    notes = shared_notes(_address(remote), REF, tmp_path / "one", timeout=30.0, sha256=False)

    def work() -> None:
        notes.add({commits[0]: ["b"]}, NOW)
        notes.publish()

    mended(notes, work, messages.append)
    mended(notes, work, messages.append)
    notes.close()
    assert [f"{place}.damaged" in text for text in messages] == [True] * (kind not in _HARMLESS)
    assert [_lines(remote, commit) for commit in commits] == [["a", "b"], ["a"], ["a"]]


@pytest.mark.parametrize("kind", ["blob", "tree", "tag"])
def test_a_remote_whose_ref_is_none_of_notes_is_told_what_to_do(
    remote: GitRepository, writer: Callable[[str], Notes], kind: str
) -> None:
    """Nothing is replaced here, and all is pushed once it is removed there."""
    notes, messages = writer("one"), list[str]()
    notes.add({"1" * 40: ["a"]}, NOW)
    notes.publish()
    notes.add({"2" * 40: ["b"]}, NOW)
    _point(remote, kind)
    words = f"{REF} there is a {kind} and no commit of notes; remove it with `git push URL :{REF}`"
    for _ in range(2):
        with pytest.raises(SourceError, match=re.escape(words)):
            mended(notes, notes.publish, messages.append)
    remote.git("update-ref", "-d", REF)
    mended(notes, notes.publish, messages.append)
    assert messages == []
    assert len(remote.git("ls-tree", "-r", REF).splitlines()) == 2


@pytest.mark.parametrize("kind", ["blob", "tree", "tag"])
def test_a_ref_of_the_reconciled_repository_that_is_none_of_notes_is_told_and_left(
    repository: GitRepository, opened: Opener, kind: str
) -> None:
    """It is somebody's; once it is removed, all is written again."""
    commit = repository.commit({"a": "1"})
    _point(repository, kind)
    notes = opened("repo").notes_at(REF)
    words = f"{REF} is a {kind} and no commit of notes; remove it with `git update-ref -d {REF}`"
    with pytest.raises(SourceError, match=re.escape(words)):
        mended(notes, lambda: notes.add({commit: ["a"]}, NOW), list[str]().append)
    repository.git("update-ref", "-d", REF)
    notes.add({commit: ["a"]}, NOW)
    notes.close()
    assert _lines(repository, commit) == ["a"]


def test_damage_that_is_met_while_the_remote_tells_how_far_it_is_is_mended(
    tmp_path: Path, remote: GitRepository, writer: Callable[[str], Notes]
) -> None:
    """A note that what is fetched is a delta of: git names both ends of the line in one breath."""
    commit = "1" * 40
    lines = [sha256(b"%d" % number).hexdigest() for number in range(99)]
    first = writer("one")
    first.add({commit: lines}, NOW)
    first.publish()
    blob = remote.git("hash-object", "-w", "--stdin", stdin="\n".join(lines[1:]).encode())
    tree = remote.git("mktree", stdin=f"100644 blob {blob}\t{commit}\n".encode())
    remote.git("update-ref", REF, remote.git("commit-tree", tree, "-p", REF, "-m", "Fewer"))
    remote.git("repack", "-a", "-d", "-f", "-q")
    (place,) = (tmp_path / "one").iterdir()
    note = max(_all_objects(place), key=lambda file: file.stat().st_size)
    _overwrite([note], lambda old: old[: len(old) // 2])
    messages: list[str] = []
    notes = shared_notes(_address(remote), REF, tmp_path / "one", timeout=30.0, sha256=False)
    mended(notes, notes.fetch, messages.append)
    notes.close()
    assert [f"{place}.damaged" in text for text in messages] == [True]


def test_a_damaged_repository_is_kept_until_another_stands_in_its_place(
    tmp_path: Path, writer: Callable[[str], Notes]
) -> None:
    """Also where the process died in the middle, or the disk was full: lines may be in it alone."""
    writer("one").add({"1" * 40: ["a"]}, NOW)
    (place,) = (tmp_path / "one").iterdir()
    aside, new = (place.with_name(f"{place.name}.{word}") for word in ("damaged", "new"))
    place.rename(aside)
    kept = sorted(file.relative_to(aside) for file in aside.rglob("*"))
    new.mkdir()
    (new / "objects").mkdir()
    writer("one").add({"2" * 40: ["b"]}, NOW)
    assert sorted(file.relative_to(aside) for file in aside.rglob("*")) == kept
    assert (place.is_dir(), new.exists()) == (True, False)


def test_a_sound_repository_is_kept_whatever_a_remote_says(
    remote: GitRepository, writer: Callable[[str], Notes], repository: GitRepository
) -> None:
    """Also where it is the remote that is damaged: it has the only copy of what could not be pushed."""
    notes, messages = writer("one"), list[str]()
    notes.add({repository.commit({"a": "1"}): ["a"]}, NOW)
    notes.publish()
    tip = notes.tip
    _overwrite(_all_objects(remote.path), lambda _: b"")
    (remote.path / REF).write_text(f"{'1' * 40}\n")
    notes.add({"2" * 40: ["b"]}, NOW)
    with pytest.raises(SourceError, match=r"remote\.git"):
        mended(notes, notes.publish, messages.append)
    assert messages == []
    assert tip is not None
    assert notes.contain(tip)


def test_a_disk_that_is_full_is_said_and_stays_usable(
    tmp_path: Path, remote: GitRepository, writer: Callable[[str], Notes]
) -> None:
    """What a write began is removed before the next, and all is written once there is room."""
    (tmp_path / "one").mkdir()
    lines = {f"{number:08x}" * 5: [os.urandom(2000).hex()] for number in range(150)}
    with small_disk(tmp_path / "one", "400k"):
        notes = writer("one")
        (place,) = (tmp_path / "one").iterdir()
        for _ in range(2):
            with pytest.raises(SourceError, match="the disk is full; make room"):
                notes.add(lines, NOW)
            (left,) = place.glob("objects/pack/tmp_*")
            os.utime(left, (0, 0))
            notes.recover()
        assert list(place.glob("objects/pack/*")) == list(place.glob("fast_import_crash*")) == []
        subprocess.run(["mount", "-o", "remount,size=8m", str(tmp_path / "one")], check=True)
        notes.add(lines, NOW)
        notes.publish()
    assert len(remote.git("ls-tree", "-r", REF).splitlines()) == len(lines)


def test_a_remote_that_says_nothing_is_given_up(tmp_path: Path) -> None:
    """After the timeout; the notes stay here."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        there = parse_remote(f"http://127.0.0.1:{silent.getsockname()[1]}/models.git")
        assert there is not None
        notes = shared_notes(there, REF, tmp_path, timeout=0.2, sha256=False)
        notes.recover()
        notes.add({"1" * 40: ["a"]}, NOW)
        with pytest.raises(SourceError, match="gave no answer"):
            notes.publish()
        assert notes.tip is not None
        notes.close()


def test_a_push_may_take_its_time_as_long_as_the_remote_says_something(
    remote: GitRepository, tmp_path: Path
) -> None:
    """A first push of very many notes, or a hook that looks at each, is no remote that hangs."""
    hook = remote.path / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\nfor i in 1 2 3 4 5 6; do echo $i; sleep 0.25; done\n")
    hook.chmod(0o755)
    notes = shared_notes(_address(remote), REF, tmp_path / "slow", timeout=1.0, sha256=False)
    notes.recover()
    notes.add({"1" * 40: ["a"]}, NOW)
    notes.publish()
    notes.close()
    assert _commits(remote) == 1


def test_options_of_a_push_that_the_user_configured_are_not_sent(
    remote: GitRepository, writer: Callable[[str], Notes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They, and signatures, are for the user's own repositories; a host may refuse them."""
    configuration = tmp_path / "gitconfig"
    configuration.write_text("[push]\npushOption = x\ngpgSign = true\nfollowTags = true\nnegotiate = true\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(configuration))
    notes = writer("one")
    notes.add({"1" * 40: ["a"]}, NOW)
    notes.publish()
    assert _commits(remote) == 1
