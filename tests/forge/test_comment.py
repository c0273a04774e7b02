"""`comment`: the plan on a pull or merge request, against each host's API on a real socket."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.forge.stub import HEAD, MOST, REPOSITORIES, TOKEN, Stub, hosting
from tests.program import EMBEDDED, Fleet, manifest, modelarts
from tests.relay import relayed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.program import Done
    from tests.relay import Relay

KINDS = ("github", "gitlab", "gitee", "codearts")
_DIGEST = re.compile(r"digest <code>([0-9a-f]{64})</code>")


@pytest.fixture(params=KINDS)
def host(request: pytest.FixtureRequest) -> Iterator[Stub]:
    """Each kind of host."""
    with hosting(request.param) as stub:
        yield stub


@pytest.fixture
def github() -> Iterator[Stub]:
    """A host of one kind, where that is enough."""
    with hosting("github") as stub:
        yield stub


@pytest.fixture
def job(tmp_path: Path) -> Fleet:
    """What a job has: a checkout without a configuration, and a trusted one elsewhere."""
    fleet = Fleet(tmp_path / "checkout")
    (tmp_path / "trusted.toml").write_text(EMBEDDED + "[source]\nbranch = 'main'\n", "utf-8")
    fleet.declare("a@1.0.0")
    fleet.environment["RECONCILER_SOURCE__REPO"] = str(fleet.folder)
    return fleet


def comment(job: Fleet, host: Stub, *options: str, **variables: str) -> Done:
    """Runs the command as a job of the host does."""
    trusted = str(job.folder.parent / "trusted.toml")
    options = ("--forge", host.kind, "--config", trusted, *options)
    return job("comment", *options, **host.variables | variables)


def test_the_plan_stands_in_one_comment_that_is_edited_in_place(job: Fleet, host: Stub) -> None:
    """Created, left alone while it says the same, edited when the plan moves; the status likewise."""
    host.say("LGTM")
    first = comment(job, host)
    assert (first.code, first.out.split(",")[0]) == (0, "local: comment created")
    (note,) = host.own
    assert note.body.splitlines()[0].startswith(
        "### Reconciler plan for <code>local</code>: 1 to import, digest"
    )
    writes = list(host.writes)
    assert comment(job, host).out == "local: comment unchanged, status as it was\n"
    assert host.writes == writes
    job.declare("b@2.0.0")
    assert comment(job, host).out.startswith("local: comment edited")
    assert host.own == [note]
    assert note.body.splitlines()[0].startswith("### Reconciler plan for <code>local</code>: 2 to import")
    expected = {"codearts": []}.get(host.kind, [("success", "1 to import"), ("success", "2 to import")])
    assert [_status(one) for one in host.statuses] == expected


def test_the_merge_result_is_planned_whatever_branch_is_configured(job: Fleet, github: Stub) -> None:
    """A job checks out a commit that no branch names; `main` does not have the manifest yet."""
    job.repository.git("checkout", "--quiet", "--detach")
    commit = job.declare("new@1.0.0")
    assert comment(job, github).code == 0
    (note,) = github.own
    assert "new&#64;1.0.0" in note.body
    assert commit[:12] in note.body


def test_nothing_is_said_while_nothing_changes(job: Fleet, host: Stub) -> None:
    """With --only-changes there is no comment; one that is there is brought up to date."""
    job.commit({"models.d/a-1.0.0.yaml": None, "models.d/_keep": ""})
    assert comment(job, host, "--only-changes").out.startswith("local: comment none")
    assert host.own == []
    job.declare("a@1.0.0")
    assert comment(job, host, "--only-changes").out.startswith("local: comment created")
    job.commit({"models.d/a-1.0.0.yaml": None})
    assert comment(job, host, "--only-changes").out.startswith("local: comment edited")
    assert [("to import" in note.body, "no models" in note.body) for note in host.own] == [(False, True)]
    assert comment(job, host).out.startswith("local: comment unchanged")


def test_what_is_missing_whatever_the_change_does_makes_no_comment(job: Fleet, github: Stub) -> None:
    """It stays a matter of status and exit code; what the change brings is told, and it with that."""
    trusted = job.folder.parent / "trusted.toml"
    with relayed() as relay:
        trusted.write_text(modelarts(relay.url, name="prod"), "utf-8")
        assert job("apply", "--config", str(trusted)).code == 0
        relay.delete("a", "prod")
        done = comment(job, github, "--only-changes")
        assert (done.code, done.out) == (1, "prod: comment none, status set\n")
        assert (github.own, github.statuses[0]["state"]) == ([], "failure")
        job.declare("b@2.0.0")
        assert comment(job, github, "--only-changes").out.startswith("prod: comment created")
    (note,) = github.own
    assert "1 to import, 1 missing" in note.body.splitlines()[0]


def test_what_was_so_before_is_not_told_of_a_change_that_does_not_alter_it(job: Fleet, github: Stub) -> None:
    """Drifted, invalid, in conflict, to be imported or unmanaged at the base: nothing is said of it again.

    Neither are a file that was moved, what is never sent, or a registry that is away.
    """
    with relayed() as relay:
        _base_with_every_trouble(job, relay)
        changes: tuple[dict[str, str | None], ...] = (
            {"README.md": "1"},
            {"models.d/a-1.0.0.yaml": None, "models.d/moved.yaml": manifest("a@1.0.0", description="other")},
            {"models.d/due.yaml": manifest("due@1.0.0", metadata={"owner": "b"})},
        )
        for change in changes:
            done = _proposed(job, github, change)
            assert (done.code, done.out.split(",")[0]) == (1, "prod: comment none"), change
    done = _proposed(job, github, {"README.md": "2"})
    assert (done.code, done.out.split(",")[0], github.own) == (3, "prod: comment none", [])
    assert github.statuses[-1]["state"] == "error"


@pytest.mark.parametrize(
    "change",
    [
        {"models.d/new.yaml": manifest("new@1.0.0")},
        {"models.d/a-1.0.0.yaml": manifest("a@1.0.0", description="still other")},
        {"models.d/bad.yaml": None},
        {"models.d/twin.yaml": None},
        {"models.d/due.yaml": None},
        {"models.d/adopted.yaml": manifest("stray@1.0.0")},
    ],
    ids=["new", "drifted otherwise", "invalid no more", "no conflict", "withdrawn", "adopted"],
)
def test_a_change_that_alters_the_plan_is_told(job: Fleet, github: Stub, change: dict[str, Any]) -> None:
    """Whatever the plan says of it: a reviewer sees what the merge makes of each model that it touches."""
    with relayed() as relay:
        _base_with_every_trouble(job, relay)
        assert _proposed(job, github, change).out.startswith("prod: comment created")


def test_the_base_is_what_the_change_goes_on_from(job: Fleet, github: Stub) -> None:
    """A branch that has moved on meanwhile makes no difference; the host names it, if it is there."""
    job.repository.git("checkout", "--quiet", "-b", "change")
    job.commit({"README.md": "1"})
    job.repository.git("checkout", "--quiet", "main")
    job.declare("later@1.0.0")
    job.repository.git("update-ref", "refs/remotes/origin/main", "main")
    job.repository.git("checkout", "--quiet", "--detach", "change")
    by_variable = {"GITHUB_BASE_REF": "main"}
    assert comment(job, github, "--only-changes", **by_variable).out.startswith("local: comment none")
    job.repository.git("update-ref", "-d", "refs/remotes/origin/main")
    assert comment(job, github, "--only-changes", **by_variable).out.startswith("local: comment created")
    done = comment(job, github, "--only-changes", "--base", "origin/main")
    assert (done.code, done.out) == (2, "")
    assert "--base" in done.err
    assert "fetch what the change is to be merged into" in done.err


def test_each_target_has_a_comment_and_a_status(job: Fleet, github: Stub) -> None:
    """Names that are alike are told apart; --target touches one alone."""
    two = EMBEDDED.replace("[follow]", "[targets.local-2]\nkind = 'embedded'\n[follow]")
    (job.folder.parent / "trusted.toml").write_text(two, "utf-8")
    assert len(comment(job, github).out.splitlines()) == 2
    assert len(github.own) == 2
    assert {one["context"] for one in github.statuses} == {"reconciler/local", "reconciler/local-2"}
    job.declare("b@2.0.0")
    assert comment(job, github, "--target", "local-2").out == "local-2: comment edited, status set\n"
    assert sorted("2 to import" in note.body for note in github.own) == [False, True]


def test_after_the_merge_exactly_what_was_reviewed_is_imported_or_nothing(job: Fleet, github: Stub) -> None:
    """The comment's digest is that of the plan once it is merged; when the registry moved, apply refuses."""
    with relayed() as relay:
        (job.folder.parent / "trusted.toml").write_text(modelarts(relay.url, name="prod"), "utf-8")
        job.repository.git("checkout", "--quiet", "-b", "change")
        job.declare("b@2.0.0")
        assert comment(job, github).code == 0
        match = _DIGEST.search(github.own[0].body)
        assert match
        assert f"--target prod --expect-digest {match[1]}" in _read(github.own[0].body)
        job.repository.git("checkout", "--quiet", "main")
        job.repository.git("merge", "--quiet", "--no-ff", "--message=Merge", "change")
        confirmed = (
            "apply",
            "--config",
            str(job.folder.parent / "trusted.toml"),
            "--expect-digest",
            match[1],
        )
        relay.add(_request("b@2.0.0"), "prod")
        assert (job(*confirmed).code, relay.posts) == (4, 0)
        relay.delete("b", "prod")
        assert (job(*confirmed).code, relay.posts) == (0, 2)


