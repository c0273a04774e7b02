from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.errors import Exit
from tests.program import EMBEDDED, manifest, modelarts
from tests.relay import relayed

if TYPE_CHECKING:
    from tests.program import Fleet


def test_status_before_any_cycle_says_so(fleet: Fleet) -> None:
    """Exit code 0, and what to run."""
    done = fleet("status")
    assert (done.code, "reconciler plan" in done.err) == (0, True)
    assert done.out == "Status: no models.\n"


@pytest.mark.parametrize("command", ["check", "export", "compact", "migrate", "rebuild"])
def test_a_state_that_is_not_there_is_not_called_sound(fleet: Fleet, command: str) -> None:
    """Before the first apply, or where state.url is wrong: exit code 3, and nothing is created."""
    before = fleet.files()
    done = fleet("state", command)
    assert (done.code, "sound" in done.out, fleet.files()) == (3, False, before)
    message = f"state.db does not exist: there is nothing to {command}. The first `reconciler apply` makes it"
    assert message in done.out + done.err
    assert not (fleet.folder / ".reconciler").exists()
    if command == "check":
        assert fleet.json("state", "check").json["problems"] == done.out.splitlines()


def test_status_is_what_the_last_cycle_found_without_asking_anybody(fleet: Fleet) -> None:
    """The registry is gone by now."""
    with relayed() as relay:
        fleet.configure(modelarts(relay.url))
        applied = fleet.json("apply")
        requests = len(relay.requests)
        status = fleet.json("status")
        assert len(relay.requests) == requests
    assert status.json["items"] == applied.json["items"]
    assert fleet.json("status").json == status.json


def test_status_remembers_what_needs_a_human(fleet: Fleet) -> None:
    """With its exit code."""
    fleet.commit({"models.d/bad.yaml": "a: 1\n"})
    fleet("apply")
    done = fleet("status")
    assert (done.code, "models.d/bad.yaml" in done.out) == (1, True)


def test_a_verdict_has_a_beginning_that_later_cycles_and_processes_keep(fleet: Fleet) -> None:
    """Whatever else is new, until it is another verdict."""
    fleet.commit({"models.d/bad.yaml": "a: 1\n"})
    first = fleet.json("apply").items
    assert {item["verdict"] for item in first.values()} == {"in-sync", "invalid"}
    fleet.commit({"models.d/bad.yaml": "b: 2\n", "models.d/c-1.0.0.yaml": manifest("c@1.0.0")})
    for command in ("plan", "apply", "status"):
        later = fleet.json(command).items
        assert {title: later[title]["since"] for title in first} == {
            title: item["since"] for title, item in first.items()
        }
    assert later["c@1.0.0"]["since"] > later["a@1.0.0"]["since"]
    fleet.commit({"models.d/a-1.0.0.yaml": manifest("a@1.0.0", description="new")})
    assert fleet.json("plan").items["a@1.0.0"]["since"] is None
    drifted = fleet.json("apply").items["a@1.0.0"]
    assert (drifted["verdict"], drifted["since"] > first["a@1.0.0"]["since"]) == ("drifted", True)
    assert drifted["diff"] == [{"field": "description", "declared": "new", "registered": ""}]
    assert fleet.json("status").items["a@1.0.0"] == drifted


def test_a_conflict_is_said_once(fleet: Fleet) -> None:
    """Both places stand in one line; in JSON each has its own."""
    fleet.commit({"models.d/again.yaml": manifest("a@1.0.0")})
    fleet("apply")
    assert fleet("status").out.count("is declared 2 times") == 1
    assert len(fleet.json("status").items["a@1.0.0"]["reasons"]) == 2


def test_status_of_a_failed_model_survives_a_lost_state(fleet: Fleet) -> None:
    """What was observed is remembered as it was, not as something to import."""
    with relayed(fail_pattern="a") as relay:
        fleet.configure(modelarts(relay.url))
        fleet("apply")
        for file in (fleet.folder / ".reconciler").iterdir():
            file.unlink()
        applied = fleet.json("apply")
    assert applied.verdicts == {"a@1.0.0": "failed", "b@2.0.0": "in-sync"}
    assert fleet.json("status").verdicts == applied.verdicts


