"""Reading a directory of this machine."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from reconciler.preflight.opening import open_files
from reconciler.preflight.package import FilesUnavailable, ModelFiles
from tests.preflight.samples import write

if TYPE_CHECKING:
    from pathlib import Path


def opened(address: str, local: Path | None) -> ModelFiles:
    files = open_files(address, local=local)
    assert files is not None
    return files


def test_files_are_listed_with_their_sizes_below_a_prefix(tmp_path: Path) -> None:
    """Keys are relative to the source and have slashes."""
    write(tmp_path / "m/model/a.txt", "abc")
    write(tmp_path / "m/model/deep/b.txt", "")
    write(tmp_path / "m/other/c.txt", "x")
    files = opened("./m", tmp_path)
    assert sorted(files.list("model/")) == [("model/a.txt", 3), ("model/deep/b.txt", 0)]
    assert len(list(files.list(""))) == 3
    assert list(files.list("none/")) == []
    assert files.read("model/a.txt", 2) == b"ab"
    files.close()


def test_links_are_not_followed(tmp_path: Path) -> None:
    """A link could lead anywhere; what it leads to is not a file of the model."""
    write(tmp_path / "secret/key", "SECRET")
    write(tmp_path / "m/model/a.txt", "abc")
    (tmp_path / "m/model/link").symlink_to(tmp_path / "secret/key")
    (tmp_path / "m/model/directory").symlink_to(tmp_path / "secret")
    files = opened("./m", tmp_path)
    assert list(files.list("model/")) == [("model/a.txt", 3)]
    with pytest.raises(FilesUnavailable):
        files.read("model/link", 10)


def test_a_pipe_is_neither_listed_nor_waited_for(tmp_path: Path) -> None:
    """Only ordinary files are read."""
    (tmp_path / "m").mkdir()
    os.mkfifo(tmp_path / "m/pipe")
    files = opened("./m", tmp_path)
    assert list(files.list("")) == []
    for key in ("pipe", "."):
        with pytest.raises(FilesUnavailable, match="no ordinary file"):
            files.read(key, 10)


@pytest.mark.parametrize("address", ["../outside", "/etc", "file:///etc", "./inside/../../outside", "./link"])
def test_nothing_outside_the_allowed_directory_is_read(address: str, tmp_path: Path) -> None:
    """Whoever may commit a manifest must not look around on the machine that reads it."""
    local = tmp_path / "allowed"
    (local / "inside").mkdir(parents=True)
    (tmp_path / "outside").mkdir()
    (local / "link").symlink_to(tmp_path / "outside")
    with pytest.raises(FilesUnavailable) as caught:
        open_files(address, local=local)
    assert caught.value.code == "preflight-not-examined"


def test_no_local_path_is_read_unless_a_directory_is_allowed(tmp_path: Path) -> None:
    """The default."""
    with pytest.raises(FilesUnavailable, match="not read here"):
        open_files(str(tmp_path))


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_a_directory_without_permission_is_told(tmp_path: Path) -> None:
    """As denied, and not as missing."""
    write(tmp_path / "m/model/a", "x")
    (tmp_path / "m/model").chmod(0)
    try:
        with pytest.raises(FilesUnavailable, match="permissions"):
            list(opened("./m", tmp_path).list("model/"))
    finally:
        (tmp_path / "m/model").chmod(0o700)


def test_a_file_that_is_gone_is_told(tmp_path: Path) -> None:
    """It may go between the list and the reading."""
    (tmp_path / "m").mkdir()
    with pytest.raises(FilesUnavailable, match="no such file"):
        opened("./m", tmp_path).read("model/a", 10)


def test_a_path_that_cannot_be_one_is_told(tmp_path: Path) -> None:
    """Such as one with a null character."""
    with pytest.raises(FilesUnavailable):
        open_files("./a\0b", local=tmp_path)
