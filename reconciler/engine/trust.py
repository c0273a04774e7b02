"""A branch whose newest commit is not trusted: what is known of it, and how a report tells it. Pure.

The last commit that was trusted goes on being reconciled. That is one refusal for each target, with the
commit at fault, whose key made its signature and what to do: logs, pages, metrics, `status` and messages
show it as they show any other.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from reconciler.engine.values import ModelState, Verdict
from reconciler.manifest import Reason


class HoldCode(StrEnum):
    """Why a commit is not trusted."""

    UNSIGNED = "untrusted-unsigned"
    UNKNOWN_KEY = "untrusted-unknown-key"
    EXPIRED_KEY = "untrusted-expired-key"
    REVOKED_KEY = "untrusted-revoked-key"
    BAD_SIGNATURE = "untrusted-bad-signature"
    AUTHOR = "untrusted-author"
    CUT_OFF = "untrusted-history"


class Hold(NamedTuple):
    """Why the newest commit of the branch is not reconciled.

    Attributes:
        commit: the first one that is not trusted: the newest itself, or one between it and `good`.
        why: what is wrong with that commit, and whose key signed it; begins with a verb.
        author, committer: as that commit says, `Name <email>`: nobody vouches for either.
        good: the last commit that was trusted; None where there is none.
    """

    head: str
    commit: str
    code: HoldCode
    why: str
    author: str
    committer: str
    good: str | None = None

    @property
    def fault(self) -> str:
        """The commit and what is wrong with it."""
        newest = "" if self.commit == self.head else f", which the newest commit {self.head[:12]} contains,"
        people = f"author {self.author}"
        if self.committer != self.author:
            people = f"{people}, committer {self.committer}"
        return f"commit {self.commit[:12]}{newest} {self.why} ({people})"

    @property
    def message(self) -> str:
        """The fault, what goes on meanwhile, and what to do."""
        goes_on = (
            f"{self.good[:12]}, the last trusted commit, goes on being reconciled" if self.good else _NONE
        )
        return f"{self.fault}: {goes_on}. {_REMEDY}"


_NONE = "no newest commit was trusted before, so that nothing is reconciled"
_REMEDY = (
    "Replace it by a trusted commit, or, if it was reviewed and is good, name it or a later one in "
    "source.verify.since"
)


def is_held_commit(item: ModelState) -> bool:
    """Whether this item says that a commit is held."""
    return item.verdict is Verdict.REFUSED and item.model_name is None


def held(target: str, path: str, hold: Hold) -> ModelState:
    """What a report says of a target, whose manifests lie at this path, while a commit is held."""
    return ModelState(
        target,
        Verdict.REFUSED,
        path=path,
        commit=hold.commit,
        author=hold.author,
        reasons=(Reason(hold.code, hold.message, path),),
    )
