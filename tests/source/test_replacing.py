"""A file that can be made anew is complete when it has its name, and nothing is left beside it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from reconciler.private import replacing

if TYPE_CHECKING:
    from pathlib import Path


def test_a_file_has_its_old_content_until_the_new_one_is_complete(tmp_path: Path) -> None:
    file = tmp_path / "made" / "kept"
    for text in ("first", "second"):
        before = file.read_text() if file.exists() else None
        with replacing(file) as new:
            new.write_text(text)
            assert (file.read_text() if file.exists() else None) == before
        assert file.read_text() == text
        assert [each.name for each in file.parent.iterdir()] == ["kept"]


def test_what_fails_half_way_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "kept"
    file.write_text("first")

    def fails() -> None:
        with replacing(file) as new:
            new.write_text("half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    assert file.read_text() == "first"
    assert [each.name for each in tmp_path.iterdir()] == ["kept"]


def test_what_a_killed_process_left_is_removed_and_what_another_is_making_is_not(tmp_path: Path) -> None:
    left, making = tmp_path / "kept.999999", tmp_path / "kept.999998"
    for place in (left, making):
        place.write_text("half")
    os.utime(left, (0, 0))
    with replacing(tmp_path / "kept") as new:
        new.write_text("whole")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["kept", "kept.999998"]
