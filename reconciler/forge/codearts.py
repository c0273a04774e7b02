"""CodeArts Repo of Huawei Cloud, API v4. It has no commit statuses, and does not tell whose a token is.

https://support.huaweicloud.com/api-codeartsrepo/: `CreateMergeRequestDiscussion` and the same with `List…s`,
`Update…` and `Delete…`; `ShowMergeRequestDetail`
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

from reconciler.forge.answers import text_at, text_or
from reconciler.forge.host import Comment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.forge.api import Api
    from reconciler.forge.host import Status

_LARGEST = 0xFFFF
"""The last character that CodeArts takes; emoji and rare ideographs come after it."""
_NOT_OURS = (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND)


def headers(token: str) -> dict[str, str]:
    """What carries the token: one of IAM."""
    return {"X-Auth-Token": token}


@dataclass(frozen=True, slots=True)
class CodeArts:
    """One merge request; a comment is a discussion of one note."""

    api: Api
    repository: str
    change: int
    has_statuses: bool = False

    @property
    def _request(self) -> str:
        return f"/v4/repositories/{self.repository}/merge-requests/{self.change}"

    async def head(self) -> str:
        """As the protocol says."""
        return text_at(self.api.title, await self.api.call("GET", self._request), "sha")

    async def comments(self) -> Sequence[Comment]:
        """As the protocol says: of everybody; the host refuses an edit of what somebody else has written."""
        comments = []
        async for discussion in self.api.offsets(f"{self._request}/discussions"):
            notes = discussion.get("notes")
            if isinstance(notes, list) and notes:
                note = text_at(self.api.title, notes[0], "id")
                name = f"{text_at(self.api.title, discussion, 'id')}/notes/{note}"
                comments.append(Comment(name, int(note), text_or(notes[0], "body")))
        return comments

    async def create(self, body: str) -> None:
        """As the protocol says."""
        facts = {"body": _taken(body), "severity": "suggestion"}
        await self.api.call("POST", f"{self._request}/discussions", facts)

    async def edit(self, comment: Comment, body: str) -> bool:
        """As the protocol says."""
        return await self.api.reaches("PUT", self._path(comment), {"body": _taken(body)}, unless=_NOT_OURS)

    async def delete(self, comment: Comment) -> None:
        """As the protocol says."""
        await self.api.reaches("DELETE", self._path(comment), unless=_NOT_OURS)

    async def shows(self, commit: str, context: str, status: Status) -> bool:  # noqa: ARG002
        """Never called: there are no statuses."""
        return False

    async def set_status(self, commit: str, context: str, status: Status) -> None:
        """Never called: there are no statuses."""

    def _path(self, comment: Comment) -> str:
        return f"{self._request}/discussions/{comment.comment_id}"


def _taken(body: str) -> str:
    """A comment without the characters that CodeArts refuses."""
    return "".join(character if ord(character) <= _LARGEST else "\ufffd" for character in body)