def test_what_needs_a_human_fails_the_status_and_the_job(job: Fleet, host: Stub) -> None:
    """The exit code is the plan's, the reasons stand in the comment."""
    job.commit({"models.d/bad.yaml": manifest("bad@01.0.0")})
    assert comment(job, host).code == 1
    assert "a part must not start with 0" in host.own[0].body
    assert all(_status(one)[0] in ("failure", "failed") for one in host.statuses)


def test_a_registry_that_is_away_is_an_error_of_the_status(job: Fleet, github: Stub) -> None:
    """The comment says so, and the job fails."""
    (job.folder.parent / "trusted.toml").write_text(modelarts("http://127.0.0.1:9", name="prod"), "utf-8")
    assert comment(job, github, "--only-changes").code == 3
    assert "could not be made" in github.own[0].body.splitlines()[0]
    assert github.statuses[0]["state"] == "error"


def test_a_long_plan_fits_the_host(job: Fleet, host: Stub) -> None:
    """Cut to what the host takes, the rest is counted; characters that it refuses are replaced."""
    fields = {"runtme": "\U0001f600" * 40}
    job.commit({f"models.d/{n}.yaml": manifest(f"m{n}@1.0.{n % 90}", **fields) for n in range(300)})
    assert comment(job, host).code == 1
    (note,) = host.own
    assert len(note.body) <= MOST[host.kind]
    assert "301" in note.body.splitlines()[0] or "300 invalid" in note.body.splitlines()[0]
    assert ("more: see" in note.body) is (host.kind != "gitlab")


