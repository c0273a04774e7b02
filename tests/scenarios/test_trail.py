"""From a model id to the commit that caused it, from a commit to what came of it, and back to any day."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.errors import Exit
from tests.program import Done, Fleet, manifest, modelarts
from tests.relay import relayed

if TYPE_CHECKING:
    from collections.abc import Iterator

NO_COMMITS = ("HEAD~999", "HEAD~1..HEAD", "main@{99}", "HEAD:models.d", "HEAD^{tree}", "two words", "-x")
A, B, C = "models.d/a-1.0.0.yaml", "models.d/b-2.0.0.yaml", "models.d/c.yaml"


@dataclass
class Story:
    """What was committed, by a name for it; what `status` said after the cycle, and when."""

    fleet: Fleet
    commits: dict[str, str] = field(default_factory=dict)
    status: dict[str, Done] = field(default_factory=dict)
    moments: dict[str, str] = field(default_factory=dict)

    def commit(self, what: str, files: dict[str, str | None], author: str = "Ada <ada@example.org>") -> None:
        self.commits[what] = self.fleet.repository.commit(files, what, author)

    def apply(self, what: str) -> None:
        self.fleet("apply")
        self.status[what] = self.fleet.json("status")
        self.moments[what] = datetime.now(UTC).isoformat()

    def history(self, *arguments: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.fleet.json("history", *arguments).json
        return rows


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """Two targets, and four cycles over six commits."""
    with relayed() as relay:
        fleet = Fleet(tmp_path_factory.mktemp("trail") / "fleet")
        other = modelarts(relay.url, name="spare", path="spare.d").partition("[follow]")[0]
        fleet.configure(modelarts(relay.url) + other)
        trail = Story(fleet)
        both = {A: manifest("a@1.0.0"), B: manifest("b@2.0.0"), "spare.d/a.yaml": manifest("a@1.0.0")}
        trail.commit("two", dict(both))
        trail.apply("two")
        trail.commit("c", {C: manifest("c@1.0.0")}, "Cleo <cleo@example.org>")
        trail.apply("c")
        trail.commit("edited", {A: manifest("a@1.0.0", description="new")})
        trail.commit("broken", {B: None, "models.d/bad.yaml": "model_name: x\n"})
        trail.apply("broken")
        trail.commit("mended", {"models.d/bad.yaml": None})
        trail.commit("readme", {"README": "Models"})
        trail.apply("readme")
        yield trail


def test_a_model_id_leads_to_its_commit_and_all_that_became_of_it(story: Story) -> None:
    """Who, which commit, path and line, which request, when; the rows that `history` has of it alone."""
    everything = story.history()
    ids = {event["model_id"] for row in everything for event in row["events"]} - {None}
    assert len(ids) == 4
    for model_id in ids:
        assert story.history("--model-id", model_id) == [
            row for row in everything if model_id in [event["model_id"] for event in row["events"]]
        ]
    (row,) = story.history("--model-id", story.status["c"].items["c@1.0.0"]["model_id"])
    assert (row["commit"], row["author"], row["path"]) == (story.commits["c"], "Cleo <cleo@example.org>", C)
    assert row["events"][1]["request_id"]
    assert f"  {C}:1  c\n" in story.fleet("history", "c@1.0.0").out


def test_a_commit_leads_to_everything_that_it_caused_in_every_target(story: Story) -> None:
    """By any name that git has for it."""
    everything = story.history()
    for commit in story.commits.values():
        assert story.history("--commit", commit) == [row for row in everything if row["commit"] == commit]
    rows = story.history("--commit", "HEAD~5")
    assert {(row["target"], row["model_name"]) for row in rows} == {
        ("prod", "a"),
        ("prod", "b"),
        ("spare", "a"),
    }
    assert {row["target"] for row in story.history("--commit", "HEAD~5", "--target", "spare")} == {"spare"}
    assert story.history("--commit", "HEAD~5", "b") == [row for row in rows if row["model_name"] == "b"]


def test_a_commit_that_git_lost_is_found_in_the_journal_by_a_part_of_its_id(fleet: Fleet) -> None:
    """After a force-push and a collection of garbage."""
    lost = fleet.repository.git("rev-parse", "HEAD")
    fleet("apply")
    fleet.repository.git("commit", "--quiet", "--amend", "--message=Again")
    fleet.repository.git("reflog", "expire", "--expire=now", "--all")
    fleet.repository.git("gc", "--quiet", "--prune=now")
    rows = fleet.json("history", "--commit", lost[:12]).json
    assert [(row["commit"], row["subject"]) for row in rows] == [(lost, None), (lost, None)]
    done = fleet("status", "--at", datetime.now(UTC).isoformat())
    assert "a@1.0.0" in done.out
    assert "git no longer has commit" in done.out
    fleet("apply")
    assert "models.d/a" in fleet("history", "--commit", "HEAD").out


@pytest.mark.parametrize("arguments", [(), ("a",), ("--commit", "HEAD~3")])
def test_a_span_of_time_and_an_author_narrow_whatever_is_asked(
    story: Story, arguments: tuple[str, ...]
) -> None:
    """A commit counts by when it was authored, or by when anything came of it; a row is shown whole."""
    everything = story.history(*arguments)
    for since, until in ((story.moments["two"], story.moments["c"]), (story.moments["broken"], "9999-01-01")):
        assert story.history(*arguments, "--since", since, "--until", until) == [
            row
            for row in everything
            if any(since <= at <= until for at in [row["authored_at"], *(e["at"] for e in row["events"])])
        ]
    assert story.history(*arguments, "--author", "CLEO@") == [
        row for row in everything if row["author"].startswith("Cleo")
    ]
    assert story.history(*arguments, "--since", "10m", "--author", "nobody") == []


@pytest.mark.parametrize("what", ["two", "c", "broken", "readme"])
def test_status_at_a_commit_or_a_time_is_what_status_said_then(story: Story, what: str) -> None:
    """Declared, edited, broken, mended and removed; with the exit code that it had."""
    then = story.status[what]
    for when in (story.commits[what], story.moments[what]):
        done = story.fleet.json("status", "--at", when)
        assert (done.code, done.json["commit"]) == (then.code, story.commits[what])
        assert [_recorded(item) for item in done.json["items"]] == [
            _recorded(item) for item in then.json["items"]
        ]
    one = story.fleet.json("status", "a@1.0.0", "--at", story.commits[what], "--target", "prod").verdicts
    assert one == {"a@1.0.0": {"two": "in-sync", "c": "in-sync"}.get(what, "drifted")}


def _recorded(item: dict[str, Any]) -> dict[str, Any]:
    """Without what only the registry told, and since when it stood."""
    return {key: value for key, value in item.items() if key not in ("since", "reasons", "diff")}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("history", "--model-id", "nobody"), "no model with the id 'nobody' is remembered"),
        (("history", "--model-id", "a\nerror: b"), r"no model with the id 'a\nerror: b' is remembered"),
        (("history", "--commit", "nowhere"), "no commit is called 'nowhere'"),
        (("history", "--commit", "0123456789"), "the journal knows none that begins with it"),
        *((("history", f"--commit={odd}"), f"no commit is called '{odd}'") for odd in NO_COMMITS),
        (("history", "--commit", "HEAD\nHEAD"), r"no commit is called 'HEAD\nHEAD'"),
        (("status", "--at", "nowhere"), "no commit is called 'nowhere'"),
        (("status", "--at", "2026-13-01"), "or a date or time such as"),
        (("status", "--at", "0001-01-01T00:00+14:00"), "or a date or time such as"),
        (("status", "--at", "9999-12-31T23:59-14:00"), "or a date or time such as"),
        (("status", "--at", "main@{99}"), "no commit is called 'main@{99}'"),
        (("status", "--at", "HEAD~3"), "Of commits that were pushed together only the last is reconciled"),
        (("status", "--at", "2001-01-01"), "remembers no cycle that began before then"),
    ],
)
def test_what_nobody_knows_is_a_failure_in_words(
    story: Story, arguments: tuple[str, ...], words: str
) -> None:
    """Exit code 1, and nothing on standard output."""
    done = story.fleet(*arguments)
    assert (done.code, done.out, words in done.err) == (Exit.ATTENTION, "", True), done.err


def test_a_commit_of_which_nothing_came_is_no_failure(story: Story) -> None:
    """It is known; it declared nothing."""
    done = story.fleet.json("history", "--commit", story.commits["readme"])
    assert (done.code, done.json) == (Exit.OK, [])
    assert "nothing came of it" in done.err


def test_questions_that_exclude_each_other_have_no_answer_and_are_no_failure(story: Story) -> None:
    """A model id is known although it is another model's, or another commit's; a commit may be of others."""
    model_id = story.status["c"].items["c@1.0.0"]["model_id"]
    for arguments in (
        ("b", "--model-id", model_id),
        ("--model-id", model_id, "--commit", story.commits["two"]),
        ("b", "--commit", story.commits["c"]),
    ):
        done = story.fleet.json("history", *arguments)
        assert (done.code, done.json) == (Exit.OK, [])
        assert done.err.endswith(": nothing is known that has all of these; ask for less\n")
        assert all(word in done.err for word in arguments if not word.startswith("--"))


@pytest.mark.parametrize("option", ["--since", "--until"])
@pytest.mark.parametrize("text", ["yesterday", "2026-13-01", "-5d", "1e400d", "0001-01-01T00:00+14:00"])
def test_a_time_that_is_none_is_a_usage_error(story: Story, option: str, text: str) -> None:
    """With examples of what is one."""
    done = story.fleet("history", f"{option}={text}")
    assert (done.code, "such as 90m or 7d" in done.err) == (Exit.CONFIGURATION, True)


@pytest.mark.parametrize(
    ("command", "option"),
    [
        *(("history", f"--{name}") for name in ("commit", "model-id", "since", "until", "author")),
        ("status", "--at"),
    ],
)
def test_a_value_that_is_empty_is_a_usage_error(story: Story, command: str, option: str) -> None:
    """A variable that a script forgot to set would otherwise ask for everything, or for nothing."""
    for blank in ("", " "):
        done = story.fleet(command, f"{option}={blank}")
        assert (done.code, f"{option}: its value is empty" in done.err) == (Exit.CONFIGURATION, True)


@pytest.mark.parametrize("command", ["history", "status", "diff", "plan"])
@pytest.mark.parametrize("model", ["@", "@1.0.0", "b@", "b@ "])
def test_a_model_without_a_name_or_version_is_a_usage_error(story: Story, command: str, model: str) -> None:
    """`b@$VERSION` with a variable that is not set does not mean every version."""
    done = story.fleet(command, model)
    assert (done.code, "expected NAME or NAME@VERSION" in done.err) == (Exit.CONFIGURATION, True)


def test_a_time_that_ends_before_it_begins_is_a_usage_error(story: Story) -> None:
    """Nothing can lie in it."""
    done = story.fleet("history", "--since", "1h", "--until", "2h")
    assert (done.code, "--since 1h is later than --until 2h" in done.err) == (Exit.CONFIGURATION, True)


def test_an_author_is_a_text_and_no_pattern(story: Story) -> None:
    """What is special to git's own `--author` is looked for as it stands."""
    for text in ("(", "[", ".*", "\\", "*"):
        assert story.history(f"--author={text}") == []
    assert story.history("--author=Cleo <cleo@example.org>") != []


