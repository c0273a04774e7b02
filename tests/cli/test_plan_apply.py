from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from reconciler.cli.acting import actor
from tests.program import EMBEDDED, FOLLOW, manifest, modelarts
from tests.relay import relayed

if TYPE_CHECKING:
    from pathlib import Path

    from tests.program import Fleet

GUARDED = EMBEDDED + "[guards]\nmax_imports_per_cycle = 1\n"


def test_a_plan_creates_and_changes_nothing(fleet: Fleet) -> None:
    """No state, no registry, no lock; before a first apply and after one."""
    before = fleet.files()
    fleet("plan")
    fleet("plan", "--output", "markdown", "--refresh")
    assert fleet.files() == before
    fleet("apply")
    kept = {path.name: path.read_bytes() for path in (fleet.folder / ".reconciler").iterdir()}
    fleet("plan", "--refresh")
    assert {path.name: path.read_bytes() for path in (fleet.folder / ".reconciler").iterdir()} == kept


@pytest.mark.parametrize("command", ["plan", "status", "history", "doctor", "validate"])
def test_no_command_that_looks_makes_a_file(fleet: Fleet, command: str) -> None:
    """In a fresh repository."""
    before = fleet.files()
    fleet(command)
    assert fleet.files() == before


def test_a_plan_sends_no_import(fleet: Fleet) -> None:
    """Whatever there is to do."""
    with relayed() as relay:
        fleet.configure(modelarts(relay.url))
        assert fleet.json("plan").verdicts == {"a@1.0.0": "import", "b@2.0.0": "import"}
        assert {request.method for request in relay.requests} == {"GET"}


def test_apply_imports_and_a_second_apply_does_nothing(fleet: Fleet) -> None:
    """The words of both."""
    first = fleet("apply")
    assert "Applied: 2 imported; 2 in sync." in first.out
    second = fleet("apply")
    assert second.out.startswith("Nothing to do: 2 models in sync.")
    assert second.err == ""


def _a_day_later(mirror: Path) -> None:
    for name in ("HEAD", "packed-by-reconciler"):
        if (mirror / name).exists():
            os.utime(mirror / name, (time.time() - 90_000,) * 2)


def test_a_mirror_is_packed_by_an_apply_that_finds_nothing_to_do_and_by_no_other(fleet: Fleet) -> None:
    """Once a day, for those whom a timer starts and no loop; one that cannot be packed ends nothing badly."""
    fleet.configure(f'[source]\nrepo = "{fleet.folder.as_uri()}"\nbranch = "main"\n{EMBEDDED}')
    assert fleet("apply").code == 0
    (mirror,) = (fleet.folder / ".reconciler" / "mirrors").glob("*.git")
    packed = mirror / "packed-by-reconciler"
    assert fleet("apply").code == 0
    assert not packed.exists()
    _a_day_later(mirror)
    fleet.declare("c@1.0.0")
    assert "1 imported" in fleet("apply").out
    assert not packed.exists()
    done = fleet("apply")
    assert (done.code, done.err) == (0, "")
    assert packed.exists()
    assert not list((mirror / "objects").glob("??/*"))
    (mirror / "refs" / "heads" / "bad").write_text(f"{'1' * 40}\n")
    _a_day_later(mirror)
    done = fleet("apply")
    assert (done.code, done.out.partition(":")[0]) == (0, "Nothing to do")
    assert "warning: the mirror was not packed" in done.err


def test_the_digest_is_that_of_the_plan_whatever_the_files_are_called(fleet: Fleet) -> None:
    """Renaming a file moves nothing; a new model does."""
    digest = fleet.json("plan").json["digest"]
    fleet.commit(
        {
            "models.d/a-1.0.0.yaml": None,
            "models.d/b-2.0.0.yaml": None,
            "models.d/0.yaml": manifest("b@2.0.0") + "---\n" + manifest("a@1.0.0"),
        }
    )
    assert fleet.json("plan").json["digest"] == digest
    fleet.declare("c@1.0.0")
    assert fleet.json("plan").json["digest"] != digest


def test_apply_with_the_expected_digest_goes_on(fleet: Fleet) -> None:
    """And its report carries the plan's digest."""
    digest = fleet.json("plan").json["digest"]
    done = fleet.json("apply", "--expect-digest", digest)
    assert (done.code, done.json["digest"]) == (0, digest)
    assert done.json["summary"]["in-sync"] == 2


@pytest.mark.parametrize("option", ["--confirm", "--expect-digest"])
def test_an_empty_digest_is_a_mistake_and_no_other_plan(fleet: Fleet, option: str) -> None:
    """A script whose variable is not set: exit code 2, nothing imported."""
    done = fleet("apply", option, "")
    assert (done.code, f"the argument after {option} is empty" in done.err) == (2, True)


