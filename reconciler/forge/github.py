"""GitHub, and GitHub Enterprise.

https://docs.github.com/en/rest/issues/comments · https://docs.github.com/en/rest/commits/statuses ·
https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

from reconciler.errors import ForgeError
from reconciler.forge.answers import text_at, text_or
from reconciler.forge.host import Comment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.forge.api import Api
    from reconciler.forge.host import Status


def headers(token: str) -> dict[str, str]:
    """What carries the token."""
    return {
        "Authorization": f"Bearer {token}",
        "Accept": "application/vnd.github+json",
        "X-GitHub-Api-Version": "2022-11-28",
    }


@dataclass(frozen=True, slots=True)
class GitHub:
    """One pull request."""

    api: Api
    repository: str
    change: int
    has_statuses: bool = True

    async def head(self) -> str:
        """As the protocol says."""
        pull = await self.api.call("GET", f"/repos/{self.repository}/pulls/{self.change}")
        return text_at(self.api.title, pull, "head", "sha")

    async def comments(self) -> Sequence[Comment]:
        """As the protocol says; the comments of a pull request are those of an issue."""
        own = await self._login()
        path = f"/repos/{self.repository}/issues/{self.change}/comments"
        return [
            Comment(text_or(one, "id"), int(text_at(self.api.title, one, "id")), text_or(one, "body"))
            async for one in self.api.pages(path, {})
            if (
                text_or(one, "user", "type") == "Bot" if own is None else text_or(one, "user", "login") == own
            )
        ]

    async def create(self, body: str) -> None:
        """As the protocol says."""
        path = f"/repos/{self.repository}/issues/{self.change}/comments"
        await self.api.call("POST", path, {"body": body})

    async def edit(self, comment: Comment, body: str) -> bool:
        """As the protocol says."""
        return await self.api.reaches("PATCH", self._path(comment), {"body": body})

    async def delete(self, comment: Comment) -> None:
        """As the protocol says."""
        await self.api.reaches("DELETE", self._path(comment))

    async def shows(self, commit: str, context: str, status: Status) -> bool:
        """As the protocol says; the list begins with the newest."""
        path = f"/repos/{self.repository}/commits/{commit}/statuses"
        async for one in self.api.pages(path, {}):
            if text_or(one, "context") == context:
                return (text_or(one, "state"), text_or(one, "description")) == (
                    status.state,
                    status.description,
                )
        return False

    async def set_status(self, commit: str, context: str, status: Status) -> None:
        """As the protocol says."""
        facts = {"state": status.state, "context": context, "description": status.description}
        await self.api.call("POST", f"/repos/{self.repository}/statuses/{commit}", facts)

    async def _login(self) -> str | None:
        """Whose the token is; None for the token of a job or an app, which may not ask: that is a bot's."""
        try:
            return text_at(self.api.title, await self.api.call("GET", "/user"), "login")
        except ForgeError as error:
            if error.status in (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND):
                return None
            raise

    def _path(self, comment: Comment) -> str:
        return f"/repos/{self.repository}/issues/comments/{comment.comment_id}"
