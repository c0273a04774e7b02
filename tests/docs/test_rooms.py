"""The map of the package is the package: rooms in README, and modules that documents and rooms name."""

from __future__ import annotations

import re
from itertools import chain
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "reconciler"
ROOMS = sorted(folder.name for folder in PACKAGE.iterdir() if (folder / "__init__.py").exists())
_ROW = re.compile(r"^\| `(\w+)/` \|", re.MULTILINE)
_MODULE = re.compile(r"`([a-z_]+(?:/[a-z_]+)*\.py)(?::(\w+))?`")
_IMPORTED = re.compile(r"^ *from (reconciler[\w.]*) import (\([^)]*\)|.*)", re.MULTILINE)
_OFFERED = re.compile(r"^__all__ = \[([^\]]*)\]", re.MULTILINE)
_LISTED = re.compile(r"^    ((?:[a-z_]+, )*[a-z_]+)(?:  |$)", re.MULTILINE)


def test_the_readme_names_every_room_and_no_other() -> None:
    """Its table says of each what it alone may touch."""
    assert sorted(_ROW.findall((ROOT / "README.md").read_text("utf-8"))) == ROOMS


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_names_only_modules_that_it_has(room: str) -> None:
    """The list in the docstring of its `__init__.py`, if it has one; a room says what it is for."""
    said = (PACKAGE / room / "__init__.py").read_text("utf-8").split('"""')[1]
    assert len(said.split()) > 5
    named = {name for names in _LISTED.findall(said) for name in names.split(", ")}
    missing = {name for name in named if not _exists(PACKAGE / room, name)}
    assert missing == set()


def _exists(room: Path, name: str) -> bool:
    return (room / f"{name}.py").exists() or (room / name).is_dir()


def test_a_room_offers_only_what_somebody_outside_of_it_imports_from_it() -> None:
    """A name in its `__init__.py` has a reason: a room, a test or a measurement asks the room for it."""
    asked, offered = set(), set()
    folders = [PACKAGE, ROOT / "tests", ROOT / "bench"]
    for file in chain.from_iterable(folder.rglob("*.py") for folder in folders):
        text = file.read_text("utf-8")
        for package, names in _IMPORTED.findall(text):
            asked |= {(package, name) for name in re.findall(r"\w+", names)}
        if file.name == "__init__.py" and PACKAGE in file.parents:
            room = ".".join(file.parent.relative_to(ROOT).parts)
            offered |= {
                (room, name) for names in _OFFERED.findall(text) for name in re.findall(r"\w+", names)
            }
    assert len(offered) > 100
    assert offered - asked == set()


def test_the_guide_names_only_modules_and_names_that_exist() -> None:
    """`docs/development.md`, whose paths begin at the package or at the repository."""
    guide = (ROOT / "docs" / "development.md").read_text("utf-8")
    named = _MODULE.findall(guide)
    assert len(named) > 20
    for path, name in named:
        file = next((base / path for base in (ROOT, PACKAGE, *_rooms()) if (base / path).exists()), None)
        assert file is not None, path
        assert not name or re.search(rf"^class {name}\b|^{name}\b", file.read_text("utf-8"), re.MULTILINE)


def _rooms() -> list[Path]:
    """A row of the guide may name a room once and its further modules without it."""
    return [PACKAGE / room for room in ROOMS]


def test_only_the_program_tunes_the_interpreter() -> None:
    """A library room changes neither the garbage collector nor what others can import."""
    tuning = re.compile(r"\bgc\.(?:set_|disable|enable|freeze|collect)|sys\.modules")
    tuned_in = {
        file.relative_to(PACKAGE).parts[0]
        for file in PACKAGE.rglob("*.py")
        if tuning.search(file.read_text("utf-8"))
    }
    assert tuned_in == {"cli"}
