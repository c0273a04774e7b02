"""Preflight from the command line and in the loop's cycle, on a model's files in a local directory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.git_repository import GitRepository
from tests.program import Program

if TYPE_CHECKING:
    from pathlib import Path

_CONFIGURATION = """
[targets.local]
kind = "embedded"
publish_seconds = 0
files = "packages"
preflight = "{preflight}"
[follow]
first = "10ms"
"""
_MANIFEST = """
model_name: digits
model_version: 1.0.0
model_type: TensorFlow
source_location: {place}
"""
_SERVICE = """
from model_service.tfserving_model_service import TfServingBaseService


class DigitsService(TfServingBaseService):
    def _preprocess(self, data):
        return data
"""
_PACKAGE = {
    "config.json": '{"model_algorithm": "image_classification", "model_type": "TensorFlow"}',
    "customize_service.py": _SERVICE,
    "saved_model.pb": "graph",
    "variables/variables.index": "index",
    "variables/variables.data-00000-of-00001": "data",
}


@pytest.fixture
def program(tmp_path: Path) -> Program:
    repository = GitRepository(tmp_path / "repository")
    place = tmp_path / "repository" / "packages" / "digits"
    repository.commit({"models.d/digits.yaml": _MANIFEST.format(place=place), ".gitignore": "packages/\n"})
    return Program(repository.path)


def _pack(program: Program) -> None:
    for name, content in _PACKAGE.items():
        file = program.folder / "packages" / "digits" / "model" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, "utf-8")


def test_a_model_without_its_files_is_not_imported_and_is_once_they_are_there(program: Program) -> None:
    """With `preflight = "error"`, a doubt stops the import, and the files may be mended without a commit."""
    program.configure(_CONFIGURATION.format(preflight="error"))
    refused = program.json("apply")
    assert (refused.code, refused.verdicts) == (1, {"digits@1.0.0": "invalid"})
    assert refused.items["digits@1.0.0"]["reasons"][0]["code"].startswith("preflight-")
    _pack(program)
    assert program.json("apply").verdicts == {"digits@1.0.0": "in-sync"}


def test_a_doubt_is_told_and_the_model_imported_where_warnings_are_wanted(program: Program) -> None:
    """The preflight is stricter than the service: by default it only warns."""
    program.configure(_CONFIGURATION.format(preflight="warn"))
    planned = program.json("plan")
    assert planned.verdicts == {"digits@1.0.0": "import"}
    assert planned.items["digits@1.0.0"]["reasons"][0]["code"].startswith("preflight-")
    assert program.json("apply").verdicts == {"digits@1.0.0": "in-sync"}


def test_validate_looks_at_the_files_only_when_asked(program: Program) -> None:
    """`validate` alone needs no network and no files."""
    program.configure(_CONFIGURATION.format(preflight="error"))
    assert program("validate").code == 0
    looked = program.json("validate", "--preflight")
    assert looked.code == 1
    assert looked.json["problems"][0]["path"] == "models.d/digits.yaml"
    _pack(program)
    assert program("validate", "--preflight").code == 0


def test_a_target_without_preflight_does_not_look(program: Program) -> None:
    """It is off by default."""
    program.configure(_CONFIGURATION.format(preflight="off"))
    assert program.json("plan").items["digits@1.0.0"]["reasons"] == []
