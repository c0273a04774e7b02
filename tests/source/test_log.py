"""Who committed what, and where a file came from: one pass of the log for all files."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.engine.graph import CommitGraph
from reconciler.engine.values import CommitInfo, Delta
from reconciler.source import history_reader
from reconciler.source.commands import Commands
from reconciler.source.git_log import Commit, commits
from tests.effort import examples
from tests.source.asking import attributed
from tests.source.histories import Step, histories, make

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reconciler.source import GitSource
    from tests.git_repository import GitRepository
    from tests.source.conftest import Opener


def _changed_commits(source: GitSource, root: str = "m") -> list[tuple[str, list[str]]]:
    """The subject of each commit that changed something below a folder, newest first, with the files."""
    head = source.head()
    with source.graph(head, [root], whole=True) as graph:
        changed = [(one.commit_info.subject, [d.path for d, _ in graph.changed(one)]) for one in graph]
    return [(subject, paths) for subject, paths in changed if paths]


def _merge(repository: GitRepository, branch: str, *options: str) -> None:
    date = "1800000000 +0000"
    repository.git(
        "-c", "user.name=M", "-c", "user.email=m@x", "merge", "--no-ff", "--quiet", *options, branch
    )
    repository.git("commit", "--quiet", "--amend", f"--message=Merge {branch}", f"--date={date}")


@pytest.mark.parametrize("where", ["local", "mirror"])
def test_who_made_a_commit_is_told_as_far_as_git_has_it(
    repository: GitRepository, cache: Path, opened: Opener, where: str
) -> None:
    """One that a rewritten branch left behind is no damage, for which a mirror would be made anew."""
    commit = repository.commit({"m/a": "1"})
    source = opened("repo" if where == "local" else repository.path.as_uri())
    source.head()
    before = [mirror.stat().st_ino for mirror in cache.glob("*.git")]
    assert source.commit_infos(["1" * 40, commit, "2" * 40]).keys() == {commit}
    assert [mirror.stat().st_ino for mirror in cache.glob("*.git")] == before


# --- attribute ---------------------------------------------------------------------------------------------


def test_each_file_is_credited_to_the_newest_commit_that_touched_it(
    repository: GitRepository, opened: Opener
) -> None:
    """Commit, author, date with its zone, and subject."""
    first = repository.commit({"m/a": "1", "m/b": "1"}, "Both\n\nWith a body", "Ann Lee <ann@example.org>")
    second = repository.commit({"m/b": "2"}, "Only b", "小明 <ming@example.org>")
    commit_infos = attributed(opened("repo"), second, ["m/a", "m/b"])
    assert commit_infos["m/a"] == CommitInfo(
        first,
        "Ann Lee <ann@example.org>",
        datetime(2023, 11, 15, 0, 14, 20, tzinfo=timezone(timedelta(hours=2))),
        "Both",
    )
    assert (commit_infos["m/b"].commit, commit_infos["m/b"].author) == (second, "小明 <ming@example.org>")


def test_any_number_of_files_takes_one_process_or_two(repository: GitRepository, opened: Opener) -> None:
    """The log of a few files; of many, the list of all commits and what they did."""
    commit = repository.commit({f"m/{number}": str(number) for number in range(200)})
    source = opened("repo")
    for count, processes in ((1, 1), (100, 1), (101, 2), (200, 2)):
        paths = [f"m/{number}" for number in range(count)]
        before = Commands.started
        assert attributed(source, commit, paths).keys() == set(paths)
        assert Commands.started == before + processes + 1  # one lists the files


@given(histories())
@settings(max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_each_file_is_credited_as_git_itself_does(
    made: GitRepository, source: GitSource, steps: list[Step]
) -> None:
    """Whatever the shape of history and the clocks of its commits, few files at once or many."""
    tip = make(made, steps)[-1]
    files = [file.path for file in source.snapshot(tip, "m").files]
    git = {
        path: os.fsdecode(os.fsencode(made.git("log", "-1", "--format=%H", tip, "--", f":(literal){path}")))
        for path in files
    }
    for more in (0, 200):
        commit_infos = attributed(source, tip, [*files, *(f"m/none/{number}" for number in range(more))])
        assert {path: who.commit for path, who in commit_infos.items()} == git


def test_a_file_that_never_was_or_is_gone_is_left_out(repository: GitRepository, opened: Opener) -> None:
    """The rest of the answer is not affected."""
    repository.commit({"m/a": "1", "m/b": "1"})
    deletion = repository.commit({"m/b": None}, "Remove b")
    assert attributed(opened("repo"), deletion, ["m/a", "m/b", "m/c"]).keys() == {"m/a"}


def test_a_merged_change_is_credited_to_who_wrote_it_not_to_the_merge(
    repository: GitRepository, opened: Opener
) -> None:
    """The merge only brought it in."""
    repository.commit({"m/a": "1", "m/b": "1"})
    repository.git("checkout", "--quiet", "-b", "feature")
    feature = repository.commit({"m/a": "2"}, "Feature", "Fay <fay@example.org>")
    repository.git("checkout", "--quiet", "main")
    trunk = repository.commit({"m/b": "2"}, "Trunk")
    _merge(repository, "feature")
    source = opened("repo")
    commit_infos = attributed(source, source.head(), ["m/a", "m/b"])
    assert (commit_infos["m/a"].commit, commit_infos["m/b"].commit) == (feature, trunk)


def test_what_a_merge_itself_changed_is_credited_to_the_merge(
    repository: GitRepository, opened: Opener
) -> None:
    """A conflict resolved by hand is nobody else's content."""
    repository.commit({"m/a": "1"})
    repository.git("checkout", "--quiet", "-b", "feature")
    repository.commit({"m/a": "2"}, "Feature")
    repository.git("checkout", "--quiet", "main")
    repository.commit({"m/a": "3"}, "Trunk")
    _merge(repository, "feature", "--strategy=ours")
    repository.write({"m/a": "both"})
    repository.git("commit", "--quiet", "--all", "--amend", "--message=Resolved")
    source = opened("repo")
    assert attributed(source, source.head(), ["m/a"])["m/a"].subject == "Resolved"
    assert _changed_commits(source)[0][0] == "Resolved"


