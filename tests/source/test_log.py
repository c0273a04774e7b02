"""Who committed what, and where a file came from: one pass of the log for all files."""

from __future__ import annotations

import os
import random
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.engine.values import Attribution
from reconciler.source.log import Change, Commit, attribute, commits, touches
from tests.source.asking import attributed, blobs
from tests.source.histories import Step, histories, make

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconciler.engine.values import Touch
    from reconciler.source import GitSource
    from tests.git_repository import GitRepository
    from tests.source.conftest import Opener


def _lines(found: Sequence[Touch]) -> list[tuple[str, str, str]]:
    return [(touch.attribution.subject, touch.path, touch.current_path) for touch in found]


def _merge(repository: GitRepository, branch: str, *options: str) -> None:
    date = "1800000000 +0000"
    repository.git(
        "-c", "user.name=M", "-c", "user.email=m@x", "merge", "--no-ff", "--quiet", *options, branch
    )
    repository.git("commit", "--quiet", "--amend", f"--message=Merge {branch}", f"--date={date}")


# --- attribute ---------------------------------------------------------------------------------------------


def test_each_file_is_credited_to_the_newest_commit_that_touched_it(
    repository: GitRepository, opened: Opener
) -> None:
    """Commit, author, date with its zone, and subject."""
    first = repository.commit({"m/a": "1", "m/b": "1"}, "Both\n\nWith a body", "Ann Lee <ann@example.org>")
    second = repository.commit({"m/b": "2"}, "Only b", "小明 <ming@example.org>")
    found = attributed(opened("repo"), second, ["m/a", "m/b"])
    assert found["m/a"] == Attribution(
        first,
        "Ann Lee <ann@example.org>",
        datetime(2023, 11, 15, 0, 14, 20, tzinfo=timezone(timedelta(hours=2))),
        "Both",
    )
    assert (found["m/b"].commit, found["m/b"].author) == (second, "小明 <ming@example.org>")


def test_any_number_of_files_takes_one_process_or_two(repository: GitRepository, opened: Opener) -> None:
    """The log of a few files; of many, the list of all commits and what they did."""
    commit = repository.commit({f"m/{number}": str(number) for number in range(200)})
    source = opened("repo")
    for count, processes in ((1, 1), (100, 1), (101, 2), (200, 2)):
        asked = blobs(source, commit, [f"m/{number}" for number in range(count)])
        before = source.commands
        assert source.attribute(commit, asked).keys() == asked.keys()
        assert source.commands == before + processes


@given(histories())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_many_files_are_credited_as_few_are(
    made: GitRepository, source: GitSource, steps: list[Step]
) -> None:
    """Both ways to read a log say the same."""
    tip = make(made, [replace(step, date=number) for number, step in enumerate(steps)])[-1]
    few = {file.path: file.blob for file in source.snapshot(tip, "m").files} | {"m/none": None, "m/no": None}
    many = few | {f"m/none/{number}": None for number in range(200)}
    assert source.attribute(tip, many) == source.attribute(tip, few)


def test_asking_about_no_file_starts_nothing(repository: GitRepository, opened: Opener) -> None:
    """No paths, no process."""
    source = opened("repo")
    assert source.attribute(repository.commit({"a": "1"}), {}) == {}
    assert source.commands == 0


def test_a_file_that_never_was_is_left_out_and_a_deleted_one_is_credited_to_its_deletion(
    repository: GitRepository, opened: Opener
) -> None:
    """The rest of the answer is not affected."""
    repository.commit({"m/a": "1", "m/b": "1"})
    deletion = repository.commit({"m/b": None}, "Remove b")
    found = attributed(opened("repo"), deletion, ["m/a", "m/b", "m/c"])
    assert found.keys() == {"m/a", "m/b"}
    assert found["m/b"].commit == deletion


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
    found = attributed(source, source.head(), ["m/a", "m/b"])
    assert (found["m/a"].commit, found["m/b"].commit) == (feature, trunk)


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
    assert source.history(source.head(), "m")[0].attribution.subject == "Resolved"


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
    found = attributed(source, source.head(), ["m/a", "m/z"])
    assert (found["m/a"].commit, found["m/z"].subject) == (taken, "Feature z")


def test_a_reverted_file_is_credited_to_the_revert(repository: GitRepository, opened: Opener) -> None:
    """Equal content does not lead back to the first commit."""
    repository.commit({"m/a": "1"}, "First")
    repository.commit({"m/a": "2"}, "Second")
    head = repository.commit({"m/a": "1"}, "Back again")
    assert attributed(opened("repo"), head, ["m/a"])["m/a"].subject == "Back again"


