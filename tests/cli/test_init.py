"""`init`: the first files of a repository, written where nothing is yet."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
import yaml

from reconciler.contract import edition as rules_of
from reconciler.contract.catalogue import EDITIONS
from reconciler.manifest import Manifest, read
from tests.git_repository import GitRepository
from tests.program import EMBEDDED, Program, manifest

if TYPE_CHECKING:
    from collections.abc import Mapping

COMMON = ["models.d/_example.yaml", "models.d/.schema.json", "reconciler.toml", ".pre-commit-config.yaml"]
VENDORED = files("check_jsonschema") / "builtin_schemas" / "vendor"


@pytest.fixture
def empty(tmp_path: Path) -> Program:
    """An empty repository."""
    GitRepository(tmp_path / "new")
    return Program(tmp_path / "new")


def test_an_empty_repository_gets_all_it_needs(empty: Program) -> None:
    """What is written works: the check, a commit, a plan; a second run writes nothing."""
    report = empty.json("init", "--forge", "github").json
    expected = [*COMMON, ".github/workflows/models.yml"]
    assert report == {"version": 1, "dry_run": False, "created": expected, "kept": []}
    assert empty("validate").code == 0
    repository = GitRepository(empty.folder)
    commit = repository.commit({})
    assert empty.json("plan").json["commit"] == commit
    before = empty.files()
    assert empty.json("init", "--forge", "github").json["kept"] == expected
    assert empty.files() == before


def test_what_is_there_is_left_as_it_is(empty: Program) -> None:
    """Files, links and links to nowhere; the rest is written, and a note says how to see the templates."""
    (empty.folder / ".pre-commit-config.yaml").write_text("repos: []\n", "utf-8")
    (empty.folder / "models.d").mkdir()
    (empty.folder / "models.d" / ".schema.json").symlink_to("nowhere")
    done = empty("init")
    assert (empty.folder / ".pre-commit-config.yaml").read_text("utf-8") == "repos: []\n"
    assert not (empty.folder / "models.d" / "nowhere").exists()
    assert "kept     .pre-commit-config.yaml\n" in done.out
    assert "created  models.d/_example.yaml\n" in done.out
    assert "init --dry-run --verbose" in done.err


def test_a_dry_run_writes_nothing_and_tells_the_same(empty: Program) -> None:
    """With --verbose it shows each file."""
    before = empty.files()
    dry = empty("init", "--dry-run", "--verbose")
    assert empty.files() == before
    assert "    model_version: 1.0.0" in dry.out
    assert [line.split()[-1] for line in dry.out.splitlines() if line.startswith("would")] == COMMON
    assert [line.split()[-1] for line in empty("init").out.splitlines()] == COMMON


@pytest.mark.parametrize("inside", [False, True])
def test_nothing_is_written_through_a_link(empty: Program, tmp_path: Path, inside: bool) -> None:
    """Out of the repository, or to where git would not find it."""
    elsewhere = (empty.folder if inside else tmp_path) / "elsewhere"
    elsewhere.mkdir()
    (empty.folder / "models.d").symlink_to(elsewhere)
    done = empty("init")
    assert (done.code, list(elsewhere.iterdir())) == (1, [])
    assert "symbolic link" in done.err


@pytest.mark.parametrize("edition", EDITIONS)
def test_the_first_manifest_is_valid_in_any_edition(empty: Program, edition: str) -> None:
    """For the program without a warning, and for an editor by the schema that its first line names."""
    assert empty("init", "--edition", edition).code == 0
    text = (empty.folder / "models.d" / "_example.yaml").read_text("utf-8")
    results = read("models.d/example.yaml", text.encode(), rules_of(edition), lambda _: None)
    assert all(isinstance(result, Manifest) and not result.warnings for result in results), results
    schema = json.loads((empty.folder / "models.d" / ".schema.json").read_text("utf-8"))
    jsonschema.Draft202012Validator(schema).validate(yaml.safe_load(text))
    assert text.startswith("# yaml-language-server: $schema=.schema.json\n")
    assert schema == empty("schema", "--target", "local").json


def test_the_target_that_is_asked_for_is_configured(empty: Program) -> None:
    """A project of a service; its token comes from a variable that is named."""
    url = "https://modelarts.cn-north-4.myhuaweicloud.com"
    asked = ("--endpoint", url, "--project-id", "0123abcd", "--target", "staging", "--edition", "current")
    assert empty("init", *asked).code == 0
    assert empty.json("schema", "--target", "staging").json["title"].endswith("(current)")
    GitRepository(empty.folder).commit({})
    assert "MODELARTS_TOKEN is not set" in empty("plan", "--target", "staging").err
    again = empty("init", "--target", "other")
    assert "not added" in again.err


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--endpoint", "https://x.example"), "--project-id"),
        (("--endpoint", "http://x.example", "--project-id", "p"), "--endpoint"),
        (("--endpoint", "https://x.example", "--project-id", "a/b"), "project_id"),
        (("--edition", "seed-2020"), "edition"),
        (("--target", "a/b"), "name"),
    ],
)
def test_a_wrong_wish_is_told_before_anything_is_written(
    empty: Program, arguments: tuple[str, ...], expected: str
) -> None:
    """Exit code 2, and an empty repository stays empty."""
    done = empty("init", *arguments)
    assert (done.code, empty.files()) == (2, {})
    assert expected in done.err


def test_the_directories_of_the_targets_there_are_count(empty: Program) -> None:
    """Each gets an example and the schema of its edition; the hook checks them all."""
    empty.configure(
        EMBEDDED.replace(
            "[follow]", "path = 'a b/x'\nedition = 'current'\n[targets.n]\nkind = 'embedded'\n[follow]"
        )
    )
    assert empty("init").code == 0
    assert json.loads((empty.folder / "a b" / "x" / ".schema.json").read_text("utf-8"))["title"].endswith(
        "(current)"
    )
    hook = yaml.safe_load((empty.folder / ".pre-commit-config.yaml").read_text("utf-8"))["repos"][0]["hooks"][
        0
    ]
    assert hook["files"] == r"^(a\ b/x|models\.d)/"


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        ("git@github.com:o/r.git", ".github/workflows/models.yml"),
        ("https://user:secret@gitlab.example.org/g/r.git", ".gitlab-ci.yml"),
        ("https://gitee.com/o/r.git", "ci/check-models.sh"),
        ("ssh://git@codehub.devcloud.cn-north-4.huaweicloud.com:2222/p/r.git", "ci/check-models.sh"),
        ("https://git.example.org/github/r.git", None),
        ("/srv/git/r.git", None),
        ("ext::sh -c github", None),
    ],
)
def test_the_host_of_origin_decides_about_the_pipeline(
    empty: Program, origin: str, expected: str | None
) -> None:
    """By its name, self-hosted or not; of a host that is not known none is written, and that is said."""
    GitRepository(empty.folder).git("config", "remote.origin.url", origin)
    done = empty("init", "--dry-run")
    created = [line.split()[-1] for line in done.out.splitlines()]
    assert created == COMMON + ([expected] if expected else [])
    assert ("--forge" in done.err) is (expected is None)
    assert "secret" not in done.out + done.err


@pytest.mark.parametrize(("forge", "schema"), [("github", "github-workflows"), ("gitlab", "gitlab-ci")])
def test_a_pipeline_is_one_by_the_schema_of_its_host(empty: Program, forge: str, schema: str) -> None:
    """The schemas that editors use; and whatever it runs is a command with options that it has."""
    assert empty("init", "--forge", forge).code == 0
    (file,) = [*empty.folder.glob(".github/workflows/*.yml"), *empty.folder.glob(".gitlab-ci.yml")]
    document = _workflow(file)
    jsonschema.validate(document, json.loads((VENDORED / f"{schema}.json").read_text("utf-8")))


def test_the_script_for_other_hosts_is_one(empty: Program) -> None:
    """A shell reads it, and it names its host."""
    assert empty("init", "--forge", "codearts").code == 0
    script = empty.folder / "ci" / "check-models.sh"
    subprocess.run(["sh", "-n", str(script)], check=True)
    assert "@" not in script.read_text("utf-8").replace("ci@localhost", "")
    assert "CODEARTS_TOKEN" in script.read_text("utf-8")


def test_the_hook_runs_in_a_real_pre_commit(empty: Program) -> None:
    """A commit with a wrong manifest is refused, one with right manifests is not."""
    assert empty("init").code == 0
    repository = GitRepository(empty.folder)
    repository.write({"models.d/x.yaml": manifest("x@1.0.0")})
    repository.git("add", "--all")
    assert _pre_commit(empty).returncode == 0
    repository.write({"models.d/bad.yaml": manifest("x@01.0.0")})
    repository.git("add", "--all")
    refused = _pre_commit(empty)
    assert refused.returncode == 1
    assert b"models.d/bad.yaml:2:16: model_version" in refused.stdout


def test_outside_of_a_repository_there_is_nothing_to_begin(tmp_path: Path) -> None:
    """The way out is named; a bare repository has no files, and nothing is written into it."""
    nowhere = Program(tmp_path / "nowhere")
    nowhere.folder.mkdir()
    done = nowhere("init")
    assert (done.code, "git init" in done.err, nowhere.files()) == (3, True, {})
    GitRepository(tmp_path / "bare", bare=True)
    bare = Program(tmp_path / "bare")
    before = bare.files()
    for command, way_out in (("init", "in a clone"), ("adopt", "--out"), ("validate", "--commit HEAD")):
        done = bare(command)
        assert (done.code, way_out in done.err) == (2, True), done.err
    assert bare.files() == before


def test_whoever_misses_the_directory_is_told_of_init(empty: Program) -> None:
    """In the work tree and in a commit."""
    GitRepository(empty.folder).commit({"README": "x"})
    for command in (["validate"], ["validate", "--commit", "HEAD"], ["plan"], ["doctor"]):
        done = empty(*command)
        assert done.code != 0
        assert "`reconciler init`" in done.out + done.err, command


def _workflow(file: Path) -> Mapping[str, Any]:
    """YAML 1.1 makes a boolean of the key `on`."""
    document = yaml.safe_load(file.read_text("utf-8"))
    return {"on" if key is True else key: value for key, value in document.items()}


def _pre_commit(program: Program) -> subprocess.CompletedProcess[bytes]:
    scripts = str(Path(sys.executable).parent)
    environment = program._variables({"PRE_COMMIT_HOME": str(program.folder.parent / "cache")})
    environment["PATH"] = f"{scripts}:{environment['PATH']}"
    command = [sys.executable, "-m", "pre_commit", "run", "--color", "never"]
    return subprocess.run(command, cwd=program.folder, env=environment, capture_output=True, check=False)