def test_a_change_that_the_merge_did_not_take_is_credited_to_nobody(
    repository: GitRepository, opened: Opener
) -> None:
    """The newer commit of a branch merged with `ours` is not the origin of what is there."""
    repository.commit({"m/a": "1", "m/z": "1"})
    repository.git("checkout", "--quiet", "-b", "feature")
    repository.commit({"m/z": "2"}, "Feature z")
    repository.git("checkout", "--quiet", "main")
    taken = repository.commit({"m/a": "3"}, "Taken")
    repository.git("checkout", "--quiet", "feature")
    repository.commit({"m/a": "2"}, "Discarded")
    repository.git("checkout", "--quiet", "main")
    _merge(repository, "feature", "--strategy-option=ours")
    source = opened("repo")
    commit_infos = attributed(source, source.head(), ["m/a", "m/z"])
    assert (commit_infos["m/a"].commit, commit_infos["m/z"].subject) == (taken, "Feature z")


def test_a_reverted_file_is_credited_to_the_revert(repository: GitRepository, opened: Opener) -> None:
    """Equal content does not lead back to the first commit."""
    repository.commit({"m/a": "1"}, "First")
    repository.commit({"m/a": "2"}, "Second")
    head = repository.commit({"m/a": "1"}, "Back again")
    assert attributed(opened("repo"), head, ["m/a"])["m/a"].subject == "Back again"


def test_the_log_is_read_no_further_than_needed() -> None:
    """A hundred thousand older commits are not looked at."""

    def log() -> Iterator[Commit]:
        yield Commit("c" * 40, (), (Delta("m/a", None, f"100644 {'1' * 40}"),))
        raise AssertionError("read on")

    assert CommitGraph("c" * 40, log()).entries_at("c" * 40, ["m/a"]) == {"m/a": f"100644 {'1' * 40}"}


