"""Keeps one comment a target and one status a target, whatever other runs do at the same time.

Two runs that find no comment both add one. So each looks again after it has added its own: the oldest stays
and is given the newest words, the others are removed. Whichever run looks last sees all of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from reconciler.errors import ForgeError
from reconciler.forge.api import OutcomeOpen

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.forge.host import Comment, Host, Review

Outcome = Literal["created", "edited", "unchanged", "none"]

_ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Published:
    """What became of one review.

    Attributes:
        comment: `none` where there was nothing to say and no earlier comment.
        status_set: whether the commit status was set.
    """

    target: str
    comment: Outcome
    status_set: bool


async def publish(host: Host, review: Review, commit: str) -> Published:
    """Puts a review on its change, whose newest commit is given the status.

    Raises:
        ForgeError: the host refused, or could not be asked.
    """
    comment = await _comment(host, review)
    status_set = host.has_statuses and not await host.shows(commit, review.context, review.status)
    if status_set:
        await host.set_status(commit, review.context, review.status)
    return Published(review.target, comment, status_set)


async def _comment(host: Host, review: Review) -> Outcome:
    created = False
    for _ in range(_ROUNDS):
        ours = _ours(await host.comments(), review)
        kept = await _kept(host, ours, review)
        if kept is not None:
            for surplus in ours:
                if surplus.age > kept.age:
                    await host.delete(surplus)
            return "created" if created else "unchanged" if _same(kept.body, review.body) else "edited"
        if review.says_nothing:
            return "none"
        try:
            await host.create(review.body)
        except OutcomeOpen:
            continue  # the next look tells
        created = True
    raise ForgeError(f"target {review.target}: the comment does not stay: something removes it, or hides it")


def _ours(comments: Sequence[Comment], review: Review) -> list[Comment]:
    """The comments on this target, the oldest first."""
    return sorted((one for one in comments if review.marker in one.body), key=lambda one: one.age)


async def _kept(host: Host, ours: Sequence[Comment], review: Review) -> Comment | None:
    """The oldest comment that is there and may be edited, with the words of this review; as it was before."""
    for comment in ours:
        if _same(comment.body, review.body) or await host.edit(comment, review.body):
            return comment
    return None


def _same(one: str, other: str) -> bool:
    """Hosts give line ends and the last of them in their own way."""
    return one.replace("\r\n", "\n").rstrip() == other.rstrip()
