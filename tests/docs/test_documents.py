"""Every example of README and docs/ is executed, and every link leads somewhere."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pydantic import BaseModel

from reconciler.contract import edition
from reconciler.errors import ConfigurationError
from reconciler.manifest import Manifest, read
from reconciler.settings import EmbeddedTarget, ModelArtsTarget, Settings, load, tables
from reconciler.state import SCHEMA_VERSION
from tests.git_repository import GitRepository
from tests.program import Done, Program

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", ROOT / "README.zh-CN.md", *sorted((ROOT / "docs").glob("*.md"))]
_TABLE_KEY = re.compile(r"^\| (`[^|]+`) \|", re.MULTILINE)
FENCE = re.compile(r"^```(\w+)( \w+)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """One fenced block of a document; `mark` is the word after its language."""

    document: Path
    language: str
    mark: str
    text: str


def blocks(language: str) -> list[Block]:
    return [
        Block(document, fence[1], (fence[2] or "").strip(), fence[3])
        for document in DOCUMENTS
        for fence in FENCE.finditer(document.read_text("utf-8"))
        if fence[1] == language
    ]


def _name(block: Block) -> str:
    return f"{block.document.name}:{block.text.splitlines()[0][:40]}"


@pytest.mark.parametrize("block", [b for b in blocks("yaml") if not b.mark], ids=_name)
def test_a_manifest_in_a_document_is_valid_and_without_warnings(block: Block) -> None:
    """What is shown can be pasted."""
    results = read("models.d/example.yaml", block.text.encode(), edition("seed-2019"), lambda _: None)
    assert all(isinstance(result, Manifest) and not result.warnings for result in results), results


@pytest.mark.parametrize("block", blocks("toml"), ids=_name)
def test_a_configuration_in_a_document_loads(block: Block, tmp_path: Path) -> None:
    """A key that does not exist would be an error."""
    (tmp_path / "reconciler.toml").write_text(block.text, "utf-8")
    assert load(None, cwd=tmp_path).file == tmp_path / "reconciler.toml"


@pytest.mark.parametrize(
    "document", [d for d in DOCUMENTS if d.stem.endswith(".zh-CN")], ids=lambda d: d.name
)
def test_a_translation_shows_the_examples_of_its_original(document: Path) -> None:
    """All of them, and as many sections, rows and links; the same code and numbers in the text."""
    original = document.with_name(document.name.replace(".zh-CN", ""))
    both = [[fence[0] for fence in FENCE.finditer(d.read_text("utf-8"))] for d in (original, document)]
    assert both[0] == both[1]
    rows = [_TABLE_KEY.findall(d.read_text("utf-8").replace("、", ", ")) for d in (original, document)]
    assert rows[0] == rows[1]
    texts = [FENCE.sub("", d.read_text("utf-8").replace(".zh-CN", "")) for d in (original, document)]
    shapes = [[len(heading) for heading in re.findall(r"^(#+) ", text, re.MULTILINE)] for text in texts]
    assert shapes[0] == shapes[1]
    documents = [set(re.findall(r"\]\(([^)]+)\)", text)) for text in texts]
    assert documents[0] == documents[1]
    for facts in (r"`[^`\n]+`", r"(?<![\w.])[0-9]+(?:\.[0-9]+)*"):
        counts = [Counter(re.findall(facts, text, re.ASCII)) for text in texts]
        assert counts[0] == counts[1]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_between_documents_lead_somewhere(document: Path) -> None:
    """A renamed document is noticed."""
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", document.read_text("utf-8")):
        if not target.startswith("https://"):
            assert (document.parent / target).exists(), target


def _keys() -> Iterator[str]:
    for name, section in Settings.model_fields.items():
        if name == "targets":
            for kind in (EmbeddedTarget, ModelArtsTarget):
                yield from (f"targets.NAME.{key}" for key in kind.model_fields)
        elif name == "notify":
            yield from (f"notify.{key}" for key in tables.NotifySettings.model_fields)
        elif isinstance(section.annotation, type) and issubclass(section.annotation, BaseModel):
            yield from _keys_of(name, section.annotation)


def _keys_of(name: str, section: type[BaseModel]) -> Iterator[str]:
    for key, field in section.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _keys_of(f"{name}.{key}", field.annotation)
        else:
            yield f"{name}.{key}"


def test_the_configuration_document_names_every_key_and_no_other() -> None:
    """One table in code, one in the document."""
    keys = set(
        re.findall(r"^\| `([a-z_A-Z]+(?:\.[a-zA-Z_]+)+)` \|", _read("docs/configuration.md"), re.MULTILINE)
    )
    ways = ("_file", "_env", "_command")
    assert keys - {"auth.method"} == {key for key in _keys() if not key.endswith(ways)}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_row_of_a_table_belongs_to_one_with_a_head(document: Path) -> None:
    """An empty line in between makes plain text of what follows."""
    text = FENCE.sub("", document.read_text("utf-8"))
    tables = re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)
    assert [table for table in tables if not re.match(r".*\n\|(?: ?:?-+:? ?\|)+\n", table)] == []


def test_every_schema_of_the_state_stands_in_the_operations_manual() -> None:
    """With what came with it."""
    rows = _read("docs/operations.md").partition("| schema |")[2].partition("\n\n")[0]
    numbers = re.findall(r"^\| (\d+) \| .+ \|$", rows, re.MULTILINE)
    assert numbers == [str(number) for number in range(1, SCHEMA_VERSION + 1)]


def test_the_readme_lists_the_commands_the_program_has() -> None:
    """Nothing hidden, nothing promised."""
    done = subprocess.run(
        [sys.executable, "-m", "reconciler", "--help"], capture_output=True, text=True, check=True
    )
    listed = set(re.findall(r"^  ([a-z]+)  ", done.stdout.partition("Commands:")[2], re.MULTILINE))
    assert set(re.findall(r"^\| `reconciler ([a-z]+)", _read("README.md"), re.MULTILINE)) == listed


ELSEWHERE = {ROOT / "docs" / "day-one.md"}
"""Pages whose sessions have a test of their own."""
SESSIONS = sorted({block.document for block in blocks("console")} - ELSEWHERE)


@pytest.mark.parametrize("document", SESSIONS, ids=lambda path: path.name)
def test_the_sessions_of_a_document_run_as_they_are_shown(document: Path, tmp_path: Path) -> None:
    """Each command prints the lines below it, in that order; `? N` is its exit code, else 0."""
    repository = GitRepository(tmp_path / "repository")
    if document.name == "operations.md":
        repository.commit({"models.d/mnist.yaml": blocks("yaml")[0].text}, "Add mnist")
    text = document.read_text("utf-8")
    for fence in FENCE.finditer(text):
        first = fence[3].partition("\n")[0]
        if fence[1] == "yaml" and first.startswith("# models.d/"):
            repository.write({first.removeprefix("# "): fence[3]})
        if fence[1] == "console":
            for line, expected, code in commands_of(fence[3]):
                prints(line, expected, code, partial(_run, folder=repository.path))


def commands_of(session: str) -> Iterator[tuple[str, list[str], int]]:
    """Each command of a session, the lines that stand below it, and its exit code."""
    for shown in re.split(r"^\$ ", session, flags=re.MULTILINE)[1:]:
        line, *expected = shown.splitlines()
        code = int(expected.pop()[2:]) if expected and expected[-1].startswith("? ") else 0
        yield line, expected, code


def prints(line: str, expected: list[str], code: int, run: Callable[[list[str]], Done]) -> None:
    """Runs a command; what it prints has the lines expected, in that order."""
    done = run(shlex.split(line))
    printed = rest = done.out + done.err
    assert done.code == code, printed
    for text in filter(None, (each.strip() for each in expected)):
        assert text in rest, f"{line}: {text!r} not in {printed}"
        rest = rest.partition(text)[2]


def _run(words: list[str], folder: Path) -> Done:
    if words[0] == "reconciler":
        return Program(folder)(*words[1:])
    return Done(0, GitRepository(folder).git(*words[1:]), "")


def test_a_wrong_configuration_would_be_noticed(tmp_path: Path) -> None:
    """The check of the examples can fail."""
    (tmp_path / "reconciler.toml").write_text("[source]\nrepos = 1\n", "utf-8")
    with pytest.raises(ConfigurationError, match="repos"):
        load(None, cwd=tmp_path)


def _read(name: str) -> str:
    return (ROOT / name).read_text("utf-8")
