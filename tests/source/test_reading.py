"""Which files a commit has, and what is in them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.errors import SourceError
from reconciler.source.commands import Commands
from reconciler.source.plumbing import blocks
from tests.effort import examples
from tests.source.asking import attributed, changed_paths

if TYPE_CHECKING:
    from pathlib import Path

    from tests.git_repository import GitRepository
    from tests.source.conftest import Opener

ODD_NAMES = [
    b"models.d/\xe6\xa8\xa1\xe5\x9e\x8b.yaml",
    b"models.d/caf\xe9.yaml",
    b"models.d/line\nbreak.yaml",
    b'models.d/"quoted" \t tab.yaml',
    b"models.d/-rf.yaml",
    b"models.d/:(top)magic*.yaml",
    b"models.d/deep/er/than/most/a.yaml",
]


def _mktree(repository: GitRepository, names: list[bytes]) -> str:
    """A commit with files of any name, made without a work tree. Returns its id."""
    blob = repository.git("hash-object", "-w", "--stdin", stdin=b"x")
    index = b"".join(b"100644 " + blob.encode() + b"\t" + name + b"\0" for name in names)
    repository.git("read-tree", "--empty")
    repository.git("update-index", "-z", "--index-info", stdin=index)
    return repository.git("commit-tree", "-m", "odd", repository.git("write-tree"))


def test_a_snapshot_lists_every_file_below_a_folder(repository: GitRepository, opened: Opener) -> None:
    """Sorted, with blob, mode and size; nothing from outside the folder, and nothing uncommitted."""
    (repository.path / "models.d").mkdir()
    (repository.path / "models.d" / "link.yaml").symlink_to("../secret")
    commit = repository.commit(
        {"models.d/b.yaml": "22", "models.d/team/a.yaml": "1", "models.d.bak/c.yaml": "3", "top": ""}
    )
    repository.write({"models.d/uncommitted.yaml": "no", "models.d/b.yaml": "changed"})
    snapshot = opened("repo").snapshot(commit, "models.d")
    assert (snapshot.commit, snapshot.path, snapshot.exists) == (commit, "models.d", True)
    assert [(file.path, file.mode, file.size) for file in snapshot.files] == [
        ("models.d/b.yaml", "100644", 2),
        ("models.d/link.yaml", "120000", 9),
        ("models.d/team/a.yaml", "100644", 1),
    ]


def test_a_submodule_is_listed_and_not_entered(repository: GitRepository, opened: Opener) -> None:
    """Mode 160000 and size 0."""
    repository.git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},models.d/sub")
    repository.git("commit", "--quiet", "--message=sub")
    source = opened("repo")
    (file,) = source.snapshot(source.head(), "models.d").files
    assert (file.path, file.mode, file.size, file.blob) == ("models.d/sub", "160000", 0, "1" * 40)


@pytest.mark.parametrize("path", ["absent", "models.d/a.yaml", "link", "models.d/none", "link/models.d"])
def test_what_is_no_directory_does_not_exist(repository: GitRepository, opened: Opener, path: str) -> None:
    """Absent, a file, a symbolic link to a folder: a snapshot that says so instead of an error."""
    repository.path.joinpath("link").symlink_to("models.d")
    commit = repository.commit({"models.d/a.yaml": "1"})
    snapshot = opened("repo").snapshot(commit, path)
    assert not snapshot.exists
    assert snapshot.files == ()


@pytest.mark.parametrize("path", ["", ".", "./"])
def test_the_root_holds_everything(repository: GitRepository, opened: Opener, path: str) -> None:
    """A target's path may be the repository itself, even when it is empty."""
    source = opened("repo")
    empty = source.snapshot(repository.commit({}), path)
    assert (empty.exists, empty.files) == (True, ())
    full = source.snapshot(repository.commit({"a": "1", "b/c": "2"}), path)
    assert [file.path for file in full.files] == ["a", "b/c"]


@pytest.mark.parametrize("path", ["models.d/", "./models.d", "models.d//", "other/../models.d"])
def test_a_folder_may_be_written_in_any_way(repository: GitRepository, opened: Opener, path: str) -> None:
    """The snapshot carries its plain form."""
    commit = repository.commit({"models.d/a.yaml": "1"})
    snapshot = opened("repo").snapshot(commit, path)
    assert snapshot.path == "models.d"
    assert snapshot.exists


