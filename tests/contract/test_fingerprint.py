"""The name under which results of reading may be kept changes with all that decides them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import reconciler
from reconciler import contract
from reconciler.contract.fingerprint import fingerprint

PACKAGE = Path(reconciler.__file__).parent
MODULES = sorted(
    path.relative_to(PACKAGE) for room in ("contract", "manifest") for path in (PACKAGE / room).rglob("*.py")
)


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A copy of both rooms."""
    for room in ("contract", "manifest"):
        shutil.copytree(PACKAGE / room, tmp_path / room, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "version.py").write_text("1.0")
    return tmp_path


def _of(folder: Path) -> str:
    return fingerprint([folder / "contract", folder / "manifest"], [folder / "version.py"])


def test_a_change_of_any_module_changes_it(copied: Path) -> None:
    """Of either room, at any depth, were it one character."""
    names = {_of(copied)}
    for module in MODULES:
        path = copied / module
        path.write_bytes(path.read_bytes() + b"#")
        names.add(_of(copied))
    assert len(MODULES) > 30
    assert len(names) == len(MODULES) + 1


def test_a_module_more_or_less_or_renamed_changes_it(copied: Path) -> None:
    """Even an empty one."""
    names = [_of(copied)]
    (copied / "manifest" / "new.py").touch()
    names.append(_of(copied))
    (copied / "manifest" / "new.py").rename(copied / "manifest" / "newer.py")
    names.append(_of(copied))
    (copied / "manifest" / "newer.py").unlink()
    assert len({*names}) == 3
    assert _of(copied) == names[0]


def test_another_version_of_a_library_changes_it(copied: Path) -> None:
    """A parser may read otherwise than the one before."""
    before = _of(copied)
    (copied / "version.py").write_text("1.1")
    assert _of(copied) != before


def test_it_does_not_depend_on_where_things_lie_or_are_compiled_to(copied: Path) -> None:
    """So that it stays the same from one start to the next, and from one machine to another."""
    before = _of(copied)
    moved = copied.parent / "moved"
    shutil.copytree(copied, moved)
    (moved / "contract" / "__pycache__").mkdir()
    (moved / "contract" / "__pycache__" / "pair.cpython-311.pyc").write_bytes(b"x")
    assert _of(moved) == before


def test_it_is_that_of_the_package_and_the_same_in_every_process() -> None:
    """As text of 16 hex digits."""
    asked = [sys.executable, "-c", "from reconciler.contract import rules_version; print(rules_version)"]
    told = subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip()
    assert told == contract.rules_version
    assert len(told) == 16
    int(told, 16)
