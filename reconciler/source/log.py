"""Reads `git log --raw -z`, one pass for any number of files: who touched what, and where a file came from.

A merge is listed with the files that differ from every parent (`-c`): those that the merge itself changed.
What a merge only brought together belongs to the commits that were merged.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from itertools import groupby
from typing import TYPE_CHECKING

from reconciler.engine.values import Attribution, Touch
from reconciler.source.text import path_of
from reconciler.source.tree import split_nul

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

ARGUMENTS = (
    "log",
    "-z",
    "--raw",
    "-c",
    "--root",
    "--no-abbrev",
    "--no-color",
    "--no-relative",
    "--no-ext-diff",
    "--no-textconv",
    "--no-show-signature",
    "--ignore-submodules=none",
    "--encoding=UTF-8",
    "--date=raw",
    "--format=tformat:%H%x00%an <%ae>%x00%ad%x00%s",
)
WITHOUT_RENAMES = (*ARGUMENTS, "--no-renames")
WITH_RENAMES = (*ARGUMENTS, "--date-order", "-M", "-l1000")

_RAW_DATE = re.compile(rb"(-?\d{1,12}) ([+-])(\d\d)(\d\d)")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_EPOCH = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True)
class Change:
    """What one commit did to one file.

    Attributes:
        blob: object id afterwards; all zeros when the file was deleted.
        path: the path afterwards; of a deletion, the path deleted.
        before: the path before a rename, else None.
    """

    blob: str
    path: str
    before: str | None = None

    @property
    def deleted(self) -> bool:
        """Whether the file is gone afterwards."""
        return not self.blob.strip("0")


def changes(pieces: Iterable[bytes]) -> Iterator[tuple[Attribution, Change]]:
    """What a log printed with `ARGUMENTS` tells, one file at a time, each as soon as it is there."""
    fields = split_nul(pieces)
    attribution: Attribution | None = None
    for field in fields:
        token = field.lstrip(b"\n")
        if attribution is not None and token.startswith(b":"):
            yield attribution, _change(token, fields)
        elif token:
            attribution = _attribution(token, fields)


def attribute(
    log: Iterable[tuple[Attribution, Change]], expected: Mapping[str, str]
) -> dict[str, Attribution]:
    """For each path, the newest commit that gave it the content it has; stops as soon as all are found.

    Comparing the content leaves out commits of a merged branch whose version the merge did not take.

    Args:
        log: changes, newest first, without renames.
        expected: the blob id of each path at the newest commit; all zeros where it has none.
    """
    missing = dict(expected)
    found: dict[str, Attribution] = {}
    for attribution, change in log:
        if missing.get(change.path) == change.blob:
            found[change.path] = attribution
            del missing[change.path]
            if not missing:
                break
    return found


def touches(log: Iterable[tuple[Attribution, Change]], tip: frozenset[str]) -> list[Touch]:
    """Every change of every file, newest first, under the path the file has today.

    Args:
        log: changes, newest first and children before parents, with renames.
        tip: the paths that exist at the newest commit.
    """
    told = list(log)
    renamed = {change.before: change.path for _, change in reversed(told) if change.before is not None}
    today: dict[str, str] = {}
    found: list[Touch] = []
    for _, commit in groupby(told, key=lambda pair: pair[0].commit):
        moved: list[tuple[str, str, str]] = []
        for attribution, change in commit:
            now = _today(change.path, today, tip, renamed)
            found.append(Touch(now, change.path, attribution, change.deleted))
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


def _attribution(commit: bytes, fields: Iterator[bytes]) -> Attribution:
    author, date, subject = next(fields, b""), next(fields, b""), next(fields, b"")
    return Attribution(commit.decode("ascii"), _words(author), _moment(date), _words(subject))


def _change(token: bytes, fields: Iterator[bytes]) -> Change:
    """One raw entry: `:mode mode id id status`, with one more colon, mode and id for each further parent."""
    *_, blob, status = token.split()
    path = path_of(next(fields, b""))
    change = Change(blob.decode("ascii"), path)
    if not token.startswith(b"::") and status[:1] in (b"R", b"C"):
        before = path if status[:1] == b"R" else None
        return replace(change, path=path_of(next(fields, b"")), before=before)
    return change


def _words(text: bytes) -> str:
    return _CONTROL.sub("\ufffd", text.decode(errors="replace"))


def _moment(written: bytes) -> datetime:
    """A raw date such as `1700000000 +0200`; the epoch where git has nothing better to tell."""
    match = _RAW_DATE.fullmatch(written.strip())
    if match is None:
        return _EPOCH
    offset = timedelta(hours=int(match[3]), minutes=int(match[4]))
    try:
        zone = timezone(-offset if match[2] == b"-" else offset)
        return datetime.fromtimestamp(int(match[1]), zone)
    except (ValueError, OverflowError, OSError):
        return _EPOCH