@pytest.mark.parametrize("option", ["--confirm", "--expect-digest"])
@pytest.mark.parametrize("text", ["abc", "0" * 63, "0" * 65, "A" * 64, f"{'0' * 12}…", "--expect-digest"])
def test_what_can_be_no_digest_is_a_mistake_and_no_other_plan(fleet: Fleet, option: str, text: str) -> None:
    """Exit code 2 with what one looks like and where it is printed; nothing is imported."""
    done = fleet("apply", f"{option}={text}")
    assert (done.code, done.out) == (2, "")
    assert f"{option} {text}: expected the digest of a plan: 64 characters" in done.err
    assert "`reconciler plan` prints it" in done.err
    assert fleet.json("plan").json["summary"]["import"] == 2


def test_apply_refuses_when_anything_moved_since(fleet: Fleet) -> None:
    """Exit code 4, nothing imported, both digests told."""
    digest = fleet.json("plan").json["digest"]
    fleet.declare("c@1.0.0")
    done = fleet("apply", "--expect-digest", digest)
    assert (done.code, done.out) == (4, "")
    plan = fleet.json("plan").json
    assert digest in done.err
    assert plan["digest"] in done.err
    assert plan["summary"]["import"] == 3


def test_a_guard_refuses_and_names_the_way_through(fleet: Fleet) -> None:
    """Every import is refused, none is made, until somebody confirms this very plan."""
    fleet.configure(GUARDED)
    refused = fleet.json("apply")
    assert (refused.code, refused.verdicts) == (4, {"a@1.0.0": "refused", "b@2.0.0": "refused"})
    digest = refused.json["digest"]
    for item in refused.json["items"]:
        assert "guards.max_imports_per_cycle" in item["reasons"][0]["message"]
        assert f"--confirm {digest}" in item["reasons"][0]["message"]
    assert fleet("apply", "--confirm", "0" * 64).code == 4
    assert fleet.json("plan").verdicts == refused.verdicts
    assert fleet.json("apply", "--confirm", digest).json["summary"]["in-sync"] == 2
    events = [event for model in fleet.json("history").json for event in model["events"]]
    assert {event["detail"] for event in events} == {f"asked for by {actor('apply --confirm')}"}


def test_confirming_a_plan_that_moved_is_refused(fleet: Fleet) -> None:
    """A confirmation is for what was shown."""
    fleet.configure(GUARDED)
    digest = fleet.json("plan").json["digest"]
    fleet.declare("c@1.0.0")
    assert fleet("apply", "--confirm", digest).code == 4


def test_apply_can_leave_the_waiting_to_later(fleet: Fleet) -> None:
    """`--no-wait`: publishing now; the next apply, or run, follows."""
    fleet.configure(EMBEDDED.replace("publish_seconds = 0", "publish_seconds = 0.5"))
    left = fleet.json("apply", "--no-wait")
    assert (left.code, left.json["summary"]["publishing"]) == (0, 2)
    assert fleet.json("apply").json["summary"]["in-sync"] == 2


def test_detailed_exit_codes_tell_pending_from_done(fleet: Fleet) -> None:
    """5, then 0; and 0 either way without the option."""
    assert [fleet("plan").code, fleet("plan", "--detailed-exitcode").code] == [0, 5]
    fleet("apply")
    assert [fleet("plan").code, fleet("plan", "--detailed-exitcode").code] == [0, 0]


def test_a_plan_can_be_markdown(fleet: Fleet) -> None:
    """For a comment on a pull request; what comes from outside stays text."""
    fleet.commit({"models.d/<b>.yaml": manifest("c@1.0.0")})
    done = fleet("plan", "--output", "markdown")
    assert done.code == 0
    assert done.out.startswith("### Reconciler plan")
    assert "3 to import" in done.out
    assert "<b>" not in done.out


def test_one_target_can_be_chosen(fleet: Fleet) -> None:
    """The others are not looked at."""
    fleet.configure(EMBEDDED + modelarts("http://127.0.0.1:9").replace(FOLLOW, ""))
    assert fleet.json("apply", "--target", "local").code == 0


def test_two_applies_at_once_do_not_mix(fleet: Fleet) -> None:
    """The second is told who is writing, exit code 3; reading goes on."""
    with relayed(publish_seconds=60) as relay:
        fleet.configure(modelarts(relay.url))
        with fleet.spawn("apply") as process:
            assert process.stderr is not None
            assert "importing" in process.stderr.readline()
            second = fleet("apply")
            assert second.code == 3
            assert f"process {process.pid}" in second.err
            assert fleet("plan").code == 0
            assert fleet("status").code == 0
        assert relay.posts == 2
