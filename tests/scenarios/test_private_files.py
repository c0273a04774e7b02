"""What the program writes is for its user only, whatever the umask and whoever made the folder."""

from __future__ import annotations

import os
import signal
import stat
import struct
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.forked import Process
from tests.program import EMBEDDED, FOLLOW, Fleet

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_NOBODY = 65534
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_DEFAULT_ACCESS = struct.pack("<I" + "HHI" * 3, 2, 1, 7, 0xFFFFFFFF, 4, 7, 0xFFFFFFFF, 0x20, 7, 0xFFFFFFFF)


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    """A repository that is fetched by URL, an embedded registry, and a state folder made by others."""
    made = Fleet(tmp_path / "fleet")
    made.configure(f'{EMBEDDED}[source]\nrepo = "file://{made.folder}"\n')
    made.declare("a@1.0.0", "b@1.0.0")
    folder = made.folder / ".reconciler"
    folder.mkdir()
    folder.chmod(0o777)
    if os.geteuid() == 0:
        os.chown(folder, _NOBODY, _NOBODY)
    return made


def _open_to_others(folder: Path) -> Iterator[str]:
    """What others may read or write below a folder, by its own mode."""
    for path in folder.rglob("*"):
        mode = path.lstat().st_mode
        if mode & _OTHERS and not stat.S_ISLNK(mode):
            yield f"{path.relative_to(folder)} {stat.S_IMODE(mode):o}"


def _reachable(folder: Path) -> Iterator[str]:
    """The same of what others can come to: not below a folder that is closed to them."""
    for path in folder.iterdir():
        mode = path.lstat().st_mode
        if mode & _OTHERS:
            yield f"{path.relative_to(folder)} {stat.S_IMODE(mode):o}"
            if stat.S_ISDIR(mode):
                yield from _reachable(path)


def _use_everything(fleet: Fleet) -> set[str]:
    """Runs whatever writes, with umask 0; gives the names of the files that a loop has open."""
    assert fleet.process("apply", umask=0).code == 0
    for command in ("compact --days 0", "rebuild", "migrate"):
        assert fleet.process("state", *command.split(), umask=0).code == 0
    with fleet.spawn("run", umask=0) as loop:
        assert loop.stderr is not None
        next(line for line in loop.stderr if "tick" in line)
        names = {path.name for path in (fleet.folder / ".reconciler").iterdir()}
        assert list(_reachable(fleet.folder / ".reconciler")) == []
        loop.send_signal(signal.SIGTERM)
        loop.communicate(timeout=30)
    return names


def test_with_umask_0_in_a_folder_that_others_made_every_file_is_private(fleet: Fleet) -> None:
    """State, log, lock, index, mirror and registry, at rest and while a loop runs."""
    names = _use_everything(fleet)

    assert {"state.db", "state.db-wal", "state.db-shm", "state.db.lock", "registry-local.db"} <= names
    assert any("index" in name for name in names)
    assert any(path.is_dir() for path in (fleet.folder / ".reconciler").iterdir())
    assert list(_open_to_others(fleet.folder / ".reconciler")) == []


def test_a_folder_that_gives_others_access_to_new_files_is_overruled(fleet: Fleet) -> None:
    """A default access list takes the umask's place: nothing that others can come to is open to them."""
    folder = fleet.folder / ".reconciler"
    try:
        os.setxattr(folder, "system.posix_acl_default", _DEFAULT_ACCESS)
    except OSError:
        pytest.skip("the file system has no access lists")
    (folder / "probe").touch()
    assert stat.S_IMODE((folder / "probe").stat().st_mode) == 0o666
    (folder / "probe").unlink()

    _use_everything(fleet)
    assert list(_reachable(folder)) == []


def test_folders_that_the_program_makes_are_private(tmp_path: Path) -> None:
    """All of them, parents included."""
    fleet = Fleet(tmp_path / "fleet")
    fleet.configure(
        f'[source]\nrepo = "file://{fleet.folder}"\n[state]\nurl = "sqlite:///new/deep/state.db"\n'
        '[targets.local]\nkind = "embedded"\ndatabase = "other/deep/registry.db"\npublish_seconds = 0\n'
        + FOLLOW
    )
    fleet.declare("a@1.0.0")
    assert fleet.process("apply", umask=0).code == 0

    for name in ("new", "other"):
        assert stat.S_IMODE((fleet.folder / name).stat().st_mode) == 0o700
        assert list(_open_to_others(fleet.folder / name)) == []


def test_a_registrys_database_of_an_earlier_version_is_closed_to_others(fleet: Fleet) -> None:
    """It was made with the umask's mode once; the index too."""
    fleet("apply")
    folder = fleet.folder / ".reconciler"
    for name in ("registry-local.db", "index.db"):
        (folder / name).chmod(0o666)
    fleet.declare("c@1.0.0")
    fleet("apply")

    assert list(_open_to_others(folder)) == []


def test_a_served_registrys_database_is_private(tmp_path: Path) -> None:
    """`registry serve` on a path of its own."""
    file = tmp_path / "open" / "registry.db"
    program = [sys.executable, "-m", "reconciler", "registry", "serve", "--port", "0", "--db", str(file)]
    with Process(program, umask=0, stderr=subprocess.PIPE, text=True) as served:
        assert served.stderr is not None
        next(line for line in served.stderr if "embedded registry" in line)
        paths = list(_open_to_others(tmp_path))
        served.terminate()
    assert paths == []


def test_a_file_that_is_no_registry_keeps_its_mode(tmp_path: Path) -> None:
    """A wrong path is refused, and nothing is changed about what is there."""
    file = tmp_path / "notes.txt"
    file.write_text("mine", encoding="ascii")
    file.chmod(0o644)
    program = [sys.executable, "-m", "reconciler", "registry", "serve", "--port", "0", "--db", str(file)]
    done = subprocess.run(program, capture_output=True, text=True, check=False)

    assert done.returncode != 0
    assert (file.read_text(encoding="ascii"), stat.S_IMODE(file.stat().st_mode)) == ("mine", 0o644)
