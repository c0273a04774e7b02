"""`validate` keeps what it needs of a configuration, and checks all of it whenever it is another one."""

from __future__ import annotations

import os
import re
import shutil
from functools import partial
from typing import TYPE_CHECKING

import pytest

from tests.program import EMBEDDED, Fleet, manifest

if TYPE_CHECKING:
    from pathlib import Path

_FILE = "models.d/a-1.0.0.yaml"
_LONG = "0123456789abcdef0123456789abcdef"
_SHORT = {"RECONCILER_WEB__TOKEN": "short"}
_WITH_TOKEN = f'{EMBEDDED}[web]\ntoken = "{_LONG}"\n'


def _kept(fleet: Fleet) -> list[Path]:
    return sorted((fleet.folder / ".git" / "reconciler").glob("settings*"))


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (f'{EMBEDDED}[web]\ntoken = "{"x" * 15}"\n', "web.token"),
        (f"{_WITH_TOKEN}[sauce]\n", "sauce"),
        (f"{_WITH_TOKEN}[limits]\nfaults = 0\n", "limits.faults"),
    ],
)
def test_a_configuration_that_is_written_anew_is_checked_anew(
    fleet: Fleet, written: str, expected: str
) -> None:
    """Also where a secret alone is another one; and what is wrong is told each time."""
    fleet.configure(_WITH_TOKEN)
    assert [fleet("validate", _FILE).code for _ in range(2)] == [0, 0]
    fleet.configure(written)
    for _ in range(2):
        done = fleet("validate", _FILE)
        assert (done.code, expected in done.err) == (2, True), done.err


def test_what_another_configuration_says_of_checking_holds_at_once(fleet: Fleet) -> None:
    """Another folder, and another target."""
    fleet.repository.write({"other/b.yaml": manifest("b@2.0.0")})
    assert fleet.json("validate").json["manifests"] == 2
    fleet.configure("[targets.two]\nkind = 'embedded'\npath = 'other'\n")
    for _ in range(2):
        assert fleet.json("validate").json["manifests"] == 1
        assert "--target local: no such target" in fleet("validate", "--target", "local").err
        assert fleet("validate", "--target", "two", _FILE).code == 0


def test_what_is_doubtful_is_told_each_time(fleet: Fleet) -> None:
    """As it is where the whole configuration is checked."""
    same = "kind = 'embedded'\ndatabase = 'one.db'\n"
    fleet.configure(f"[targets.one]\n{same}[targets.two]\n{same}")
    said = [fleet("validate", _FILE).err for _ in range(2)]
    assert said[0] == said[1]
    assert "warning: targets one and two are one project and workspace" in said[0]


def test_no_secret_is_kept_and_nothing_where_variables_are_settings(fleet: Fleet) -> None:
    """A variable may hold one, which is checked each time."""
    fleet.configure(_WITH_TOKEN)
    for _ in range(2):
        assert fleet("validate", _FILE, RECONCILER_WEB__TOKEN=_LONG).code == 0
        assert _kept(fleet) == []
        assert "web.token" in fleet("validate", _FILE, **_SHORT).err
    assert fleet("validate", _FILE).code == 0
    (kept,) = _kept(fleet)
    assert _LONG not in kept.read_text("utf-8")
    assert kept.stat().st_mode & 0o077 == 0
    assert "web.token" in fleet("validate", _FILE, **_SHORT).err


_ODD = (b"null", b"7", b'""', b"[]", b"{}", b"[[[1]]]", b'{"models.d": true}')
"""What may stand in a value's place, and is JSON."""


@pytest.mark.parametrize(
    "part", [rb'"\."', rb"\{.*?\}", rb'"models.d"', rb"false", rb"250000", rb"\[\]", rb"^\w+"]
)
def test_what_is_kept_may_be_damaged(fleet: Fleet, part: bytes) -> None:
    """Whatever stands in the place of any part, it is made anew."""
    assert fleet("validate", _FILE).code == 0
    (kept,) = _kept(fleet)
    whole = kept.read_bytes()
    for odd in _ODD:
        damaged = re.sub(part, odd, whole, count=1)
        assert damaged != whole or odd == b"[]"
        kept.write_bytes(damaged)
        assert (fleet("validate", _FILE).code, kept.read_bytes()) == (0, whole)


@pytest.mark.parametrize("content", [b"", b"junk", b"\xff\n\xff", b"[" * 9999, b"\n\n"])
def test_what_is_kept_may_be_anything(fleet: Fleet, content: bytes) -> None:
    """It is made anew."""
    assert fleet("validate", _FILE).code == 0
    (kept,) = _kept(fleet)
    whole = kept.read_bytes()
    kept.write_bytes(content)
    assert (fleet("validate", _FILE).code, kept.read_bytes()) == (0, whole)


def test_what_is_in_the_way_is_not_waited_for_nor_followed(fleet: Fleet, tmp_path: Path) -> None:
    """A pipe, a link and a folder; nothing half made is left beside it."""
    assert fleet("validate", _FILE).code == 0
    (kept,) = _kept(fleet)
    whole = kept.read_bytes()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(whole)
    for put in (os.mkfifo, partial(os.symlink, elsewhere), os.mkdir):
        kept.unlink()
        put(kept)
        assert fleet("validate", _FILE).code == 0
        assert _kept(fleet) == [kept]
        assert (not kept.is_symlink() and kept.is_file() and kept.read_bytes() == whole) or kept.is_dir()


def test_each_work_tree_and_each_configuration_keeps_its_own(fleet: Fleet) -> None:
    """None makes another's anew."""
    fleet.repository.git("worktree", "add", "-q", "--detach", "tree")
    fleet.repository.write({"other.toml": EMBEDDED, "tree/reconciler.toml": EMBEDDED})
    given = (("reconciler.toml", _FILE), ("other.toml", _FILE), ("tree/reconciler.toml", f"tree/{_FILE}"))
    contents = []
    for _ in range(2):
        assert [fleet("validate", "--config", *one).code for one in given] == [0, 0, 0]
        contents.append({file: file.stat().st_ino for file in _kept(fleet)})
    assert contents[0] == contents[1]
    assert len(contents[0]) == len(given)


def test_nothing_is_kept_where_it_cannot_be(fleet: Fleet) -> None:
    """Something is in its way, or there is no repository; the answer is the same."""
    (fleet.folder / ".git" / "reconciler").write_text("a file")
    assert fleet("validate", _FILE).code == 0
    shutil.rmtree(fleet.folder / ".git")
    assert fleet("validate", _FILE).code == 0
    assert sorted(path.name for path in fleet.folder.iterdir()) == ["models.d", "reconciler.toml"]


@pytest.mark.skipif(os.geteuid() != 0, reason="takes another user's repository")
def test_nothing_is_kept_in_a_repository_of_another_user(fleet: Fleet) -> None:
    """Who may write there could make it say anything, and could not read what root left."""
    os.chown(fleet.folder / ".git", 65534, 65534)
    assert fleet("validate", "--config", "reconciler.toml", _FILE).code == 0
    assert _kept(fleet) == []
