"""Our schemas in what editors run: the language server of YAML, and taplo for TOML."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.editors.language_server import LanguageServer, Shown, serving_editors
from tests.git_repository import GitRepository
from tests.node import package
from tests.program import Program, manifest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
LINE = "# yaml-language-server: $schema=.schema.json\n"
SETTINGS = {"yaml": {"schemaStore": {"enable": False}, "validate": True, "completion": True, "hover": True}}


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """A repository as `init` leaves it."""
    program = Program(tmp_path_factory.mktemp("editors"))
    GitRepository(program.folder)
    assert program("init", "--edition", "current").code == 0
    return program


@pytest.fixture(scope="module")
def server(begun: Program) -> Iterator[LanguageServer]:
    """The server that VS Code, Neovim and others start for YAML."""
    script = package("yaml-language-server") / "bin" / "yaml-language-server"
    with serving_editors(["node", str(script), "--stdio"], begun.folder, SETTINGS) as running:
        yield running


def test_an_editor_finds_nothing_wrong_with_what_is_right(begun: Program, server: LanguageServer) -> None:
    """The manifest that `init` writes, what a person makes of it, and those of the demo."""
    example = begun.folder / "models.d" / "_example.yaml"
    assert server.opened(example, "yaml", example.read_text("utf-8")) == []
    own = begun.folder / "models.d" / "own.yaml"
    assert server.opened(own, "yaml", LINE + manifest("a@1.10.0", metadata={"owner": "me"})) == []
    for file in sorted((ROOT / "models.d").rglob("[!_.]*.yaml")):
        assert server.opened(file, "yaml", file.read_text("utf-8")) == [], file


def test_an_editor_offers_the_fields_and_values_of_the_edition(
    begun: Program, server: LanguageServer
) -> None:
    """Fields that are not there yet, the words of a list, at any depth; resting on one explains it."""
    file = begun.folder / "models.d" / "offered.yaml"
    nested = "dependencies:\n  - installer: pip\n    packages:\n      - restraint: \n\n"
    typed = f"{LINE}model_name: a\nmodel_type: \n{nested}"
    server.opened(file, "yaml", typed)
    schema = json.loads((begun.folder / "models.d" / ".schema.json").read_text("utf-8"))
    fields = set(schema["properties"]) - {"model_name", "model_type", "dependencies"}
    assert fields <= set(server.offered(file, 8, 1))
    assert {"TensorFlow", "PyTorch", "Image"} <= set(server.offered(file, 3, 13))
    assert {"EXACT", "ATLEAST", "ATMOST"} <= set(server.offered(file, 7, 20))
    assert schema["properties"]["model_name"]["description"] in server.explained(file, 2, 3)


def test_an_editor_shows_what_is_wrong_where_it_is(begun: Program, server: LanguageServer) -> None:
    """At the lines that `validate` names, and of a pattern in its words."""
    wrong = f"{LINE}model_name: a\nmodel_version: 01.0.0\nmodel_type: Tensorflow\nsource_locaton: x\n"
    file = begun.folder / "models.d" / "wrong.yaml"
    shown = server.opened(file, "yaml", wrong)
    assert Shown(3, "a part must not start with 0") in shown
    assert Shown(5, "Property source_locaton is not allowed.") in shown
    assert any(one.line == 4 and "TensorFlow" in one.message for one in shown)
    assert any("source_location" in one.message for one in shown)
    file.write_text(wrong, "utf-8")
    checked = begun("validate", "models.d/wrong.yaml").out
    file.unlink()
    lines = {int(line) for line in re.findall(r"^models.d/wrong.yaml:(\d+):", checked, re.MULTILINE)}
    assert lines == {one.line for one in shown}


def test_taplo_knows_what_is_right_in_a_configuration(begun: Program) -> None:
    """As editors read it by `#:schema`: what `init` writes is right, each wrong key and value is not."""
    taplo = shutil.which("taplo", path=str(Path(sys.executable).parent))
    if taplo is None:
        pytest.skip("taplo is not installed here")
    (begun.folder / "config.schema.json").write_text(begun("schema", "config").out, "utf-8")
    line = "#:schema ./config.schema.json\n"
    for name, text in (
        ("right.toml", (begun.folder / "reconciler.toml").read_text("utf-8")),
        (
            "wrong.toml",
            '[source]\nrepos = "."\n\n[targets.a]\nkind = "embeded"\n\n[schedule]\nevery = true\n',
        ),
    ):
        (begun.folder / name).write_text(line + text, "utf-8")
    command = [taplo, "lint", "--colors", "never"]
    right = subprocess.run([*command, "right.toml"], cwd=begun.folder, capture_output=True, check=False)
    assert right.returncode == 0, right.stderr.decode()
    wrong = subprocess.run([*command, "wrong.toml"], cwd=begun.folder, capture_output=True, check=False)
    assert wrong.returncode == 1
    places = {int(line) for line in re.findall(r"wrong\.toml:(\d+):", wrong.stderr.decode())}
    assert {3, 6, 9} <= places
