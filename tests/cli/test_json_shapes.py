from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from tests.program import manifest, modelarts

if TYPE_CHECKING:
    from tests.program import Fleet

REPORT = ["version", "commit", "digest", "summary", "failures", "notes", "items"]
ITEM = [
    *("target", "model_name", "model_version", "verdict", "since", "path", "line", "commit", "author"),
    *("model_id", "model_status", "next_attempt_at", "reasons", "diff"),
]
REASON = ["code", "message", "path", "line", "column"]
VERDICTS = [
    *("import", "in-sync", "publishing", "waiting", "failed", "drifted", "conflict", "invalid", "missing"),
    *("unmanaged", "refused"),
]
PAST = [
    *("target", "model_name", "model_version", "path", "commit", "author", "authored_at", "subject", "events")
]
EVENT = ["at", "event", "cycle_id", "commit", "model_id", "request_id", "detail"]


def test_plan_apply_and_status_print_the_promised_object(fleet: Fleet) -> None:
    """The same keys in each, and unknown values as null."""
    commit = fleet.commit({"models.d/bad.yaml": "model_name: x\n"})
    for command in ("plan", "apply", "status"):
        report = fleet.json(command).json
        assert list(report) == REPORT
        assert (report["version"], report["commit"], len(report["digest"])) == (1, commit, 64)
        assert list(report["summary"]) == VERDICTS
        assert sum(report["summary"].values()) == len(report["items"]) == 3
        for item in report["items"]:
            assert list(item) == ITEM
            assert [list(reason) for reason in item["reasons"]] == [REASON] * len(item["reasons"])


def test_a_state_without_a_cycle_knows_no_commit_and_no_digest(fleet: Fleet) -> None:
    """Both are null, as all that is not known."""
    report = fleet.json("status").json
    assert list(report) == REPORT
    assert (report["commit"], report["digest"], report["items"]) == (None, None, [])


def test_an_item_tells_where_it_is_from_and_what_became_of_it(fleet: Fleet) -> None:
    """Commit, author, path and line of the manifest; id and status in the registry."""
    first = fleet.repository.git("rev-parse", "HEAD")
    fleet.declare("c@1.0.0")
    planned = fleet.json("plan").items["a@1.0.0"]
    assert planned == {
        "target": "local",
        "model_name": "a",
        "model_version": "1.0.0",
        "verdict": "import",
        "since": None,
        "path": "models.d/a-1.0.0.yaml",
        "line": 1,
        "commit": first,
        "author": "A. Author <author@example.org>",
        "model_id": None,
        "model_status": None,
        "next_attempt_at": None,
        "reasons": [],
        "diff": [],
    }
    applied = fleet.json("apply").items["a@1.0.0"]
    assert datetime.fromisoformat(applied.pop("since")).utcoffset() == timedelta(0)
    del planned["since"]
    assert applied | {"model_id": None} == planned | {"verdict": "in-sync", "model_status": "published"}
    assert len(applied["model_id"]) == 36


def test_an_invalid_manifest_tells_its_problems_with_their_places(fleet: Fleet) -> None:
    """What is not known of the model is null; a column where there is one."""
    fleet.commit({"models.d/bad.yaml": manifest("x@01.0.0")})
    item = fleet.json("plan").items["x@01.0.0"]
    assert (item["verdict"], item["path"], item["model_id"]) == ("invalid", "models.d/bad.yaml", None)
    (reason,) = item["reasons"]
    assert (reason["path"], reason["line"]) == ("models.d/bad.yaml", 2)
    assert isinstance(reason["column"], int)
    assert "must not start with 0" in reason["message"]


def test_a_target_that_failed_and_a_note_are_part_of_the_object(fleet: Fleet) -> None:
    """With --quiet as well: it is a result."""
    fleet.configure(modelarts("http://127.0.0.1:9"))
    fleet.repository.write({"models.d/dirty.yaml": manifest("dirty@1.0.0")})
    done = fleet.json("plan", "--quiet")
    (failure,) = done.json["failures"]
    assert (done.code, list(failure), failure["target"]) == (3, ["target", "message"], "prod")
    assert failure["message"].startswith("target prod: ")
    assert any("uncommitted" in note for note in done.json["notes"])


def test_history_prints_the_promised_list(fleet: Fleet) -> None:
    """One object a commit and model, events oldest first, request id and model id of the import."""
    commit = fleet.repository.git("rev-parse", "HEAD")
    fleet("apply")
    rows = fleet.json("history").json
    assert [list(row) for row in rows] == [PAST, PAST]
    row = rows[0]
    assert (row["target"], row["model_name"], row["commit"], row["subject"]) == (
        "local",
        "a",
        commit,
        "Change",
    )
    assert row["authored_at"] == "2023-11-15T00:14:20+02:00"
    assert {tuple(event) for event in row["events"]} == {tuple(EVENT)}
    words = [event["event"] for event in row["events"]]
    assert words[:2] == ["import-requested", "imported"]
    assert words[-1] == "published"
    requested, imported = row["events"][:2]
    assert (requested["model_id"], requested["request_id"]) == (None, None)
    assert None not in (imported["model_id"], imported["request_id"], imported["cycle_id"])
    assert {event["commit"] for event in row["events"]} == {commit}


def test_validate_prints_its_problems(fleet: Fleet) -> None:
    """Counts, and each problem with its severity."""
    fleet.repository.write({"models.d/bad.yaml": "model_name: x\n"})
    report = fleet.json("validate").json
    assert list(report) == ["version", "manifests", "errors", "warnings", "problems", "notes"]
    assert (report["version"], report["manifests"], report["errors"]) == (1, 3, len(report["problems"]))
    assert {tuple(problem) for problem in report["problems"]} == {(*REASON, "severity")}


def test_doctor_prints_its_findings(fleet: Fleet) -> None:
    """One object a check."""
    findings = fleet.json("doctor").json
    keys = {tuple(finding) for finding in findings}
    assert keys == {("check", "level", "message", "target", "remedy", "exit_code")}
    assert {finding["level"] for finding in findings} == {"ok"}


def test_an_empty_past_is_an_empty_list(fleet: Fleet) -> None:
    """Never an error, never no output."""
    assert fleet.json("history", "nobody").json == []
    report = fleet.json("status").json
    assert (report["items"], list(report)) == ([], REPORT)