def test_a_stranger_cannot_have_a_comment_edited(job: Fleet, host: Stub) -> None:
    """Somebody copies the hidden marker into a comment of theirs: it stays theirs, and ours is made."""
    comment(job, host)
    stolen = host.own[0].body
    host.notes.clear()
    planted = host.say(stolen.replace("1 to import", "0 to import"))
    assert comment(job, host).out.startswith("local: comment created")
    assert (len(host.own), planted.body) == (1, stolen.replace("1 to import", "0 to import"))
    assert comment(job, host).out.startswith("local: comment unchanged")


def test_the_token_of_a_job_knows_its_own_comments(job: Fleet, github: Stub) -> None:
    """GitHub does not tell it whose it is: the comments of bots count."""
    github.is_app = True
    comment(job, github)
    github.say(github.own[0].body)
    job.declare("b@2.0.0")
    assert comment(job, github).out.startswith("local: comment edited")
    assert len(github.own) == 1


def test_a_run_that_was_overtaken_says_nothing(job: Fleet, github: Stub, tmp_path: Path) -> None:
    """The change has a newer commit than the one this job is for: exit code 0, nothing is written."""
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"pull_request": {"head": {"sha": "b" * 40}}}), "utf-8")
    done = comment(job, github, GITHUB_EVENT_PATH=str(event))
    assert (done.code, done.out, github.writes) == (0, "", [])
    assert "moved on to aaaaaaaaaaaa" in done.err
    assert comment(job, github, "--head", HEAD, GITHUB_EVENT_PATH=str(event)).code == 0
    assert len(github.own) == 1


