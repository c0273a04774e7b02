"""Reads `git log --raw -z` and `git diff-tree`: what each commit changed against its first parent.

With the parents of every commit this says all that a branch ever held: what a merge took from another parent
is found by following that one. Nothing is simplified away.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from reconciler.budgets import DEFAULTS, Budgets, shortened
from reconciler.engine.values import CommitInfo, Delta
from reconciler.errors import BudgetError
from reconciler.source.plumbing import blocks, bounded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence


# A commit begins with two empty fields. No other field is ever empty, whatever people wrote, so that commits
# are parted by three NULs or four.
_FORMAT = "--format=tformat:%x00%x00%m%H%x00^%P%x00%an <%ae>%x00@%ad%x00+%ct%x00:%s"
_BETWEEN = b"\0\0\0"
EXACT = (
    *("--no-renames", "--no-abbrev", "--no-color", "--no-relative", "--no-ext-diff", "--no-textconv"),
    "--ignore-submodules=none",
)
"""Of what differs, every path, mode and id as it is, whatever is configured."""
_WORDS = ("--encoding=UTF-8", "--date=raw", _FORMAT)
_RAW = ("-z", "--raw", "--root", *EXACT, *_WORDS)
LOG = ("log", *_RAW, "--no-show-signature", "--diff-merges=first-parent", "--full-history", "--sparse")
"""Every commit, parents behind one child at least, also those that touch no file that was asked for."""
BOTH_SIDES = ("--left-right", "--topo-order")
"""Of `A...B`, every commit that only one of both has."""
GRAPH = ("rev-list", "--date-order", "--parents", "--timestamp")
"""Every commit after its committer's time and before its parents; children come first."""
BARE = ("log", "-z", "--no-show-signature", "--no-color", *_WORDS)
"""As `LOG`, without what they changed."""
SOME = ("--no-walk=unsorted", "--stdin")
"""Of a log, the commits that are fed. It comes last: git takes them before it reads an option behind it."""
DIFF_TREE = ("diff-tree", "--stdin", "-r", *_RAW)
"""What differs in commits on standard input, each with the parent it is compared to: `diff_tree_input`."""
NAMED = (*BARE, "--ignore-missing", *SOME)
"""Who made each of the commits that are fed, as far as they are there; not what they changed."""

_ZONE = re.compile(r"([+-])(\d\d)(\d\d)", re.ASCII)
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_EPOCH = datetime.fromtimestamp(0, UTC)
_LAST_SECOND = 2**40  # of the year 36812; a commit may claim any other
_HEADER = 6  # fields before the first change
_FIELDS_A_CHANGE = 2  # modes, ids and status; the path
_HEADER_CHANGES = _HEADER // _FIELDS_A_CHANGE
_LONGEST_DATE = 40


class Commit(NamedTuple):
    """One commit of a log; implements `reconciler.engine.graph.Logged`.

    Attributes:
        parents: ids; none where history is cut off.
        deltas: what it changed against its first parent; of a root, against nothing.
        fields: who made it, when, and its subject, as git prints them: made into values when asked for.
        is_left: whether only the first of two branches has it.
        committed_at: the second of the committer's clock.
    """

    commit: str
    parents: tuple[str, ...]
    deltas: tuple[Delta, ...] = ()
    fields: tuple[str, str, str] = ("", "@", ":")
    is_left: bool = False
    committed_at: int = 0

    @property
    def commit_info(self) -> CommitInfo:
        """Who made it, when, and its subject."""
        author, date, subject = self.fields
        return CommitInfo(self.commit, _author(author), _moment(date), _words(subject[1:]))


def commits(pieces: Iterable[bytes], budgets: Budgets = DEFAULTS) -> Iterator[Commit]:
    """What a log printed (see `LOG` and `DIFF_TREE`), one commit at a time, each as soon as it is there.

    Raises:
        BudgetError: there is more than the budgets allow; up to these all was given.
    """
    number = changes = 0
    excess = _too_long(budgets)
    same = dict[str, str]().setdefault  # one content at very many paths is one text
    too_much = (
        f"one commit changes so much that git tells more than {budgets.listed_bytes:,} bytes of it; raise "
        "limits.listed_bytes to have it read"
    )
    answer = bounded(pieces, budgets.log_bytes, excess)
    for block in blocks(answer, _BETWEEN, budgets.listed_bytes, too_much):
        for logged in block.split(_BETWEEN.decode()):
            if fields := logged.strip("\0"):
                parts = fields.split("\0")
                number, changes = number + 1, changes + len(parts) // _FIELDS_A_CHANGE - _HEADER_CHANGES
                if number > budgets.commits or changes > budgets.changes:
                    raise BudgetError(excess)
                yield _commit(parts, budgets, same)