@pytest.mark.parametrize("path", ["..", "../x", "/etc", "a/../../b", "a\0b"])
def test_a_path_out_of_the_repository_is_refused(
    repository: GitRepository, opened: Opener, path: str
) -> None:
    """Before git is asked."""
    commit = repository.commit({"a": "1"})
    with pytest.raises(SourceError, match="leads out of the repository"):
        opened("repo").snapshot(commit, path)


def test_a_folder_that_looks_like_an_option_or_a_pattern_is_only_a_folder(
    repository: GitRepository, opened: Opener
) -> None:
    """Options and pathspec magic have no meaning in a target's path."""
    names = ["--help", ":(top)", "*", ":/x", "-r"]
    commit = repository.commit({f"{name}/a": "1" for name in names})
    source = opened("repo")
    for name in names:
        assert [file.path for file in source.snapshot(commit, name).files] == [f"{name}/a"]
        assert set(changed_paths(source, commit, name)) == {f"{name}/a"}
    assert not source.snapshot(commit, "?").exists


def test_odd_names_come_through_unchanged(repository: GitRepository, opened: Opener) -> None:
    """Newlines, quotes, Chinese, and bytes that are not UTF-8 (surrogate-escaped)."""
    commit = _mktree(repository, ODD_NAMES)
    source = opened("repo")
    paths = [file.path for file in source.snapshot(commit, "models.d").files]
    assert sorted(map(os.fsencode, paths)) == sorted(ODD_NAMES)
    assert attributed(source, commit, paths).keys() == set(paths)
    assert set(changed_paths(source, commit, "models.d")) == set(paths)


@given(st.binary(), st.sampled_from([b"\0", b"\0\0"]), st.data())
@settings(max_examples=examples(100), deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_stream_is_cut_only_where_a_record_ends(stream: bytes, end: bytes, data: st.DataObject) -> None:
    """Wherever a read ends, nothing is lost, and what people wrote is not torn apart."""
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=5)))
    pieces = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    chunks = [block.encode("utf-8", "surrogateescape") for block in blocks(pieces, end)]
    assert b"".join(chunks) == stream
    assert all(block.endswith(end) for block in chunks[:-1])
    assert all(chunks)


def test_contents_come_in_the_order_asked_by_one_process(repository: GitRepository, opened: Opener) -> None:
    """Thousands of blobs, repeats, empty and binary ones; nobody waits for anybody for ever."""
    files = {f"m/{number}": f"content {number}" for number in range(1000)}
    commit = repository.commit({**files, "m/empty": "", "m/binary": b"\0\n\xff blob 5\n"})
    source = opened("repo")
    held = {file.path: file.blob for file in source.snapshot(commit, "m").files}
    asked = [held[path] for path in sorted(held, reverse=True)] * 6
    before = Commands.started
    answers = list(source.read(asked))
    assert Commands.started == before + 1
    assert [blob for blob, _ in answers] == asked
    contents = dict(answers)
    assert contents[held["m/7"]] == b"content 7"
    assert contents[held["m/empty"]] == b""
    assert contents[held["m/binary"]] == b"\0\n\xff blob 5\n"


def test_large_blobs_do_not_block_the_pipes(repository: GitRepository, opened: Opener) -> None:
    """Megabytes out while thousands of ids are still to go in."""
    large = os.urandom(1_500_000)
    commit = repository.commit({"m/large": large, "m/small": "s"})
    source = opened("repo")
    held = {file.path: file.blob for file in source.snapshot(commit, "m").files}
    asked = [held["m/large"], *[held["m/small"]] * 30_000, held["m/large"]]
    sizes = [len(content) for _, content in source.read(asked)]
    assert (sizes[0], sizes[-1], sum(sizes)) == (1_500_000, 1_500_000, 3_030_000)


def test_reading_nothing_starts_nothing(repository: GitRepository, opened: Opener) -> None:
    """No blobs, no process."""
    repository.commit({"a": "1"})
    source = opened("repo")
    before = Commands.started
    assert list(source.read([])) == []
    assert Commands.started == before


def test_a_missing_object_is_named(repository: GitRepository, opened: Opener) -> None:
    """What was read before it is good."""
    commit = repository.commit({"a": "1", "b": "2"})
    source = opened("repo")
    good, bad = (file.blob for file in source.snapshot(commit, "").files)
    (repository.path / ".git" / "objects" / bad[:2] / bad[2:]).unlink()
    contents = source.read([good, bad])
    assert next(contents) == (good, b"1")
    with pytest.raises(SourceError, match=rf"{bad} is missing.*git fsck"):
        next(contents)


