"""`validate --output github|gitlab|sarif`: what the hosts of repositories read, within their limits."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import jsonschema
import pytest
from fluidattacks_core.sarif import SarifLog

from reconciler.manifest.values import Reason
from reconciler.views import hosts
from tests.program import EMBEDDED, Fleet, manifest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_COMMAND = re.compile(r"::(error|warning) ([^:]*)::(.*)")
_HOSTILE = "models.d/a,b:c%0A é.yaml"
_CODE_QUALITY = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["description", "check_name", "fingerprint", "severity", "location"],
        "properties": {
            "description": {"type": "string", "minLength": 1},
            "check_name": {"type": "string", "minLength": 1},
            "fingerprint": {"type": "string", "minLength": 1},
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "location": {
                "type": "object",
                "required": ["path", "lines"],
                "properties": {
                    "path": {"type": "string", "pattern": r"^(?!\./|/).+"},
                    "lines": {
                        "type": "object",
                        "required": ["begin"],
                        "properties": {"begin": {"type": "integer", "minimum": 1}},
                    },
                },
            },
        },
    },
}
"""GitLab publishes a table and no schema: docs.gitlab.com/ci/testing/code_quality, "report format"."""


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    """A work tree with fourteen errors and a warning, a hostile name and words that are commands."""
    fleet = Fleet(tmp_path_factory.mktemp("hosts") / "fleet")
    fleet.configure(EMBEDDED)
    box = {"url": "/x", "protocol": "http", "method": "post", "param_name": "p", "param_type": "box"}
    files = {f"models.d/m{number}.yaml": manifest(f"m{number}@01.0.0") for number in range(12)}
    files["models.d/a.yaml"] = manifest("w@1.0.0", output_params=[box])
    files[_HOSTILE] = manifest("x@1.0.0") + '"::add-mask::%0A,: \\n::error::": 1\n'
    files["models.d/cut.yaml"] = "{"
    fleet.repository.write(files)
    return fleet


def test_github_is_shown_ten_annotations_and_the_rest_in_the_summary(broken: Fleet, tmp_path: Path) -> None:
    """Errors first; the summary counts and lists all, and is appended to."""
    summary = tmp_path / "summary.md"
    summary.write_text("before\n", "utf-8")
    done = broken("validate", "--output", "github", GITHUB_STEP_SUMMARY=str(summary))
    kinds = [match[1] for match in map(_COMMAND.fullmatch, done.out.splitlines()) if match]
    assert (done.code, kinds) == (1, ["error"] * 10)
    assert "5 more problems" in done.err
    text = summary.read_text("utf-8")
    assert text.startswith("before\n### Manifests: 15 manifests: 14 errors, 1 warning\n")
    assert text.count("| error: ") == 14
    assert text.count("| warning: ") == 1


def test_github_reads_back_exactly_what_was_meant(broken: Fleet) -> None:
    """Place and words survive the escapes, and nothing that a file says is a command of its own."""
    problems = broken.json("validate", "--target", "local").json["problems"]
    done = broken("validate", _HOSTILE, "models.d/a.yaml", "--output", "github")
    commands = [_read_back(line) for line in done.out.splitlines()]
    assert len(commands) == 2
    for command in commands:
        problem = next(one for one in problems if one["path"] == command["file"])
        assert command["message"] == problem["message"].replace("\n", r"\n")
        assert (int(command["line"]), int(command["col"])) == (problem["line"], problem["column"])
        assert (command["title"], command["kind"]) == (problem["code"], problem["severity"])


def test_without_problems_no_host_is_told_anything(fleet: Fleet, tmp_path: Path) -> None:
    """Empty outputs that are valid, exit code 0, and no summary."""
    summary = tmp_path / "summary.md"
    done = fleet("validate", "--output", "github", GITHUB_STEP_SUMMARY=str(summary))
    assert (done.code, done.out, summary.exists()) == (0, "", False)
    assert fleet("validate", "--output", "gitlab").json == []
    assert fleet("validate", "--output", "sarif").json["runs"][0]["results"] == []


def test_gitlab_gets_the_report_that_its_page_describes(broken: Fleet) -> None:
    """Every field it requires; a fingerprint for each problem, the same when lines move."""
    report = broken("validate", "--output", "gitlab").json
    jsonschema.validate(report, _CODE_QUALITY)
    assert len({one["fingerprint"] for one in report}) == len(report) == 15
    file = broken.repository.path / "models.d" / "m1.yaml"
    before = file.read_text("utf-8")
    file.write_text("# moved\n" + before, "utf-8")
    try:
        again = broken("validate", "--output", "gitlab").json
    finally:
        file.write_text(before, "utf-8")
    assert again != report
    assert [one["fingerprint"] for one in again] == [one["fingerprint"] for one in report]


def test_code_scanning_gets_sarif(broken: Fleet) -> None:
    """Valid by the schema of SARIF 2.1.0; each result has its rule, and a URI that names the file."""
    done = broken("validate", "--output", "sarif")
    SarifLog.model_validate(done.json)
    (run,) = done.json["runs"]
    problems = broken.json("validate").json["problems"]
    assert sorted(_facts(run)) == sorted(
        (one["path"], one["line"], one["column"], one["code"], one["severity"]) for one in problems
    )
    assert [result["level"] for result in run["results"]] == ["error"] * 14 + ["warning"]


def test_code_scanning_gets_no_more_results_than_it_shows() -> None:
    """5,000, errors first; how many more there are stands in the log."""
    reasons = [Reason("odd", f"{number}", "models.d/a.yaml", severity="warning") for number in range(6_000)]
    log = hosts.sarif_log([*reasons, Reason("bad", "the last", "models.d/z.yaml")], "1.0")
    SarifLog.model_validate(log)
    (run,) = log["runs"]
    assert (len(run["results"]), run["results"][0]["ruleId"]) == (5_000, "bad")
    (notification,) = run["invocations"][0]["toolExecutionNotifications"]
    assert notification["message"]["text"].startswith("1001 more problems")


def _facts(run: dict[str, Any]) -> Iterator[tuple[Any, ...]]:
    rules = run["tool"]["driver"]["rules"]
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        place = result["locations"][0]["physicalLocation"]
        region = place["region"]
        path = unquote(place["artifactLocation"]["uri"])
        yield path, region["startLine"], region.get("startColumn"), result["ruleId"], result["level"]


def _read_back(line: str) -> dict[str, str]:
    """As the runner reads a command: actions/runner, `ActionCommand.TryParseV2`."""
    match = _COMMAND.fullmatch(line)
    assert match, line
    pairs = (pair.split("=", 1) for pair in match[2].split(","))
    unescaped = {
        key: value.replace("%3A", ":").replace("%2C", ",").replace("%25", "%") for key, value in pairs
    }
    return {"kind": match[1], "message": match[3].replace("%25", "%")} | unescaped