def _told(name: str, *changes: str) -> Commit:
    """A commit as a log prints it."""
    return Commit([f">{name * 40}", "A <a@x>", "@1700000000 +0000", ":S", *changes])


def test_the_log_is_read_no_further_than_needed() -> None:
    """A hundred thousand older commits are not looked at."""

    def log() -> Iterator[Commit]:
        yield _told("c", f":000000 100644 {'0' * 40} {'1' * 40} A", "m/a")
        raise AssertionError("read on")

    assert attribute(log(), {"m/a": "1" * 40}).keys() == {"m/a"}


@pytest.mark.parametrize(
    ("subject", "shown"),
    [
        ("", ""),
        (":100644 looks like an entry", None),
        ("\x1b[31mred\x07", "\ufffd[31mred\ufffd"),
        ("x" * 5000, None),
    ],
)
def test_any_subject_is_read_as_words(
    repository: GitRepository, opened: Opener, subject: str, shown: str | None
) -> None:
    """Empty, deceptive, long; control characters are replaced at the door."""
    commit = repository.commit({"m/a": "1"}, subject)
    found = attributed(opened("repo"), commit, ["m/a"])["m/a"]
    assert found.subject == (subject if shown is None else shown)


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
    found = attributed(opened("repo"), commit, ["m/a"])["m/a"]
    assert found.author == "Caf\ufffd \ufffd[1m <x>"
    assert found.subject == "S\ufffd"
    assert found.authored_at.tzinfo is not None