def test_a_time_to_come_is_told_with_what_is_known_now(story: Story) -> None:
    """And a note that it is so."""
    done = story.fleet.json("status", "--at", "2999-01-01")
    assert done.json["notes"] == ["2999-01-01T00:00:00Z has not come yet: shown is what is known now"]
    assert done.json["items"] == story.fleet.json("status", "--at", story.moments["readme"]).json["items"]


def test_every_name_of_a_commit_leads_to_it(story: Story) -> None:
    """A branch, a tag, a tag with words of its own, and a part of the message."""
    git, commit = story.fleet.repository.git, story.commits["broken"]
    git("tag", "light", commit)
    git("tag", "--annotate", "--message=x", "heavy", commit)
    git("branch", "side", commit)
    expected = story.history("--commit", commit)
    for name in ("light", "heavy", "side", "HEAD^{/broken}", commit[:10]):
        assert story.history("--commit", name) == expected
        assert story.fleet.json("status", "--at", name).json["commit"] == commit


def test_an_index_that_is_damaged_changes_no_answer(fleet: Fleet) -> None:
    """It is a cache, also of history: what it cannot tell, the log does."""
    fleet.commit({f"models.d/m{n}.yaml": manifest(f"m{n}@1.0.0") for n in range(60)})
    fleet("apply")
    asked = [
        ("history",),
        ("history", "a@1.0.0"),
        ("history", "--commit", "HEAD"),
        ("status", "--at", "HEAD"),
    ]
    before = [fleet.json(*arguments) for arguments in asked]
    file = fleet.folder / ".reconciler/index.db"
    with closing(sqlite3.connect(file)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    data = file.read_bytes()
    file.write_bytes(data[:4096] + bytes(len(data) - 4096))
    assert [fleet.json(*arguments) for arguments in asked] == before
    file.unlink()
    assert [fleet.json(*arguments) for arguments in asked] == before


def test_what_was_committed_since_the_last_cycle_is_told_with_what_is_kept(fleet: Fleet) -> None:
    """Nothing of it is written: the next cycle tells the same."""
    fleet("apply")
    fleet.commit({A: manifest("a@1.0.0", description="new")}, "Edit")
    fleet.commit({A: None, "models.d/moved.yaml": manifest("a@1.0.0", description="new")}, "Move")
    rows = fleet.json("history", "a").json
    assert [(row["subject"], row["path"]) for row in rows] == [
        ("Move", "models.d/moved.yaml"),
        ("Edit", A),
        ("Change", A),
    ]
    fleet("apply")
    later = fleet.json("history", "a").json
    assert [(row["subject"], row["path"]) for row in later] == [(row["subject"], row["path"]) for row in rows]
