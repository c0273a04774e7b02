"""What the measurement of size and shape counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.structure import comparison, table

if TYPE_CHECKING:
    from pathlib import Path

_MODULE = '''"""A docstring."""

# a reason
def outer(x: int) -> int:  # noqa: D103
    def inner() -> int:
        return 1 if x and x > 2 else 2

    return inner()
'''


def test_a_room_counts_modules_lines_functions_branches_and_comments(tmp_path: Path) -> None:
    """A directive to a tool is no comment; a nested function counts by itself and within the outer one."""
    room = tmp_path / "package" / "room"
    room.mkdir(parents=True)
    (room / "module.py").write_text(_MODULE)
    row, whole = table(tmp_path / "package").splitlines()[2:]
    assert row == "| room | 1 | 8 | 2 | 4 | 5 | 5 | 3 | 3 | 1 |"
    assert whole == row.replace("room", "**package**")


def test_two_states_stand_side_by_side_with_rooms_that_came_and_went(tmp_path: Path) -> None:
    """In the rows of one room the same columns are compared."""
    for state, room in (("old", "gone"), ("old", "kept"), ("new", "kept"), ("new", "added")):
        folder = tmp_path / state / room
        folder.mkdir(parents=True)
        (folder / "module.py").write_text(_MODULE * (2 if state == "new" else 1))
    lines = comparison(tmp_path / "old", tmp_path / "new").splitlines()
    assert [line.split(" | ")[:3] for line in lines[2:4]] == [["| before", "2", "16"], ["| now", "2", "32"]]
    assert lines[7:] == [
        "| added | 0 → 1 | 0 → 16 | 0 → 4 | 0 → 2 |",
        "| kept | 1 → 1 | 8 → 16 | 2 → 4 | 1 → 2 |",
        "| gone | 1 → 0 | 8 → 0 | 2 → 0 | 1 → 0 |",
    ]
