"""A branch to which a commit by nobody is pushed: it is held and told, and what was trusted goes on."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from tests.program import EMBEDDED, Done, Fleet, manifest
from tests.signing import SshKeys

if TYPE_CHECKING:
    from pathlib import Path


@dataclass
class Signed(Fleet):
    """A repository in which Ada's commits are trusted."""

    keys: SshKeys = field(default_factory=lambda: SshKeys.made(_nowhere()))
    mode: str = "range"

    def configured(self, more: str = "") -> None:
        """Requires trust."""
        signers = self.keys.allow(self.folder.parent / "signers", ada="")
        verify = f'[source.verify]\nmode = "{self.mode}"\nallowed_signers = "{signers}"\n{more}\n'
        self.configure(EMBEDDED + verify)

    def declared(self, model: str, by: str | None = "ada") -> str:
        """One commit that declares a model."""
        files = {f"models.d/{model.replace('@', '-')}.yaml": manifest(model)}
        return self.keys.commit(self.repository, by, files)

    def dropped(self) -> None:
        """The newest commit is taken off the branch."""
        self.repository.git("reset", "-q", "--hard", "HEAD^")


def _nowhere() -> Path:
    raise AssertionError("keys are always given")


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> SshKeys:
    """Ssh keys for the whole module."""
    return SshKeys.made(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def signed(tmp_path: Path, keys: SshKeys) -> Signed:
    """One model is imported."""
    made = Signed(tmp_path / "fleet", keys=keys)
    (made.folder / ".git/info/exclude").write_text("/.reconciler/\n/reconciler.toml\n")
    made.configured()
    made.declared("a@1.0.0")
    assert made("apply").code == 0
    return made


def _held(done: Done) -> list[tuple[str, str, str]]:
    """Verdict, commit and code of what is said of no model."""
    return [
        (item["verdict"], item["commit"], item["reasons"][0]["code"])
        for item in done.json["items"]
        if item["model_name"] is None
    ]


def test_an_untrusted_commit_is_held_told_and_superseded(signed: Signed) -> None:
    """Nothing of it is in a plan; `status` says so, also offline; what takes its place is reconciled."""
    good = signed.repository.git("rev-parse", "HEAD")
    bad = signed.declared("b@1.0.0", by=None)
    for command in ("plan", "apply", "status"):
        done = signed.json(command)
        assert done.code == 4, command
        assert _held(done) == [("refused", bad, "untrusted-unsigned")]
        assert done.json["commit"] == good
        assert "b@1.0.0" not in done.verdicts
        assert done.verdicts["a@1.0.0"] == "in-sync"
    shown = signed("status").out
    assert "  # refused     newest commit  models.d" in shown
    assert f"commit {bad[:12]} is not signed by an ssh key" in shown
    assert f"{good[:12]}, the last trusted commit, goes on being reconciled" in shown
    signed.dropped()
    assert signed("apply").code == 0
    assert _held(signed.json("status")) == []
    newest = signed.declared("b@1.0.0")
    done = signed.json("apply")
    assert (done.code, done.json["commit"], done.verdicts["b@1.0.0"]) == (0, newest, "in-sync")


def test_doctor_says_whether_the_newest_commit_is_trusted(signed: Signed) -> None:
    """It judges what a cycle would, and remembers nothing."""
    assert "ok    trust: commit" in signed("doctor").out
    bad = signed.declared("b@1.0.0", by="eve")
    done = signed("doctor")
    assert done.code == 4
    assert f"trust: commit {bad[:12]} is signed by key SHA256:" in done.out
    (signed.folder.parent / "signers").unlink()
    done = signed("doctor")
    assert done.code == 2
    assert "FAIL  trust: source.verify.allowed_signers: " in done.out
    assert "correct what source.verify names" in done.out


def test_a_hold_survives_that_a_few_models_alone_are_judged(signed: Signed) -> None:
    """Also where a cycle is about what changed, and not about everything."""
    signed.declared("b@1.0.0", by="eve")
    for arguments in ((), (), ("--refresh",)):
        done = signed.json("apply", *arguments)
        assert [verdict for verdict, _, _ in _held(done)] == ["refused"]
        assert len(_held(signed.json("status"))) == 1


def test_status_names_the_commit_that_stops_everything(signed: Signed) -> None:
    """Where an untrusted commit is refused and not held, no report speaks of it."""
    signed.configured('on_failure = "refuse"')
    assert "not trusted" not in signed("status").err
    bad = signed.declared("b@1.0.0", by="eve")
    assert signed("apply").code == 4
    done = signed("status")
    assert f"note: commit {bad[:12]}, first seen at " in done.err
    assert "nothing is reconciled as long as it is the newest" in done.err
    assert signed("status", "--quiet").err == ""
    signed.dropped()
    signed.declared("c@1.0.0")
    assert signed("apply").code == 0
    assert "not trusted" not in signed("status").err


def test_the_plan_of_an_untrusted_commit_says_so(signed: Signed) -> None:
    """`plan --commit` shows what it would do, and that it will not be done."""
    signed.repository.git("checkout", "-q", "-b", "proposal")
    bad = signed.declared("b@1.0.0", by="eve")
    signed.repository.git("checkout", "-q", "main")
    done = signed.json("plan", "--commit", "proposal")
    assert (done.json["commit"], done.verdicts["b@1.0.0"]) == (bad, "import")
    assert done.json["notes"][0].startswith(f"not trusted: commit {bad[:12]} is signed by key SHA256:")
    assert "Next: `reconciler apply` imports" not in signed("plan", "--commit", "proposal").out
    assert signed.json("plan", "--commit", "main").json["notes"] == []
    assert signed("plan", "--commit", "nothing").code == 3


def test_the_history_of_a_model_says_who_vouched_for_it(signed: Signed) -> None:
    """Signer and committer stand beside the author's line, which anybody can write."""
    signed.keys.commit(
        signed.repository,
        "ada",
        {"models.d/c.yaml": manifest("c@1.0.0")},
        "--author=Grace <grace@example.org>",
    )
    signed("apply")
    row = signed.json("history", "c").json[0]
    assert row["author"] == "Grace <grace@example.org>"
    details = [event["detail"] for event in row["events"] if event["event"] == "import-requested"]
    signer = f"ada@example.org ({signed.keys.fingerprint('ada')})"
    assert len(details) == 1
    committer = signed.repository.git("log", "-1", "--format=%cn <%ce>")
    assert details[0].startswith(f"verified: signed by {signer}, committed by {committer}; asked for by ")
    assert signer in signed("history", "c").out


def test_in_head_mode_the_newest_commit_vouches_for_what_it_contains(signed: Signed) -> None:
    """The history says which commit that was."""
    signed.mode = "head"
    signed.configured()
    signed.declared("b@1.0.0", by=None)
    assert signed("apply").code == 4
    newest = signed.declared("c@1.0.0")
    assert signed("apply").code == 0
    events = signed.json("history", "b").json[0]["events"]
    assert f"verified: vouched for by {newest[:12]}, signed by ada@example.org" in events[0]["detail"]


def test_a_branch_on_which_nothing_is_trusted_is_refused(tmp_path: Path, keys: SshKeys) -> None:
    """It ends with 4, and names what to do."""
    made = Signed(tmp_path / "fleet", keys=keys)
    made.configured()
    first = made.declared("a@1.0.0", by=None)
    done = made("apply")
    assert done.code == 4
    assert "source.verify.since" in done.err
    made.configured(f'since = "{first}"')
    assert made("apply").code == 0


def test_keys_are_configured_where_commits_are_judged(signed: Signed) -> None:
    """A mode without keys, and keys inside the repository, are mistakes of the configuration."""
    signed.configure(EMBEDDED + '[source.verify]\nmode = "range"\n')
    assert signed("plan").code == 2
    (signed.folder / "signers").write_text("")
    signed.configure(EMBEDDED + '[source.verify]\nmode = "range"\nallowed_signers = "signers"\n')
    done = signed("plan")
    assert (done.code, "lies in the repository itself" in done.err) == (2, True)


def test_an_idle_tick_judges_nothing(signed: Signed) -> None:
    """Neither while all is trusted nor while a commit is held does `apply` find anything else to do."""
    assert "Nothing to do" in signed("apply").out
    signed.declared("b@1.0.0", by=None)
    first = json.loads(signed.json("apply").out)
    assert json.loads(signed.json("apply").out)["items"] == first["items"]


def test_status_says_nothing_of_a_refused_commit_that_is_off_the_branch(signed: Signed) -> None:
    """The branch is back at the trusted commit, and nothing stops any more."""
    signed.configured('on_failure = "refuse"')
    signed.declared("b@1.0.0", by="eve")
    assert signed("apply").code == 4
    signed.dropped()
    assert signed("apply").code == 0
    assert "not trusted" not in signed("status").err


def test_status_names_the_refused_commit_that_is_the_newest_again(signed: Signed) -> None:
    """A later one that was refused, too, was taken off the branch."""
    signed.configured('on_failure = "refuse"')
    first = signed.declared("b@1.0.0", by="eve")
    assert signed("apply").code == 4
    signed.declared("c@1.0.0", by="eve")
    assert signed("apply").code == 4
    signed.dropped()
    assert signed("apply").code == 4
    assert f"commit {first[:12]}" in signed("status").err