@pytest.mark.parametrize(
    ("subject", "shown"),
    [
        ("", ""),
        (":100644 looks like an entry", None),
        ("\x1b[31mred\x07", "\ufffd[31mred\ufffd"),
        ("x" * 5000, "x" * 255 + "…"),
    ],
)
def test_any_subject_is_read_as_words(
    repository: GitRepository, opened: Opener, subject: str, shown: str | None
) -> None:
    """Empty, deceptive, long; control characters are replaced at the door."""
    commit = repository.commit({"m/a": "1"}, subject)
    commit_info = attributed(opened("repo"), commit, ["m/a"])["m/a"]
    assert commit_info.subject == (subject if shown is None else shown)


def test_a_commit_with_a_broken_author_and_date_is_still_credited(
    repository: GitRepository, opened: Opener
) -> None:
    """Bytes that are no UTF-8, a zone and a second that no calendar has."""
    repository.commit({"m/a": "1"})
    tree = repository.git("rev-parse", "HEAD^{tree}").encode()
    raw = (
        b"tree "
        + tree
        + b"\nauthor Caf\xe9 \x1b[1m <x> 99999999999999 +9999\ncommitter C <c> 1 +0000\n\nS\xe9\n"
    )
    commit = repository.git("hash-object", "-w", "-t", "commit", "--stdin", "--literally", stdin=raw)
    commit_info = attributed(opened("repo"), commit, ["m/a"])["m/a"]
    assert commit_info.author == "Caf\ufffd \ufffd[1m <x>"
    assert commit_info.subject == "S\ufffd"
    assert commit_info.authored_at.tzinfo is not None


@pytest.mark.parametrize("place", ["name", "address", "subject"])
def test_a_commit_with_a_nul_in_it_is_still_credited_and_its_neighbours_are_whole(
    repository: GitRepository, opened: Opener, place: str
) -> None:
    """The output that is parsed sets fields apart by NUL; git itself reads such a commit up to there."""
    first = repository.commit({"m/a": "1"}, "First", "Ann <ann@example.org>")
    repository.commit({"m/b": "1"})
    tree = repository.git("rev-parse", "HEAD^{tree}").encode()
    name, address, subject = (b"x\0>" + b"1" * 40 if place == one else b"x" for one in _PLACES)
    raw = b"tree %s\nparent %s\nauthor %s <%s> 1 +0000\ncommitter C <c> 1 +0000\n\n%s\n"
    raw %= (tree, first.encode(), name, address, subject)
    commit = repository.git("hash-object", "-w", "-t", "commit", "--stdin", "--literally", stdin=raw)
    commit_infos = attributed(opened("repo"), commit, ["m/a", "m/b"])
    assert (commit_infos["m/a"].commit, commit_infos["m/a"].author) == (first, "Ann <ann@example.org>")
    assert commit_infos["m/b"].commit == commit
    assert "\0" not in commit_infos["m/b"].author + commit_infos["m/b"].subject


_PLACES = ("name", "address", "subject")


@given(st.binary(max_size=200))
@settings(max_examples=examples(200), deadline=None)
def test_no_output_makes_the_reader_of_logs_fall_over(noise: bytes) -> None:
    """Only ids must be text; everything else may be anything."""
    words = noise.replace(b"\0", b"")
    header = (b"\0\0>" + b"1" * 40 + b"\0^\0" + words + b" <" + words + b">\0@" + words + b"\0+" + words) + (
        b"\0:" + words + b"\0"
    )
    entry = b"\n:100644 100644 " + b"1" * 40 + b" " + b"2" * 40 + b" M\0m/a\0"
    for pieces in ([header, entry, header, entry], [header + entry + header + entry]):
        for commit in commits(pieces):
            assert commit.commit_info.authored_at.tzinfo is not None
            assert commit.deltas == (Delta("m/a", f"100644 {'1' * 40}", f"100644 {'2' * 40}"),)


# --- history -----------------------------------------------------------------------------------------------


