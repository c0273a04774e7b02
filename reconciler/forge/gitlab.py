"""GitLab, of gitlab.com or one's own.

https://docs.gitlab.com/api/notes/ · https://docs.gitlab.com/api/commits/#set-commit-pipeline-status ·
https://docs.gitlab.com/api/rest/#pagination
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from reconciler.forge.answers import text_at, text_or
from reconciler.forge.host import Comment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reconciler.forge.api import Api
    from reconciler.forge.host import State, Status

_WRITTEN: Mapping[State, str] = {"success": "success", "failure": "failed", "error": "failed"}
"""GitLab knows no `error` of a status."""


def headers(token: str) -> dict[str, str]:
    """What carries the token."""
    return {"PRIVATE-TOKEN": token}


@dataclass(frozen=True, slots=True)
class GitLab:
    """One merge request; its comments are called notes."""

    api: Api
    repository: str
    change: int
    has_statuses: bool = True

    @property
    def _project(self) -> str:
        return f"/projects/{quote(self.repository, safe='')}"

    @property
    def _request(self) -> str:
        return f"{self._project}/merge_requests/{self.change}"

    async def head(self) -> str:
        """As the protocol says."""
        return text_at(self.api.title, await self.api.call("GET", self._request), "sha")

    async def comments(self) -> Sequence[Comment]:
        """As the protocol says."""
        own = text_at(self.api.title, await self.api.call("GET", "/user"), "id")
        order: dict[str, str | int] = {"order_by": "created_at", "sort": "asc"}
        return [
            Comment(text_or(one, "id"), int(text_at(self.api.title, one, "id")), text_or(one, "body"))
            async for one in self.api.pages(f"{self._request}/notes", order)
            if text_or(one, "author", "id") == own
        ]

    async def create(self, body: str) -> None:
        """As the protocol says."""
        await self.api.call("POST", f"{self._request}/notes", {"body": body})

    async def edit(self, comment: Comment, body: str) -> bool:
        """As the protocol says."""
        return await self.api.reaches("PUT", self._path(comment), {"body": body})

    async def delete(self, comment: Comment) -> None:
        """As the protocol says."""
        await self.api.reaches("DELETE", self._path(comment))

    async def shows(self, commit: str, context: str, status: Status) -> bool:
        """As the protocol says; of one name, GitLab lists the newest alone."""
        path = f"{self._project}/repository/commits/{commit}/statuses"
        async for one in self.api.pages(path, {"name": context}):
            if text_or(one, "name") == context:
                expected = (_WRITTEN[status.state], status.description)
                return (text_or(one, "status"), text_or(one, "description")) == expected
        return False

    async def set_status(self, commit: str, context: str, status: Status) -> None:
        """As the protocol says."""
        facts = {"state": _WRITTEN[status.state], "name": context, "description": status.description}
        await self.api.call("POST", f"{self._project}/statuses/{commit}", facts)

    def _path(self, comment: Comment) -> str:
        return f"{self._request}/notes/{comment.comment_id}"