def _too_long(budgets: Budgets) -> str:
    return (
        f"history has more than {budgets.commits:,} commits, {budgets.changes:,} changes of files or "
        f"{budgets.log_bytes:,} bytes: raise limits.commits, limits.changes or limits.log_bytes to read on"
    )


def newest(pieces: Iterable[bytes], budgets: Budgets) -> tuple[list[str], str | None]:
    """The lines of `GRAPH`, as many as the budgets allow, and why there are not more of them."""
    lines: list[str] = []
    try:
        for block in blocks(bounded(pieces, budgets.log_bytes, _too_long(budgets)), b"\n"):
            lines += block.splitlines()
            if len(lines) > budgets.commits:
                return lines[: budgets.commits], _too_long(budgets)
    except BudgetError as error:
        return lines, str(error)
    return lines, None


def diff_tree_input(lines: Iterable[str]) -> bytes:
    """The standard input of `DIFF_TREE` by which it prints each of these commits (see `GRAPH`) once."""
    return "".join(f"{' '.join(line.split(' ', 3)[1:3])}\n" for line in lines).encode("ascii")


def joined(lines: Sequence[str], changed: Iterable[Commit]) -> Iterator[Commit]:
    """Every commit of the graph, in its order, with what `DIFF_TREE` says of those that touch anything."""
    changes = iter(changed)
    following = next(changes, None)
    for line in lines:
        time, commit, *parents = line.split(" ")
        if following is not None and following.commit == commit:
            yield following._replace(parents=tuple(parents))
            following = next(changes, None)
        else:
            yield Commit(commit, tuple(parents), committed_at=_second(time))


def went_on(log: Iterable[Commit]) -> list[Commit] | None:
    """The commits of a log of `A...B` with `BOTH_SIDES`; None when B did not go on from A."""
    commits = list(log)
    return None if any(commit.is_left for commit in commits) else commits


def _commit(fields: list[str], budgets: Budgets, same: Callable[[str, str], str]) -> Commit:
    name, parents, author, date, committed, subject = fields[:_HEADER]
    return Commit(
        name[1:],
        tuple(parents[1:].split()),
        tuple(_deltas(fields, budgets, same)),
        (shortened(author, budgets.author), date[:_LONGEST_DATE], shortened(subject, budgets.subject + 1)),
        name.startswith("<"),
        _second(committed[1:]),
    )


def _deltas(fields: list[str], budgets: Budgets, same: Callable[[str, str], str]) -> Iterator[Delta]:
    """What it did to each file: `:mode mode id id status` and a path; what has a longer one is never read."""
    rest = iter(fields[_HEADER:])
    for token in filter(None, rest):
        before, after, old, new, _ = token.lstrip("\n:").split()
        if len(path := next(rest, "")) <= budgets.path:
            yield Delta(path, _entry(before, old, same), _entry(after, new, same))


def _entry(mode: str, blob: str, same: Callable[[str, str], str]) -> str | None:
    if not mode.strip("0"):
        return None
    entry = f"{mode} {blob}"
    return same(entry, entry)


def _second(written: str) -> int:
    """The second of a committer's clock; 0 where it makes no sense."""
    return min(int(written), _LAST_SECOND) if written.isascii() and written.isdigit() else 0


def _words(text: str) -> str:
    """What a person wrote, with U+FFFD for what cannot be decoded or must not be shown."""
    if text.isprintable():
        return text
    decoded = text.encode("utf-8", "surrogateescape").decode(errors="replace")
    return _UNPRINTABLE.sub("\ufffd", decoded)


_author = lru_cache(maxsize=1024)(_words)  # few people make many commits: each of them is kept once


def _moment(written: str) -> datetime:
    """A raw date such as `@1700000000 +0200`; the epoch where git has nothing better to tell."""
    second, _, zone = written[1:].partition(" ")
    try:
        return datetime.fromtimestamp(int(second), _zone(zone))
    except (ValueError, OverflowError, OSError):
        return _EPOCH


@lru_cache(maxsize=64)
def _zone(written: str) -> timezone:
    match = _ZONE.fullmatch(written)
    if match is None:
        raise ValueError(written)
    offset = timedelta(hours=int(match[2]), minutes=int(match[3]))
    return timezone(-offset if match[1] == "-" else offset)
