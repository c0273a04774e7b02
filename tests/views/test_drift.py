from __future__ import annotations

from typing import Any

import pytest

from reconciler.engine.values import Difference
from reconciler.views.words import worded


@pytest.mark.parametrize(
    ("declared", "registered", "words"),
    [
        ("new", "old", "'new' in git, 'old' in the registry"),
        (None, "old", "absent in git, 'old' in the registry"),
        (1.5, True, "1.5 in git, true in the registry"),
        ([1, "中"], {}, '[1, "中"] in git, {} in the registry'),
        ("\x1b[2J", "\n", r"'\x1b[2J' in git, '\n' in the registry"),
    ],
)
def test_a_difference_is_one_line_with_both_sides(declared: Any, registered: Any, words: str) -> None:
    """Texts are quoted, other values are JSON, and nothing acts or hides."""
    assert worded(Difference("apis[0].url", declared, registered)) == f"apis[0].url: {words}"


def test_a_long_value_is_cut_where_it_is_shown() -> None:
    """The JSON has it whole."""
    assert len(worded(Difference("description", "x" * 10_000, ["y"] * 10_000))) < 300
