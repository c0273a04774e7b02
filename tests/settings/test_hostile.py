"""Configuration files that were written to hurt: each is a mistake like any other, and costs nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.embedded import load_faults
from reconciler.embedded.toml_settings import read_settings
from reconciler.errors import ConfigurationError
from reconciler.settings import load
from reconciler.toml_file import LARGEST, read_toml

if TYPE_CHECKING:
    from pathlib import Path

_TARGET = '[targets.p]\nkind = "modelarts"\nendpoint = "https://x.example.org"\nproject_id = "p"\n'


def _refusal(folder: Path, text: str | bytes) -> str:
    file = folder / "reconciler.toml"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(ConfigurationError) as refused:
        load(file, cwd=folder)
    return str(refused.value)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a." * 40_000 + "b = 1", "a key of more than 16 parts"),
        ('"a" . ' * 40_000 + "b = 1", "a key of more than 16 parts"),
        ("[" + "a." * 40_000 + "b]", "a key of more than 16 parts"),
        ("a = " + "[" * 100_000, "nested too deeply"),
        ("a = " + "{a=" * 50_000, "nested too deeply"),
        ("a = " + "9" * 5_000, "a number or a date that cannot be"),
        ('a = "' + '"\\' * 100_000, "not valid TOML"),
        ('"""' + "'''\"" * 50_000, "not valid TOML"),
        ("#" * (LARGEST + 1), "larger than 256 KiB"),
        (b"a = '\xff'", "not UTF-8"),
    ],
    ids=["dots", "quoted-dots", "table", "lists", "tables", "digits", "escapes", "quotes", "large", "bytes"],
)
def test_a_file_that_the_parser_chokes_on_is_refused(tmp_path: Path, text: str | bytes, why: str) -> None:
    """The library's parser takes gigabytes for a long dotted key, and ends in errors of its own."""
    assert why in _refusal(tmp_path, text)


@pytest.mark.parametrize("reader", [read_settings, load_faults])
def test_the_registrys_own_files_are_read_the_same_way(tmp_path: Path, reader: object) -> None:
    """Three kinds of files, one reader."""
    file = tmp_path / "file.toml"
    file.write_text("a = " + "[" * 100_000)
    assert callable(reader)
    with pytest.raises(ConfigurationError, match="nested too deeply"):
        reader(file)


def test_dots_in_texts_numbers_and_comments_are_no_keys(tmp_path: Path) -> None:
    """Only keys are counted."""
    file = tmp_path / "file.toml"
    dots = "1." * 40
    file.write_text(
        f"# {dots}\na = '{dots}'\nb = [{'1.5, ' * 40}]\nc = '''\n{dots}\n'''\nd.e.f = \"{dots}\"\n"
    )
    assert read_toml(file)["d"] == {"e": {"f": dots}}


def test_a_byte_order_mark_and_windows_line_ends_make_no_difference(tmp_path: Path) -> None:
    """Some editors write them; a mistake after them is told with its line."""
    (tmp_path / "reconciler.toml").write_bytes(b"\xef\xbb\xbf[source]\r\nbranch = 'a'\r\n")
    assert load(None, cwd=tmp_path).settings.source.branch == "a"
    (tmp_path / "reconciler.toml").write_bytes(b"\xef\xbb\xbf[source]\r\nbrunch = 'a'\r\n")
    with pytest.raises(ConfigurationError, match=r"reconciler.toml:2: source.brunch: unknown key"):
        load(None, cwd=tmp_path)


def test_utf_16_is_called_so(tmp_path: Path) -> None:
    """As it is in a manifest."""
    (tmp_path / "reconciler.toml").write_bytes("[source]\n".encode("utf-16"))
    with pytest.raises(ConfigurationError, match="the file is UTF-16; save it as UTF-8"):
        load(None, cwd=tmp_path)


def test_what_is_no_file_is_not_called_missing(tmp_path: Path) -> None:
    """A folder, or a link that leads to itself."""
    (tmp_path / "loop.toml").symlink_to("loop.toml")
    for name in (".", "loop.toml"):
        with pytest.raises(ConfigurationError, match="no such configuration file: this is no file"):
            load(tmp_path / name, cwd=tmp_path)


def test_a_key_without_end_is_repeated_in_part(tmp_path: Path) -> None:
    """A message is for a person."""
    assert len(_refusal(tmp_path, f"{'k' * 100_000} = 1")) < 300 + len(str(tmp_path))


def test_of_very_many_mistakes_the_first_are_told(tmp_path: Path) -> None:
    """And how many there are besides."""
    lines = _refusal(tmp_path, "".join(f"key{number} = 1\n" for number in range(1000))).splitlines()
    assert len(lines) == 51
    assert lines[-1] == "and 950 more mistakes; correct these first"


@pytest.mark.parametrize(
    "line", ["rate = inf", "rate = nan", 'workspace_id = "a\\u0000"', 'path = "a\\u0000"']
)
def test_a_value_that_nothing_can_work_with_is_told_with_its_key(tmp_path: Path, line: str) -> None:
    """Infinity is no number of requests, and no name has a NUL."""
    assert line.partition(" ")[0] in _refusal(tmp_path, _TARGET + line)


def test_a_nul_in_the_command_of_a_secret_is_refused(tmp_path: Path) -> None:
    """Before anything is started with it."""
    line = 'auth = { method = "token", token_command = ["cat", "a\\u0000"] }'
    assert "token_command.1: a NUL character" in _refusal(tmp_path, _TARGET + line)


def test_a_variable_nested_without_end_is_a_mistake_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A section may be written as JSON."""
    monkeypatch.setenv("RECONCILER_TARGETS", '{"a": ' * 100_000)
    with pytest.raises(ConfigurationError, match="RECONCILER_"):
        load(None, cwd=tmp_path)
