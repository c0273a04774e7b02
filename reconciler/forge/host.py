"""What is asked of the host of a repository, and the values that go to and fro."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

State = Literal["success", "failure", "error"]


@dataclass(frozen=True, slots=True)
class Status:
    """A commit status.

    Attributes:
        state: `failure` needs a human, `error` could not be found out.
        description: one line.
    """

    state: State
    description: str


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment of a change that may be this program's.

    Attributes:
        comment_id: names it in the host's API.
        age: older comments have smaller numbers.
    """

    comment_id: str
    age: int
    body: str


@dataclass(frozen=True, slots=True)
class Review:
    """What is to be said of one target.

    Attributes:
        marker: what the comment is found by; it stands in the body, and nobody sees it.
        body: the comment.
        context: the name of the commit status.
        says_nothing: there is nothing to tell that a comment would have to be made for.
    """

    target: str
    marker: str
    body: str
    context: str
    status: Status
    says_nothing: bool


class Host(Protocol):
    """One change on one host. Every call raises ForgeError where the host refuses or does not answer."""

    @property
    def has_statuses(self) -> bool:
        """Whether the host's API has commit statuses."""

    async def head(self) -> str:
        """The newest commit of the change's branch."""

    async def comments(self) -> Sequence[Comment]:
        """The comments that whoever holds the token may have written, in any order."""

    async def create(self, body: str) -> None:
        """Adds a comment. Raises OutcomeOpen where nobody knows whether it was added."""

    async def edit(self, comment: Comment, body: str) -> bool:
        """Changes a comment; False where it is not there any more, or is somebody else's."""

    async def delete(self, comment: Comment) -> None:
        """Removes a comment, unless it is gone already."""

    async def shows(self, commit: str, context: str, status: Status) -> bool:
        """Whether the newest status of that name says exactly this."""

    async def set_status(self, commit: str, context: str, status: Status) -> None:
        """Adds a status to a commit."""
