"""On which line a key stands, in any file that the standard library's parser takes."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.toml_lines import key_lines, line_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FILE = '''# [not.a.table]
[source]
repo = "a # b"   # a comment with = and [
"quoted key" = 1.5
[targets."a.b"]
auth = { method = "token", token_command = ["x",
  "y"], z.q = 1979-05-27T07:32:00Z }
text = """
[no.table]
""quoted"""""
literal = \'\'\'
key = 1\'\'\'
[[notify]]
name = 'one'
[notify.more]
k = [[1, 2], [3]]
[[notify]]
name = "two"
'''

EXPECTED = {
    ("source", "repo"): 3,
    ("source", "quoted key"): 4,
    ("targets", "a.b"): 5,
    ("targets", "a.b", "auth", "token_command"): 6,
    ("targets", "a.b", "auth", "token_command", 1): 7,
    ("targets", "a.b", "auth", "z", "q"): 7,
    ("targets", "a.b", "text"): 8,
    ("targets", "a.b", "literal"): 11,
    ("notify", 0, "name"): 14,
    ("notify", 0, "more", "k"): 16,
    ("notify", 0, "more", "k", 1, 0): 16,
    ("notify", 1, "name"): 18,
}

names = st.sampled_from(["a", "b-c", "1", '"d.e"', "'f # g'", '"h\\"i"'])
scalars = st.sampled_from(
    ["1", "1.5", "true", '"#=[]{}"', "'x = 1'", '"""\n[t]\n"""', "'''\nk = 1'''", "1979-05-27 07:32:00.5"]
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: "[\n" + ", # c\n".join(items) + "\n]"),
        st.dictionaries(names, inner, max_size=3).map(
            lambda table: f"{{{', '.join(f'{key} = {value}' for key, value in table.items())}}}"
        ),
    ),
    max_leaves=6,
)
pairs = st.tuples(st.lists(names, min_size=1, max_size=2), values).map(
    lambda pair: f"{'.'.join(pair[0])} = {pair[1]}\n"
)
headers = st.tuples(st.lists(names, min_size=1, max_size=3), st.booleans()).map(
    lambda header: f"[[{'.'.join(header[0])}]]\n" if header[1] else f"[ {' . '.join(header[0])} ]\n"
)


def paths(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Every key and every element of a list, as the parser understands the file."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, below in inner:
        yield (*path, step)
        yield from paths(below, (*path, step))


def test_every_key_is_found_on_its_line(tmp_path: Path) -> None:
    """Through comments, texts of several lines, dotted keys, inline tables and lists of tables."""
    file = tmp_path / "a.toml"
    file.write_text(FILE)
    lines = key_lines(file)
    assert {path: lines[path] for path in EXPECTED} == EXPECTED
    assert set(paths(tomllib.loads(FILE))) <= set(lines)


@given(st.lists(st.one_of(pairs, headers, st.just("# c\n"), st.just("\n")), max_size=8).map("".join))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much])
def test_no_key_that_the_parser_knows_is_missed(tmp_path: Path, text: str) -> None:
    """And none that it does not know is told, whatever the file looks like."""
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    file = tmp_path / "a.toml"
    file.write_text(text)
    lines = key_lines(file)
    assert set(lines) == set(paths(content))
    assert all(1 <= line <= text.count("\n") + 1 for line in lines.values())


def test_a_key_that_is_missing_is_told_with_the_table_around_it(tmp_path: Path) -> None:
    """There is no better line."""
    file = tmp_path / "a.toml"
    file.write_text("\n[a]\n[a.b]\nx = 1\n")
    lines = key_lines(file)
    assert line_of(lines, ("a", "b", "kind")) == 3
    assert line_of(lines, ("nowhere", "kind")) is None


def test_a_file_that_went_away_has_no_lines(tmp_path: Path) -> None:
    """The message does without."""
    assert key_lines(tmp_path / "none.toml") == {}
