"""Reads `git log --raw -z`, one pass for any number of files: who touched what, and where a file came from.

A merge is listed with the files that differ from every parent (`-c`): those that the merge itself changed.
What a merge only brought together belongs to the commits that were merged.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from reconciler.engine.values import Attribution, Touch
from reconciler.source.text import blocks

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

# A commit begins with two empty fields, and after the subject of a merge stands one. No other field is ever
# empty, whatever people wrote, so that commits are parted by three NULs or four.
_FORMAT = "--format=tformat:%x00%x00%m%H%x00%an <%ae>%x00@%ad%x00:%s"
_BETWEEN = b"\0\0\0"
_TELLING = (
    "-z",
    "--raw",
    "-c",
    "--root",
    "--no-abbrev",
    "--no-color",
    "--no-relative",
    "--no-ext-diff",
    "--no-textconv",
    "--ignore-submodules=none",
    "--encoding=UTF-8",
    "--date=raw",
    _FORMAT,
)
LOG = ("log", *_TELLING, "--no-renames", "--no-show-signature")
"""What touched which file, without renames, newest first."""
TOLD = ("diff-tree", "--stdin", "-r", *_TELLING)
"""What the same log says of the commits whose ids are fed, in their order."""
RENAMES, NO_RENAMES = ("-M", "-l1000"), ("--no-renames",)
BOTH_SIDES = ("--left-right", "--sparse")
"""Of `A...B`, every commit that only one of both has, also those that touch no file that was asked for."""

_ZONE = re.compile(r"([+-])(\d\d)(\d\d)", re.ASCII)
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_EPOCH = datetime.fromtimestamp(0, UTC)


class Change(NamedTuple):
    """What one commit did to one file.

    Attributes:
        blob: object id afterwards, or None when the file was deleted.
        path: the path afterwards; of a deletion, the path deleted.
        before: the path before a rename, else None.
    """

    blob: str | None
    path: str
    before: str | None = None


class Commit(NamedTuple):
    """One commit of a log. Its fields are made into values only when asked for: most logs are skimmed."""

    fields: list[str]

    @property
    def is_left(self) -> bool:
        """Whether, in a log of `A...B`, it is one that only A has."""
        return self.fields[0].startswith("<")

    @property
    def attribution(self) -> Attribution:
        """Who made it, when, and its subject."""
        name, author, date, subject = self.fields[:4]
        return Attribution(name[1:], _author(author), _moment(date), _words(subject[1:]))

    def changes(self) -> Iterator[Change]:
        """What it did to each file: `:mode mode id id status` and a path, or two of a rename or copy.

        Of a merge, one more colon, mode and id for each further parent.
        """
        rest = iter(self.fields[4:])
        for token in filter(None, rest):
            *_, written, status = token.split()
            path = next(rest, "")
            blob = written if written.strip("0") else None
            if status[0] in "RC" and not token.startswith("::"):
                yield Change(blob, next(rest, ""), before=path if status[0] == "R" else None)
            else:
                yield Change(blob, path)


def commits(pieces: Iterable[bytes]) -> Iterator[Commit]:
    """What a log printed (see `LOG` and `TOLD`), one commit at a time, each as soon as it is there."""
    for block in blocks(pieces, _BETWEEN):
        for told in block.split(_BETWEEN.decode()):
            if fields := told.strip("\0"):
                yield Commit(fields.split("\0"))


def attribute(log: Iterable[Commit], expected: Mapping[str, str | None]) -> dict[str, Attribution]:
    """For each path, the newest commit that gave it the content it has; stops as soon as all are found.

    Comparing the content leaves out commits of a merged branch whose version the merge did not take.

    Args:
        log: newest first, without renames.
        expected: the blob id of each path at the newest commit; None where it has none.
    """
    missing = dict(expected)
    found: dict[str, Attribution] = {}
    for commit in log:
        here = [path for blob, path, _ in commit.changes() if path in missing and missing[path] == blob]
        if here:
            found |= dict.fromkeys(here, commit.attribution)
            for path in here:
                missing.pop(path, None)
            if not missing:
                break
    return found


def touched_since(log: Iterable[Commit]) -> frozenset[str] | None:
    """Every path in a log of `A...B` with `BOTH_SIDES`; None when B did not go on from A."""
    paths: set[str] = set()
    for commit in log:
        if commit.is_left:
            return None
        paths.update(change.path for change in commit.changes())
    return frozenset(paths)


def touches(log: Iterable[Commit], tip: Callable[[], Collection[str]]) -> list[Touch]:
    """Every change of every file, newest first, under the path the file has today.

    Args:
        log: newest first and children before parents, with renames.
        tip: the paths that exist at the newest commit; asked only if anything was renamed.
    """
    told = [(commit.attribution, tuple(commit.changes())) for commit in log]
    renamed = {
        change.before: change.path
        for _, changes in reversed(told)
        for change in reversed(changes)
        if change.before is not None
    }
    if not renamed:
        return [
            Touch(path, path, who, deleted=blob is None) for who, changes in told for blob, path, _ in changes
        ]
    return _followed(told, renamed, frozenset(tip()))


def _followed(
    told: Iterable[tuple[Attribution, tuple[Change, ...]]], renamed: Mapping[str, str], tip: frozenset[str]
) -> list[Touch]:
    today: dict[str, str] = {}
    found: list[Touch] = []
    for who, changes in told:
        moved: list[tuple[str, str, str]] = []
        for change in changes:
            now = _today(change.path, today, tip, renamed)
            found.append(Touch(now, change.path, who, deleted=change.blob is None))
            if change.before is not None:
                moved.append((change.before, change.path, now))
        for _, after, _ in moved:
            today.pop(after, None)
        today |= {before: now for before, _, now in moved}
    return found


def _today(path: str, today: Mapping[str, str], tip: frozenset[str], renamed: Mapping[str, str]) -> str:
    """Today's name of what was called `path`; a branch may still use the name another branch has changed."""
    if path in today:
        return today[path]
    seen = {path}
    while path not in tip and path in renamed and renamed[path] not in seen:
        path = renamed[path]
        seen.add(path)
    return today.get(path, path)


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