def test_a_graph_tells_every_change_newest_first(repository: GitRepository, opened: Opener) -> None:
    """Additions, changes and deletions below the root, and nothing from outside it, by two processes."""
    repository.commit({"m/a": "1", "other": "1"}, "Add a")
    repository.commit({"m/b": "1", "other": "2"}, "Add b")
    repository.commit({"other": "3"}, "Elsewhere")
    repository.commit({"m/a": None}, "Remove a")
    source = opened("repo")
    before = Commands.started
    assert _changed_commits(source) == [("Remove a", ["m/a"]), ("Add b", ["m/b"]), ("Add a", ["m/a"])]
    assert Commands.started == before + 2


def test_a_branch_of_which_a_merge_took_nothing_is_told(repository: GitRepository, opened: Opener) -> None:
    """Somebody may have reconciled it before it was merged."""
    repository.commit({"m/a": "1"}, "Add")
    repository.git("checkout", "--quiet", "-b", "feature")
    repository.commit({"m/a": "2", "m/b": "1"}, "Discarded")
    repository.git("checkout", "--quiet", "main")
    repository.commit({"other": "1"}, "Elsewhere")
    _merge(repository, "feature", "--strategy=ours")
    assert _changed_commits(opened("repo")) == [("Discarded", ["m/a", "m/b"]), ("Add", ["m/a"])]


@given(histories(), st.sampled_from(["m", "m/a", ""]), st.sampled_from([1, 3, 50_000]))
@settings(max_examples=examples(80), deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_graph_is_what_each_commits_own_trees_say(
    made: GitRepository, source: GitSource, steps: list[Step], root: str, at_once: int
) -> None:
    """Every commit once, with the files that differ from all of its parents, by any number of processes."""
    as_folder = [[entry for entry in step.entries if entry[0] != root.encode()] for step in steps]
    steps = [replace(step, entries=entries) for step, entries in zip(steps, as_folder, strict=True)]
    tip = make(made, steps)[-1]
    trees: dict[str, dict[str, str]] = {}
    reached = made.git("rev-list", "--parents", tip).splitlines()
    for commit, *_ in (line.split() for line in reached):
        files = source.snapshot(commit, root).files
        trees[commit] = {file.path: f"{file.mode} {file.blob}" for file in files}
    expected = {}
    for commit, *parents in (line.split() for line in reached):
        befores = [trees[parent] for parent in parents] or [{}]
        paths = {path for tree in (*befores, trees[commit]) for path in tree}
        expected[commit] = {
            path for path in paths if trees[commit].get(path) not in [b.get(path) for b in befores]
        }
    with (
        patch.object(history_reader, "_COMMITS_A_PROCESS", at_once),
        source.graph(tip, [root], whole=True) as graph,
    ):
        paths_by_commit = {one.commit: {delta.path for delta, _ in graph.changed(one)} for one in graph}
    assert paths_by_commit == expected


def test_history_does_not_depend_on_the_users_settings(repository: GitRepository, opened: Opener) -> None:
    """Root commits, renames, order, dates, colours and pathspecs are fixed on the command line."""
    text = "".join(f"line {number}\n" for number in range(30))
    repository.commit({"m/a": text}, "Add")
    repository.commit({"m/a": None, "m/b": text}, "Move")
    plain = _changed_commits(opened("repo"))
    (repository.path / "order").write_text("*")
    for key, value in (
        ("log.showRoot", "false"),
        ("log.follow", "true"),
        ("log.date", "relative"),
        ("log.diffMerges", "off"),
        ("diff.renames", "false"),
        ("diff.relative", "true"),
        ("diff.orderFile", "missing"),
        ("color.ui", "always"),
        ("format.pretty", "oneline"),
        ("core.abbrev", "4"),
        ("i18n.logOutputEncoding", "latin1"),
    ):
        repository.git("config", key, value)
    source = opened("repo/m")
    assert _changed_commits(source) == plain
    assert len(attributed(source, source.head(), ["m/b"])) == 1