def test_a_damaged_object_is_an_error_that_names_it(repository: GitRepository, opened: Opener) -> None:
    """Bytes that do not unpack are never taken for content."""
    commit = repository.commit({"a": "some longer content " * 50})
    source = opened("repo")
    (file,) = source.snapshot(commit, "").files
    loose = repository.path / ".git" / "objects" / file.blob[:2] / file.blob[2:]
    loose.chmod(0o644)
    loose.write_bytes(loose.read_bytes()[:30])
    with pytest.raises(SourceError, match=file.blob):
        list(source.read([file.blob]))


def test_a_missing_tree_is_damage(repository: GitRepository, opened: Opener) -> None:
    """A listing never ends early without saying so."""
    commit = repository.commit({"m/a": "1", "m/sub/b": "2"})
    tree = repository.git("rev-parse", f"{commit}:m/sub")
    (repository.path / ".git" / "objects" / tree[:2] / tree[2:]).unlink()
    with pytest.raises(SourceError, match="missing or damaged"):
        opened("repo").snapshot(commit, "m")


def test_only_a_files_content_is_content(repository: GitRepository, opened: Opener) -> None:
    """A tree or a commit asked for as a blob is an error."""
    commit = repository.commit({"a": "1"})
    with pytest.raises(SourceError, match="no file's content"):
        list(opened("repo").read([commit]))


@pytest.mark.parametrize("bad", ["HEAD", "--help", "1" * 39, "G" * 40, f"{'1' * 40}\n{'2' * 40}", ""])
def test_only_whole_object_ids_reach_git(repository: GitRepository, opened: Opener, bad: str) -> None:
    """Anything else is refused before a process is started."""
    repository.commit({"a": "1"})
    source = opened("repo")
    before = Commands.started
    with pytest.raises(SourceError, match="not an object id"):
        list(source.read([bad]))
    with pytest.raises(SourceError, match="not a whole commit id"):
        source.snapshot(bad, "m")
    with pytest.raises(SourceError, match="not a whole commit id"):
        changed_paths(source, bad, "m")
    assert Commands.started == before


def test_a_commit_that_is_not_there_is_an_error(repository: GitRepository, opened: Opener) -> None:
    """For every question about a commit."""
    repository.commit({"a": "1"})
    source = opened("repo")
    for ask in (
        lambda: source.snapshot("1" * 40, ""),
        lambda: changed_paths(source, "1" * 40, ""),
        lambda: attributed(source, "1" * 40, ["a"]),
    ):
        with pytest.raises(SourceError, match="missing or damaged"):
            ask()


def test_a_revision_may_be_any_name_of_a_commit(repository: GitRepository, opened: Opener) -> None:
    """Branch, tag, short id, relative."""
    first = repository.commit({"a": "1"})
    second = repository.commit({"a": "2"})
    repository.git("tag", "-a", "-m", "a tag", "v1", first)
    source = opened("repo")
    names = {"v1": first, "HEAD~1": first, first[:8]: first, "main": second, second: second}
    assert {name: source.resolve(name) for name in names} == names


@pytest.mark.parametrize(
    "revision",
    ["nonsense", "", "--all", "-h", "^main", "main..v1", "HEAD:a", "--output=x", "a\0b", "\x1b[1m"],
)
def test_what_is_no_commit_is_refused(
    repository: GitRepository, tmp_path: Path, opened: Opener, revision: str
) -> None:
    """Options, ranges, files and control characters included."""
    repository.commit({"a": "1"})
    with pytest.raises(SourceError) as caught:
        opened("repo").resolve(revision)
    assert "\x1b" not in str(caught.value)
    assert not list(tmp_path.rglob("x"))


def test_replaced_objects_and_grafts_do_not_deceive(repository: GitRepository, opened: Opener) -> None:
    """`git replace` changes what git shows, not what a commit id means here."""
    commit = repository.commit({"a": "true"})
    (file,) = opened("repo").snapshot(commit, "").files
    false = repository.git("hash-object", "-w", "--stdin", stdin=b"false")
    repository.git("replace", file.blob, false)
    assert list(opened("repo").read([file.blob])) == [(file.blob, b"true")]
