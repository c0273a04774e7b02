from __future__ import annotations

import json
import re
import tomllib
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
import yaml

from reconciler.contract.catalogue import EDITIONS
from reconciler.errors import ConfigurationError
from reconciler.settings import EmbeddedTarget, ModelArtsTarget, Settings, parse
from reconciler.settings.schema import configuration_schema
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
        if file.suffix == ".json" and "config" not in file.name and not file.name.startswith("."):
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


@pytest.mark.parametrize("option", ["--edition", "--target"])
@pytest.mark.parametrize("command", ["schema", "init"])
def test_an_option_without_a_value_is_not_the_default(tmp_path: Path, command: str, option: str) -> None:
    """A variable that a script forgot to set would otherwise give the rules of another edition."""
    done = Program(tmp_path)(command, f"{option}=")
    assert (done.code, done.out, list(tmp_path.iterdir())) == (2, "", [])
    assert done.err.startswith("error: ")


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


def test_the_schema_of_the_configuration_knows_the_limits_of_numbers() -> None:
    """Of every number and duration: what it refuses, the program refuses, and the other way round.

    That a lease is renewed in time takes two keys, which the schema does not compare.
    """
    schema = jsonschema.Draft202012Validator(configuration_schema())
    numbers = (
        -1,
        0,
        0.5,
        1,
        7,
        8,
        63,
        79,
        256,
        257,
        1000,
        1001,
        1023,
        1024,
        2**26 - 1,
        2**26,
        10 * 365 * 86400 + 1,
    )
    durations = ("", "0", "0s", "0.0ms", "1", "1h30m", "1.5s", "-1s", "5 s", "30 parsecs", "1h30")
    target = {"endpoint": "https://a", "project_id": "p"}
    tables: list[tuple[tuple[str, ...], dict[str, str], Any]] = [
        (("targets", "a"), {"kind": "modelarts", **target}, ModelArtsTarget)
    ]
    tables += [(("targets", "a"), {"kind": "embedded"}, EmbeddedTarget)]
    tables += [((name,), {}, field.annotation) for name, field in Settings.model_fields.items()]
    judged = 0
    for steps, rest, table in tables:
        for key, field in getattr(table, "model_fields", {}).items():
            if field.annotation not in (int, float, timedelta, timedelta | None) or key == "renew":
                continue
            for value in (*numbers, *(() if field.annotation in (int, float) else durations)):
                one: Any = {**rest, key: value} | ({"renew": 1e-6} if key == "lease" else {})
                for step in reversed(steps):
                    one = {step: one}
                assert schema.is_valid(one) == _is_taken(one), one
                judged += 1
    assert judged > len(numbers) * 30


def _is_taken(content: dict[str, Any]) -> bool:
    try:
        parse(content)
    except ConfigurationError:
        return False
    return True


def _parts(schema: Any) -> Iterator[dict[str, Any]]:
    """Every schema inside a schema, with the whole around it for its references."""
    if isinstance(schema, dict):
        yield schema
        for name, part in schema.items():
            if name not in ("examples", "default", "const", "enum"):
                yield from _parts(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from _parts(part)


@pytest.mark.parametrize("arguments", [["config"], *(["--edition", name] for name in EDITIONS)])
def test_a_schema_has_a_name_a_title_and_examples_that_are_right(
    tmp_path: Path, arguments: list[str]
) -> None:
    """An editor can store it, show it and offer its values: each example is valid where it stands."""
    whole = _schema(tmp_path, *arguments).schema
    assert isinstance(whole, dict)
    assert whole["$id"].startswith("urn:model-reconciler:schema:")
    assert whole["title"]
    assert whole["examples"]
    for part in _parts({key: value for key, value in whole.items() if key != "$defs"} | whole["$defs"]):
        checker = jsonschema.Draft202012Validator({**part, "$defs": whole["$defs"]})
        for example in part.get("examples", ()):
            assert [error.message for error in checker.iter_errors(example)] == []


def test_every_key_of_the_configuration_is_described(tmp_path: Path) -> None:
    """Also what a table is, and no default that the file could not hold."""
    whole = Program(tmp_path)("schema", "config").json
    undescribed = [
        name
        for part in _parts(whole)
        for name, key in part.get("properties", {}).items()
        if isinstance(key, dict) and not key.get("description")
    ]
    assert undescribed == []
    keys = [key for part in _parts(whole) for key in part.get("properties", {}).values()]
    durations = [key["default"] for key in keys if "30s" in key.get("examples", ()) and key.get("default")]
    assert {"30s", "35m", "1h", "30d", "0s"} <= set(durations)
    assert [text for text in durations if not re.fullmatch(r"\d+(ms|[smhd])", text)] == []


def test_the_manifests_of_the_demo_name_the_schema_that_lies_beside_them(tmp_path: Path) -> None:
    """The file is what the program prints, and each manifest's line leads to it."""
    beside = SAMPLES / ".schema.json"
    assert json.loads(beside.read_text("utf-8")) == Program(tmp_path)("schema").json
    for file in SAMPLES.rglob("*.yaml"):
        line = file.read_text("utf-8").partition("\n")[0]
        assert line.startswith("# yaml-language-server: $schema=")
        assert (file.parent / line.rpartition("=")[2]).resolve() == beside


_WEB = "https://git.example.com"


@pytest.mark.parametrize(
    ("key", "accepted", "refused"),
    [
        (
            "schedule.every",
            ["30s", "1h30m", "0.5d", "250ms", "0000000000030s", "315360000", "87600h"],
            ["999999h", "9999999999", "99999d", "1y", "30S", ""],
        ),
        (
            "web.allowed_hosts",
            ["*", "*.a.b", "A-1_x.example.com", "10.0.0.1", "::1", "localhost", "fe80::1%eth0"],
            ["https://a", "a:80", "[::1]", "a/b", "*a", "a..b", "b\u00fccher.example"],
        ),
        (
            "web.commit_url",
            [f"{_WEB}/{{commit}}", "HTTP://h?q={commit}#{commit}", f" {_WEB}/{{commit}} "],
            [
                _WEB,
                f"{_WEB}/{{sha}}",
                f"{_WEB}/{{commit}}/{{x}}",
                "ftp://h/{commit}",
                "https://u:p@h/{commit}",
            ],
        ),
        (
            "web.file_url",
            [f"{_WEB}/{{path}}", f"{_WEB}/{{commit}}/{{path}}#L{{line}}"],
            [f"{_WEB}/{{commit}}", f"{_WEB}/{{path}} b", f"{_WEB}/{{path}}/{{lines}}", "h/{path}"],
        ),
    ],
)
def test_an_editor_underlines_what_the_program_refuses(
    tmp_path: Path, key: str, accepted: list[str], refused: list[str]
) -> None:
    """A text that has a form, by its pattern; and nothing that the program accepts."""
    schema = _schema(tmp_path, "config")
    table, name = key.split(".")
    for text in (*accepted, *refused):
        content = {table: {name: [text] if name.endswith("hosts") else text}}
        assert schema.is_valid(content) is (text in accepted), text
        assert _is_taken(content) is (text in accepted), text