@given(st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
def test_no_output_makes_the_reader_of_logs_fall_over(noise: bytes) -> None:
    """Only ids must be text; everything else may be anything."""
    words = noise.replace(b"\0", b"")
    header = b"\0\0>" + b"1" * 40 + b"\0" + words + b" <" + words + b">\0@" + words + b"\0:" + words + b"\0"
    entry = b"\n:100644 100644 " + b"1" * 40 + b" " + b"2" * 40 + b" M\0m/a\0"
    for pieces in ([header, entry, header, entry], [header + entry + header + entry]):
        for commit in commits(pieces):
            assert commit.attribution.authored_at.tzinfo is not None
            assert list(commit.changes()) == [Change("2" * 40, "m/a")]


# --- history -----------------------------------------------------------------------------------------------


def test_history_tells_every_touch_newest_first(repository: GitRepository, opened: Opener) -> None:
    """Additions, changes and deletions below the root, and nothing from outside it, in one log."""
    repository.commit({"m/a": "1", "other": "1"}, "Add a")
    repository.commit({"m/b": "1", "other": "2"}, "Add b")
    repository.commit({"other": "3"}, "Elsewhere")
    repository.commit({"m/a": None}, "Remove a")
    source = opened("repo")
    found = source.history(source.head(), "m")
    assert _lines(found) == [
        ("Remove a", "m/a", "m/a"),
        ("Add b", "m/b", "m/b"),
        ("Add a", "m/a", "m/a"),
    ]
    assert [touch.deleted for touch in found] == [True, False, False]
    assert source.commands == 2


def test_renames_are_followed_back(repository: GitRepository, opened: Opener) -> None:
    """A file's life before it was moved is told under today's name, with the path it had then."""
    text = "".join(f"line {number}\n" for number in range(30))
    repository.commit({"m/old": text}, "Add")
    repository.commit({"m/old": f"{text}more\n"}, "Edit")
    repository.commit({"m/old": None, "m/mid": f"{text}more\n"}, "Move")
    repository.commit({"m/mid": None, "m/new": f"{text}changed\n"}, "Move and edit")
    repository.commit({"m/old": "another file"}, "Old name again")
    source = opened("repo")
    assert _lines(source.history(source.head(), "m")) == [
        ("Old name again", "m/old", "m/old"),
        ("Move and edit", "m/new", "m/new"),
        ("Move", "m/mid", "m/new"),
        ("Edit", "m/old", "m/new"),
        ("Add", "m/old", "m/new"),
    ]


def test_a_branch_that_still_used_the_old_name_is_told_under_the_new_one(
    repository: GitRepository, opened: Opener
) -> None:
    """The rename happened on the other side of the merge."""
    text = "".join(f"line {number}\n" for number in range(30))
    repository.commit({"m/old": text}, "Add")
    repository.git("checkout", "--quiet", "-b", "feature")
    repository.commit({"m/old": None, "m/new": text}, "Rename")
    repository.git("checkout", "--quiet", "main")
    repository.commit({"m/old": f"{text}more\n"}, "Edit under the old name")
    _merge(repository, "feature")
    source = opened("repo")
    found = _lines(source.history(source.head(), "m"))
    assert ("Edit under the old name", "m/old", "m/new") in found
    assert {now for _, _, now in found} == {"m/new"}


def test_a_branch_of_which_a_merge_took_nothing_is_not_told(
    repository: GitRepository, opened: Opener
) -> None:
    """Nobody's model ever was what it said."""
    repository.commit({"m/a": "1"}, "Add")
    repository.git("checkout", "--quiet", "-b", "feature")
    repository.commit({"m/a": "2", "m/b": "1"}, "Discarded")
    repository.git("checkout", "--quiet", "main")
    repository.commit({"other": "1"}, "Elsewhere")
    _merge(repository, "feature", "--strategy=ours")
    source = opened("repo")
    assert _lines(source.history(source.head(), "m")) == [("Add", "m/a", "m/a")]


def test_renames_that_exchange_names_in_one_commit_are_kept_apart() -> None:
    """Whatever the order in which git lists them."""
    one, two, none = ("1" * 40, "2" * 40, "0" * 40)
    moves = [(f":100644 100644 {one} {one} R100", "a", "b"), (f":100644 100644 {two} {two} R100", "b", "a")]
    older = _told("1", f":000000 100644 {none} {one} A", "a", f":000000 100644 {none} {two} A", "b")
    for order in ((0, 1), (1, 0)):
        newer = _told("2", *(word for index in order for word in moves[index]))
        found = touches([newer, older], lambda: "ab")
        assert [(touch.path, touch.current_path) for touch in found[2:]] == [("a", "b"), ("b", "a")]


@given(histories(), st.sampled_from(["m", "m/a", ""]))
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_history_is_what_the_log_of_the_folder_says(
    made: GitRepository, source: GitSource, steps: list[Step], root: str
) -> None:
    """The same commits in the same order, whatever was merged and whatever a merge left out."""
    as_folder = [[entry for entry in step.entries if entry[0] != root.encode()] for step in steps]
    steps = [replace(s, entries=e, date=n) for n, (s, e) in enumerate(zip(steps, as_folder, strict=True))]
    tip = make(made, steps)[-1]
    form = "--format=tformat:%x00%x00%m%H%x00%an <%ae>%x00@%ad%x00:%s"
    options = ("-z", "--raw", "-c", "--no-abbrev", "--date=raw", "--date-order", "-M", "-l1000", form)
    printed = os.fsencode(made.git("log", *options, tip, "--", *filter(None, [root])))
    files = [file.path for file in source.snapshot(tip, root).files]
    assert list(source.history(tip, root)) == touches(commits([printed]), lambda: files)


def test_history_does_not_depend_on_the_users_settings(repository: GitRepository, opened: Opener) -> None:
    """Root commits, renames, order, dates, colours and pathspecs are fixed on the command line."""
    text = "".join(f"line {number}\n" for number in range(30))
    repository.commit({"m/a": text}, "Add")
    repository.commit({"m/a": None, "m/b": text}, "Move")
    plain = opened("repo").history(opened("repo").head(), "m")
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
    assert source.history(source.head(), "m") == plain
    assert len(attributed(source, source.head(), ["m/b"])) == 1


def test_random_histories_are_attributed_as_git_itself_does(
    repository: GitRepository, opened: Opener
) -> None:
    """Without merges, one pass gives what `git log -1 -- path` gives for each file."""
    chance = random.Random(7)
    present: Counter[str] = Counter()
    for number in range(25):
        path = f"m/{chance.choice('abc')}/{chance.choice('xyz')}"
        remove = present[path] and chance.random() < 0.3
        present[path] = 0 if remove else 1
        repository.commit({path: None if remove else str(chance.choice([1, 2, number]))}, f"C{number}")
    source = opened("repo")
    head = source.head()
    paths = [path for path, there in present.items() if there]
    found = attributed(source, head, paths)
    expected = {path: repository.git("log", "-1", "--format=%H", "--", path) for path in paths}
    assert {path: who.commit for path, who in found.items()} == expected
