"""Each ceiling of `[limits]` is a setting, and what goes over it is told once, with its name."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.program import EMBEDDED, manifest
from tests.torture.hostile.commits import long_author, nested
from tests.torture.hostile.objects import Entry, ObjectStore

if TYPE_CHECKING:
    from tests.program import Fleet


@pytest.fixture
def limited(fleet: Fleet) -> Fleet:
    """The fleet, applied once, with ceilings that a few files go over."""
    ceilings = "paths = 20\nchanges = 50\nauthor = 20\nsubject = 20\noutput = 2048\n"
    fleet.configure(f"{EMBEDDED}\n[limits]\n{ceilings}")
    assert fleet("apply").code == 0
    return fleet


def _entries(fleet: Fleet) -> list[Entry]:
    """What `models.d` holds now."""
    rows = (line.split() for line in fleet.repository.git("ls-tree", "HEAD:models.d").splitlines())
    return [Entry(mode.encode(), name.encode(), blob) for mode, _, blob, name in rows]


def test_plan_apply_and_status_tell_of_too_many_paths_and_go_on_with_what_was_known(limited: Fleet) -> None:
    """The same words everywhere, once; exit code 1; nothing is missing, unmanaged or imported again."""
    store, head = ObjectStore(limited.folder / ".git"), limited.repository.git("rev-parse", "HEAD")
    nested(store, head, deep=2, siblings=_entries(limited))
    verdicts = {"a@1.0.0": "in-sync", "b@2.0.0": "in-sync", "models.d": "invalid"}
    for command in ("plan", "apply", "status", "plan"):
        quiet_run, done = limited(command, "--quiet"), limited.json(command)
        assert (quiet_run.code, done.code, done.verdicts) == (1, 1, verdicts)
        assert quiet_run.out.count("limits.paths") == 1
    done = limited("validate", "--commit", "HEAD")
    assert (done.code, done.out.count("limits.paths")) == (1, 1)
    assert "limits.paths" in limited("doctor").out
    limited.repository.git("update-ref", "refs/heads/main", head)
    assert limited.json("apply").verdicts == {"a@1.0.0": "in-sync", "b@2.0.0": "in-sync"}


def test_history_that_is_kept_goes_on_beside_a_commit_that_did_too_much(limited: Fleet) -> None:
    """What came before is told with it, and after it was mended; a note says why not all is told."""
    store, head = ObjectStore(limited.folder / ".git"), limited.repository.git("rev-parse", "HEAD")
    tree = limited.repository.git("rev-parse", "HEAD^{tree}")
    mended = store.commit(tree, [nested(store, head, deep=2, siblings=_entries(limited))])
    for tip in ("HEAD", mended):
        limited.repository.git("update-ref", "refs/heads/main", tip)
        for _ in range(2):  # before and after a cycle
            done, rows = limited("history", "a"), limited.json("history", "a").json
            assert (done.code, done.err.count("limits.changes")) == (0, 1)
            assert "not in the branch" not in done.out
            assert [(row["commit"], row["path"]) for row in rows] == [(head, "models.d/a-1.0.0.yaml")]
            assert rows[0]["subject"] is not None
            limited("apply")
    assert limited.json("plan").verdicts == {"a@1.0.0": "in-sync", "b@2.0.0": "in-sync"}


def test_a_long_author_is_shortened_wherever_it_is_stored_or_shown(limited: Fleet) -> None:
    """Report, history, state and index hold the same few characters."""
    store, head = ObjectStore(limited.folder / ".git"), limited.repository.git("rev-parse", "HEAD")
    long_author(store, head, size=300_000, models=2, siblings=_entries(limited))
    assert limited("apply").code == 0
    authors = {item["author"] for item in limited.json("status", "long0").json["items"]}
    assert authors == {"N" * 19 + "…"}
    row = limited.json("history", "long1").json[0]
    assert (row["author"], row["subject"]) == ("N" * 19 + "…", "S" * 19 + "…")
    stored = b"".join(file.read_bytes() for file in (limited.folder / ".reconciler").glob("*.db*"))
    assert b"N" * 20 not in stored


def test_output_ends_with_whole_lines_or_objects_and_says_what_is_left_out(limited: Fleet) -> None:
    """JSON stays JSON; the exit code is that of everything."""
    limited.commit({f"models.d/many{n}.yaml": manifest(f"many{n}@1.0.0", wrong=1) for n in range(15)})
    done = limited("plan")
    assert (done.code, len(done.out) < 2300) == (1, True)
    assert done.out.splitlines()[-1].endswith("more lines: ask for one model, or raise limits.output")
    for arguments in (("plan",), ("validate", "--commit", "HEAD")):
        done = limited.json(*arguments)
        assert (done.code, len(done.out) < 3000) == (1, True)
        assert "limits.output" in done.err
    report = limited.json("plan").json
    assert report["summary"]["invalid"] == 15 > len(report["items"])
    assert "limits.output" in report["notes"][-1]
    assert json.loads(limited.json("history").out)


@pytest.mark.parametrize("key", ["paths = 0", "git_memory = 5", "manifests = 'many'", "pathes = 5"])
def test_a_ceiling_that_is_none_is_refused(fleet: Fleet, key: str) -> None:
    """With key and file, as any other setting."""
    fleet.configure(f"{EMBEDDED}\n[limits]\n{key}\n")
    done = fleet("plan")
    assert done.code == 2
    assert "reconciler.toml" in done.err
    assert key.partition(" ")[0] in done.err
