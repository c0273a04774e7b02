"""docs/security.md: the tests that it names are there, and the attacks that it shows are those played."""

from __future__ import annotations

import re
from pathlib import Path

from tests.torture.hostile.__main__ import ATTACKS

_ROOT = Path(__file__).parents[2]
_ROWS = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for line in (_ROOT / "docs" / "security.md").read_text("utf-8").splitlines()
    if line.startswith("| ")
]


def test_every_threat_names_a_test_that_is_there() -> None:
    """Each row of the table has a defence, and a file of tests that holds it."""
    threats = [row for row in _ROWS if row[-1].startswith("`tests/")]
    assert len(threats) == len(_table("attacked by"))
    for row in threats:
        assert len(row) == 3
        for name in re.findall(r"`(tests/[^`]+)`", row[2]):
            assert "\ndef test_" in (_ROOT / name).read_text("utf-8"), name


def test_the_attacks_that_are_shown_are_those_that_are_played() -> None:
    """A new attack is measured, and its row shown."""
    shown = [(row[1], row[0]) for row in _table("attack")]
    played = [(victim, attack) for victim, attacks in ATTACKS.items() for attack in attacks]
    assert shown[: len(played)] == played


def _table(first: str) -> list[list[str]]:
    """The rows of the table whose first column has this name."""
    begins = next(number for number, row in enumerate(_ROWS) if row[0] == first)
    width = len(_ROWS[begins])
    rows = _ROWS[begins + 1 :]
    ends = next(
        (number for number, row in enumerate(rows) if row[0] in _HEADS or len(row) != width), len(rows)
    )
    return rows[:ends]


_HEADS = ("who", "attacked by", "attack")