def test_options_say_what_no_variable_does(job: Fleet, host: Stub, tmp_path: Path) -> None:
    """A self-hosted one, with the token in a file or in another variable."""
    (tmp_path / "token").write_text(TOKEN + "\n", "utf-8")
    where = ("--url", host.url + "/", "--repository", REPOSITORIES[host.kind], "--change", "7")
    trusted = ("--forge", host.kind, "--config", str(tmp_path / "trusted.toml"))
    by_file = job.json("comment", *trusted, *where, "--token-file", str(tmp_path / "token"))
    assert by_file.json["targets"][0]["comment"] == "created"
    by_variable = job.json("comment", *trusted, *where, "--token-env", "BOT", BOT=TOKEN)
    assert by_variable.json["targets"][0] == {
        "target": "local",
        "comment": "unchanged",
        "status_set": False,
    }
    assert {key: by_file.json[key] for key in ("change", "head", "superseded")} == {
        "change": 7,
        "head": HEAD,
        "superseded": False,
    }


@pytest.mark.parametrize(
    ("options", "variables", "expected"),
    [
        ([], {"GITHUB_REPOSITORY": ""}, "--repository is missing"),
        ([], {"GITHUB_REF": "refs/heads/main"}, "--change is missing"),
        ([], {"GITHUB_TOKEN": ""}, "GITHUB_TOKEN"),
        ([], {"GITHUB_TOKEN": "not a token"}, "no header can carry"),
        (["--repository", "../x"], {}, "OWNER/NAME"),
        (["--repository", "a/b/c"], {}, "OWNER/NAME"),
        (["--token-env", "X", "--token-file", "y"], {}, "not both"),
        (["--forge", "codearts"], {}, "--url is missing"),
        (["--url", "github.example.org"], {}, "--url is no address of a web server"),
        ([], {"GITHUB_API_URL": "http://github.example.org/api/v3"}, "--url would be sent unencrypted"),
        (["--target", "other"], {}, "no such target"),
        ([], {"RECONCILER_SOURCE__REPO": "https://git.example.org/r.git"}, "RECONCILER_SOURCE__REPO"),
    ],
)
def test_what_is_missing_or_wrong_is_named(
    job: Fleet, github: Stub, options: list[str], variables: dict[str, str], expected: str
) -> None:
    """Exit code 2, and the host is told nothing."""
    done = comment(job, github, *options, **variables)
    assert (done.code, done.out, github.writes) == (2, "", [])
    assert expected in done.err


def test_the_configuration_has_to_be_given(job: Fleet, github: Stub) -> None:
    """One that lies in the checkout may be the change's own."""
    job.configure(EMBEDDED)
    done = job("comment", "--forge", "github", **github.variables)
    assert (done.code, github.writes) == (2, [])
    assert "protected branch" in done.err


def _base_with_every_trouble(job: Fleet, relay: Relay) -> None:
    """The branch `main`, in a world where nearly everything needs somebody."""
    (job.folder.parent / "trusted.toml").write_text(modelarts(relay.url, name="prod"), "utf-8")
    relay.add(_request("a@1.0.0"), "prod")
    relay.add(_request("stray@1.0.0"), "prod")
    job.commit({
        "models.d/a-1.0.0.yaml": manifest("a@1.0.0", description="other"),
        "models.d/bad.yaml": manifest("bad@01.0.0"),
        "models.d/twin.yaml": manifest("twin@1.0.0"),
        "models.d/twin-too.yaml": manifest("twin@1.0.0", description="x"),
        "models.d/due.yaml": manifest("due@1.0.0"),
    })  # fmt: skip


def _proposed(job: Fleet, github: Stub, change: dict[str, str | None]) -> Done:
    """The command, in a job for a branch with one more commit than `main`."""
    job.repository.git("checkout", "--quiet", "-B", "change", "main")
    job.commit(change)
    return comment(job, github, "--only-changes", "--base", "main")


def _status(one: dict[str, Any]) -> tuple[str, str]:
    """State and description of a status, whatever the host calls them."""
    state = one.get("state") or one["conclusion"]
    return state, one["description"] if "description" in one else one["output"]["summary"]


def _read(body: str) -> str:
    """What a person reads."""
    return re.sub(r"&#(\d+);", lambda match: chr(int(match[1])), body)


def _request(model: str) -> dict[str, Any]:
    lines = (line.partition(": ") for line in manifest(model).splitlines())
    return {key: json.loads(value) for key, _, value in lines}