def test_status_of_one_target(fleet: Fleet) -> None:
    """The others are left out."""
    more = "[targets.more]\nkind = 'embedded'\npublish_seconds = 0\n"
    fleet.configure(EMBEDDED.replace("[follow]", f"{more}[follow]"))
    fleet("apply")
    assert len(fleet.json("status").json["items"]) == 4
    assert {item["target"] for item in fleet.json("status", "--target", "more").json["items"]} == {"more"}


def test_history_joins_commits_with_what_became_of_them(fleet: Fleet) -> None:
    """Newest commit first; each event with the commit that caused it."""
    first = fleet.repository.git("rev-parse", "HEAD")
    fleet("apply")
    second = fleet.repository.commit(
        {"models.d/a-1.0.0.yaml": manifest("a@1.0.0", description="new")},
        "Describe it",
        "Ada Lovelace <ada@example.org>",
    )
    fleet("apply")
    rows = fleet.json("history", "a").json
    assert [(row["commit"], row["subject"], row["author"]) for row in rows] == [
        (second, "Describe it", "Ada Lovelace <ada@example.org>"),
        (first, "Change", "A. Author <author@example.org>"),
    ]
    assert [event["event"] for event in rows[0]["events"]] == ["drifted"]
    assert [event["event"] for event in rows[1]["events"]] == ["import-requested", "imported", "published"]
    text = fleet("history", "a@1.0.0").out
    assert text.index("Describe it") < text.index("Change")
    assert "Ada Lovelace <ada@example.org>" in text


def test_history_follows_a_renamed_file(fleet: Fleet) -> None:
    """With the path the manifest had then."""
    fleet("apply")
    fleet.commit({"models.d/a-1.0.0.yaml": None, "models.d/vision/a.yaml": manifest("a@1.0.0")}, "Move")
    rows = fleet.json("history", "a@1.0.0").json
    assert [(row["subject"], row["path"]) for row in rows] == [
        ("Move", "models.d/vision/a.yaml"),
        ("Change", "models.d/a-1.0.0.yaml"),
    ]


def test_history_tells_of_a_model_that_is_declared_no_more(fleet: Fleet) -> None:
    """The journal remembers, and git knows the commit that took it away."""
    fleet("apply")
    fleet.commit({"models.d/a-1.0.0.yaml": None}, "Retire")
    rows = fleet.json("history", "a").json
    assert "published" in [event["event"] for row in rows for event in row["events"]]
    assert "Retire" in [row["subject"] for row in rows]


def test_history_of_one_version(fleet: Fleet) -> None:
    """A name takes all versions; a version takes one."""
    fleet.declare("a@1.1.0")
    assert {row["model_version"] for row in fleet.json("history", "a").json} == {"1.0.0", "1.1.0"}
    assert {row["model_version"] for row in fleet.json("history", "a@1.1.0").json} == {"1.1.0"}


def test_history_of_nobody_says_so(fleet: Fleet) -> None:
    """Exit code 1, nothing on standard output."""
    done = fleet("history", "nobody")
    assert (done.code, done.out) == (Exit.ATTENTION, "")
    assert done.err.startswith("error: nobody: neither declared in git nor remembered")


def test_history_works_before_any_cycle_and_makes_nothing(fleet: Fleet) -> None:
    """Git alone."""
    before = fleet.files()
    assert len(fleet.json("history").json) == 2
    assert fleet.files() == before


def test_a_compressed_journal_tells_the_same_history(fleet: Fleet) -> None:
    """`state compact`: what is exported, checked and told is what it was."""
    fleet("apply")
    before = (fleet("state", "export").out, fleet("history", "--output", "json").out)
    done = fleet("state", "compact", "--days", "0")
    count = len(before[0].splitlines()) - 1
    assert (done.code, done.out, done.err) == (0, f"{count} events were compressed\n", "")
    assert (fleet("state", "export").out, fleet("history", "--output", "json").out) == before
    assert fleet("state", "check").code == 0
    assert fleet("state", "compact").out == "0 events were compressed\n"


def test_compressing_nothing_by_configuration_wants_an_age(fleet: Fleet) -> None:
    """Where `state.compact_after` says never."""
    fleet.configure(f"{EMBEDDED}[state]\ncompact_after = '0s'\n")
    fleet("apply")
    done = fleet("state", "compact")
    assert (done.code, "--days" in done.err) == (2, True)
    assert fleet("state", "compact", "--days", "1", "--quiet").out == ""
