"""`history` tells each event under the commit that caused it, and agrees with status, plan and git."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.errors import Exit
from tests.program import manifest

if TYPE_CHECKING:
    from tests.program import Fleet

A = "models.d/a-1.0.0.yaml"


def commits_of(fleet: Fleet, name: str = "a@1.0.0") -> list[tuple[str, list[str]]]:
    """Subject and events of each commit, newest first."""
    rows: list[dict[str, Any]] = fleet.json("history", name).json
    for row in rows:
        assert {event["commit"] for event in row["events"]} <= {row["commit"]}
    return [(row["subject"], [event["event"] for event in row["events"]]) for row in rows]


def credited(fleet: Fleet, command: str, name: str) -> str:
    commit: str = fleet.json(command).items[name]["commit"]
    return commit


def test_a_model_that_moved_to_a_file_unlike_its_own_keeps_the_commit_that_made_it(fleet: Fleet) -> None:
    """Git calls it no rename: the document is one of several there."""
    fleet("apply")
    both = manifest("x@1.0.0", description="x " * 200) + "---\n" + manifest("a@1.0.0")
    fleet.commit({A: None, "models.d/all.yaml": both}, "Join")
    fleet("apply")
    assert [subject for subject, _ in commits_of(fleet)] == ["Join", "Change"]
    assert commits_of(fleet)[1][1] == ["import-requested", "imported", "published"]


def test_a_commit_that_only_touched_a_neighbour_is_not_told(fleet: Fleet) -> None:
    """And nobody credits it; who changed the neighbour is credited with that one."""
    both = manifest("y@1.0.0") + "---\n" + manifest("x@1.0.0")
    fleet.commit({"models.d/all.yaml": both}, "Two")
    two = fleet.repository.git("rev-parse", "HEAD")
    fleet("apply")
    fleet.commit({"models.d/all.yaml": both + "description: new\n"}, "Of x")
    of_x = fleet.repository.git("rev-parse", "HEAD")
    fleet("apply")
    assert [subject for subject, _ in commits_of(fleet, "y@1.0.0")] == ["Two"]
    assert [subject for subject, _ in commits_of(fleet, "x@1.0.0")] == ["Of x", "Two"]
    for command in ("status", "plan"):
        assert credited(fleet, command, "y@1.0.0") == two
        assert credited(fleet, command, "x@1.0.0") == of_x


def test_an_edit_and_its_revert_are_told_after_a_merge(fleet: Fleet) -> None:
    """Also with a committer's clock that is behind; status credits what `git log -1` does."""
    git = fleet.repository.git
    fleet("apply")
    before = (fleet.repository.path / A).read_text()
    git("branch", "side")
    fleet.commit({A: before + "description: new\n"}, "Edit")
    fleet("apply")
    fleet.repository._commits = 0
    fleet.commit({A: before}, "Revert")
    git("checkout", "--quiet", "side")
    fleet.commit({"models.d/z.yaml": manifest("z@1.0.0")}, "Aside")
    git("checkout", "--quiet", "main")
    git("merge", "--quiet", "--no-ff", "--message=Merge", "side")
    fleet("apply")
    assert [subject for subject, _ in commits_of(fleet)] == ["Revert", "Edit", "Change"]
    assert "drifted" in commits_of(fleet)[1][1]
    for command in ("status", "plan"):
        assert credited(fleet, command, "a@1.0.0") == git("log", "-1", "--format=%H", "--", A)


def test_an_event_of_a_commit_that_was_pushed_away_stands_alone_with_it(fleet: Fleet) -> None:
    """With what the journal knows; what nobody knows any more is null."""
    lost = fleet.repository.git("rev-parse", "HEAD")
    fleet("apply")
    fleet.repository.git("commit", "--quiet", "--amend", "--message=Again")
    fleet("apply")
    rows = {row["commit"]: row for row in fleet.json("history", "a@1.0.0").json}
    assert (rows[lost]["subject"], rows[lost]["authored_at"]) == (None, None)
    assert (rows[lost]["path"], rows[lost]["author"]) == (A, "A. Author <author@example.org>")
    assert "imported" in [event["event"] for event in rows[lost]["events"]]
    assert rows[fleet.repository.git("rev-parse", "HEAD")]["subject"] == "Again"
    assert "not in the branch" in fleet("history", "a@1.0.0").out


def test_history_of_something_unknown_is_a_failure(fleet: Fleet) -> None:
    """An empty list, a word about it, and exit code 1."""
    done = fleet.json("history", "nobody@1.0.0")
    assert (done.code, done.out) == (Exit.ATTENTION, "[]\n")
    assert "nobody@1.0.0: neither declared in git nor remembered" in done.err
