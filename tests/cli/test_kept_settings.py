"""`validate` keeps what it needs of a configuration, and checks all of it whenever it is another one."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.program import EMBEDDED, Fleet, manifest

if TYPE_CHECKING:
    from pathlib import Path

_FILE = "models.d/a-1.0.0.yaml"
_LONG = "0123456789abcdef0123456789abcdef"
_SHORT = {"RECONCILER_WEB__TOKEN": "short"}
_WITH_TOKEN = f'{EMBEDDED}[web]\ntoken = "{_LONG}"\n'


def _kept(fleet: Fleet) -> Path:
    return fleet.folder / ".git" / "reconciler" / "settings.json"


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
        told = fleet("validate", _FILE)
        assert (told.code, expected in told.err) == (2, True), told.err


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
        assert not _kept(fleet).exists()
        assert "web.token" in fleet("validate", _FILE, **_SHORT).err
    assert fleet("validate", _FILE).code == 0
    assert _LONG not in _kept(fleet).read_text("utf-8")
    assert _kept(fleet).stat().st_mode & 0o077 == 0
    assert "web.token" in fleet("validate", _FILE, **_SHORT).err


@pytest.mark.parametrize(
    "content", [b"", b"junk", b"[]", b"{}", b'{"by": null}', b"\xff", b'{"by": ' + b"[" * 9999]
)
def test_what_is_kept_may_be_damaged(fleet: Fleet, content: bytes) -> None:
    """It is made anew."""
    assert fleet("validate", _FILE).code == 0
    whole = _kept(fleet).read_bytes()
    for damaged in (
        content,
        whole.replace(b'"budgets"', b'"budget"'),
        whole.replace(b'["models.d"', b'["a", 1'),
    ):
        _kept(fleet).write_bytes(damaged)
        assert fleet("validate", _FILE).code == 0
        assert _kept(fleet).read_bytes() == whole


def test_nothing_is_kept_where_it_cannot_be(fleet: Fleet) -> None:
    """Something is in its way, or there is no repository; the answer is the same."""
    _kept(fleet).parent.write_text("a file")
    assert fleet("validate", _FILE).code == 0
    shutil.rmtree(fleet.folder / ".git")
    assert fleet("validate", _FILE).code == 0
    assert sorted(path.name for path in fleet.folder.iterdir()) == ["models.d", "reconciler.toml"]


@pytest.mark.skipif(os.geteuid() != 0, reason="takes another user's repository")
def test_nothing_is_kept_in_a_repository_of_another_user(fleet: Fleet) -> None:
    """Who may write there could make it say anything, and could not read what root left."""
    os.chown(fleet.folder / ".git", 65534, 65534)
    assert fleet("validate", "--config", "reconciler.toml", _FILE).code == 0
    assert not _kept(fleet).exists()
