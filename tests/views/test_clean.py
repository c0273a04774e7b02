from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reconciler.printable import inert, pad, printable, width
from reconciler.views.as_json import dumps
from tests.views.samples import HOSTILE, hidden, obeyed


@pytest.mark.parametrize(
    ("outside", "shown"),
    [
        ("plain ASCII, 中文, Ünïcödé", "plain ASCII, 中文, Ünïcödé"),
        ("two\nlines\r\n\ttab", r"two\nlines\r\n\ttab"),
        ("\x1b[31mred\x9b0m\x07\x7f", r"\x1b[31mred\u009b0m\x07\x7f"),
        ("abc\u202egpj.exe", r"abc\u202egpj.exe"),
        ("zero\u200bwidth\ufeff", r"zero\u200bwidth\ufeff"),
        ("\U000e0041 tag", r"\U000e0041 tag"),
        (b"caf\xe9".decode("utf-8", "surrogateescape"), r"caf\xe9"),
        ("\ud800", r"\ud800"),
    ],
)
def test_what_acts_or_hides_becomes_an_escape_that_shows_it(outside: str, shown: str) -> None:
    """Each family of dangerous characters has a readable form."""
    assert printable(outside) == shown


@given(HOSTILE)
def test_clean_text_is_one_encodable_line_that_stays_as_it_is(outside: str) -> None:
    """Cleaning leaves nothing hidden, can be encoded, and cleaning twice is cleaning once."""
    shown = printable(outside)
    assert not hidden(shown, allowed="")
    assert shown.encode().decode() == shown
    assert printable(shown) == shown


@given(HOSTILE)
@example("\U000e0041\x7f\x85\udcff")
@example("\x7f")
def test_json_hides_nothing_and_loses_nothing(outside: str) -> None:
    """The text has no raw control character, and reading it gives the very same string."""
    json_text = dumps({"key": [outside]})
    assert not hidden(json_text)
    assert json.loads(json_text) == {"key": [outside]}


def test_json_keeps_readable_characters_readable() -> None:
    """Chinese stays Chinese; only what acts is escaped."""
    assert dumps("中文\u202e", indented=False) == r'"中文\u202e"'


@pytest.mark.parametrize(("text", "cells"), [("abc", 3), ("中文", 4), ("e\u0301", 1), ("ｗ", 2), ("", 0)])
def test_width_counts_the_cells_of_a_terminal(text: str, cells: int) -> None:
    """Wide characters take two cells, combining ones none."""
    assert width(text) == cells
    assert width(pad(text, 10)) == 10


_COMMANDS = st.text(st.sampled_from(":#[]v \t\u3000\n\\e"), max_size=40)


@given(_COMMANDS)
@example("a\n  ::error::x\n\u3000::stop-commands::y\nz ##[add-mask]w ##vso[task.setvariable]v")
def test_no_line_that_comes_from_outside_is_obeyed_by_a_runner(outside: str) -> None:
    """One backslash stands before what would be a command; all else stays as it is, and once is enough."""
    shown = inert(outside)
    assert not obeyed(shown)
    assert inert(shown) == shown
    assert shown.replace("\\", "") == outside.replace("\\", "")
    if not obeyed(outside):
        assert shown == outside


@given(_COMMANDS)
def test_json_is_not_obeyed_by_a_runner_and_loses_nothing(outside: str) -> None:
    """Reading it gives the very same string."""
    json_text = dumps({outside: outside})
    assert not obeyed(json_text)
    assert json.loads(json_text) == {outside: outside}
