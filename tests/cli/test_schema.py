from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
import yaml

from tests.program import Fleet, Program

if TYPE_CHECKING:
    from collections.abc import Iterator

SAMPLES = Path(__file__).parents[2] / "models.d"
DESIGNED = """
[source]
repo = "."
branch = "main"
[targets.local]
kind = "embedded"
path = "models.d"
[targets.prod]
kind = "modelarts"
path = "models.d/prod"
endpoint = "https://modelarts.cn-north-4.myhuaweicloud.com"
project_id = "0123456789abcdef"
workspace_id = "0"
edition = "seed-2019"
auth = { method = "aksk", access_key = "AK", secret_key_file = "/run/secrets/sk" }
[targets.token]
kind = "modelarts"
endpoint = "https://modelarts.cn-north-4.myhuaweicloud.com"
project_id = "0123456789abcdef"
auth = { method = "token", token_env = "TOKEN" }
[targets.password]
kind = "modelarts"
endpoint = "https://modelarts.cn-north-4.myhuaweicloud.com"
project_id = "0123456789abcdef"
[targets.password.auth]
method = "password"
iam_endpoint = "https://iam.cn-north-4.myhuaweicloud.com"
username = "robot"
password_env = "PASSWORD"
domain = "account"
scope = "cn-north-4"
[state]
url = "sqlite:///.reconciler/state.db"
[schedule]
every = "30s"
jitter = "3s"
full_observation = "1h"
[guards]
max_imports_per_cycle = 100
"""


def _documents() -> Iterator[Any]:
    for file in sorted(SAMPLES.rglob("*.*")):
        if file.suffix == ".json" and "config" not in file.name:
            yield pytest.param(json.loads(file.read_text("utf-8")), id=file.name)
        elif file.suffix in (".yaml", ".yml"):
            for number, document in enumerate(yaml.safe_load_all(file.read_text("utf-8"))):
                yield pytest.param(document, id=f"{file.stem}-{number}")


def _schema(tmp_path: Path, *arguments: str) -> jsonschema.Draft202012Validator:
    done = Program(tmp_path)("schema", *arguments)
    assert (done.code, done.err) == (0, "")
    jsonschema.Draft202012Validator.check_schema(done.json)
    return jsonschema.Draft202012Validator(done.json)


@pytest.mark.parametrize("document", list(_documents()))
def test_the_schema_accepts_every_sample(tmp_path: Path, document: Any) -> None:
    """What `validate` accepts, an editor does not underline."""
    assert [error.message for error in _schema(tmp_path).iter_errors(document)] == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"model_name": "x", "model_version": "1.0.0", "model_type": "TensorFlow"},
        {"model_name": "x", "model_version": "1.0.0", "model_type": "TensorFlow", "source_locatoin": "x"},
        [],
        None,
    ],
)
def test_the_schema_refuses_what_validate_refuses(tmp_path: Path, wrong: Any) -> None:
    """A missing field, an unknown one, no mapping at all."""
    fleet = Fleet(tmp_path / "fleet")
    fleet.repository.write({"models.d/wrong.json": json.dumps(wrong)})
    assert fleet("validate").code == 1
    assert not _schema(tmp_path).is_valid(wrong)


@pytest.mark.parametrize("edition", ["seed-2019", "cn-2021", "otc-2024", "current"])
def test_every_edition_has_a_schema(tmp_path: Path, edition: str) -> None:
    """Each is a schema."""
    assert _schema(tmp_path, "--edition", edition).schema


def test_a_target_has_the_schema_of_its_edition(tmp_path: Path) -> None:
    """So an editor can be told by target, in whatever form."""
    configured = Program(tmp_path)
    configured.configure("[targets.new]\nkind = 'embedded'\nedition = 'current'\n")
    by_target = configured("schema", "--target", "new", "--output", "text")
    assert by_target.json == configured("schema", "--edition", "current").json
    assert by_target.json != configured("schema").json
    assert configured("schema", "--target", "old").code == 2


def test_an_unknown_edition_is_told(tmp_path: Path) -> None:
    """Exit code 2, and the editions there are."""
    done = Program(tmp_path)("schema", "--edition", "seed-2020")
    assert (done.code, done.out) == (2, "")
    assert "seed-2019" in done.err


def test_the_schema_of_the_configuration_accepts_the_example(tmp_path: Path) -> None:
    """And so does the program."""
    configured = Program(tmp_path)
    configured.configure(DESIGNED)
    assert "no such target" in configured("plan", "--target", "other").err
    assert [error.message for error in _schema(tmp_path, "config").iter_errors(tomllib.loads(DESIGNED))] == []


@pytest.mark.parametrize(
    "wrong",
    [
        "[sorce]",
        "[source]\nrepos = '.'",
        "[targets.a]\nkind = 'embeded'",
        "[targets.'a/b']\nkind = 'embedded'",
        "[targets.a]\nkind = 'modelarts'",
        "[guards]\nmax_imports_per_cycle = -1",
        "[schedule]\nevery = true",
    ],
)
def test_the_schema_of_the_configuration_refuses_what_the_program_refuses(tmp_path: Path, wrong: str) -> None:
    """An unknown table or key, a value of another kind."""
    configured = Program(tmp_path)
    configured.configure(wrong)
    assert configured("plan").code == 2
    assert not _schema(tmp_path, "config").is_valid(tomllib.loads(wrong))
