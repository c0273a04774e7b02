"""Gitee. It has check runs in place of commit statuses.

https://gitee.com/api/v5/swagger: `repos/…/pulls/…/comments`, `repos/…/check-runs`
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reconciler.forge.answers import text_at, text_or
from reconciler.forge.host import Comment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reconciler.forge.api import Api
    from reconciler.forge.host import State, Status

_WRITTEN: Mapping[State, str] = {"success": "success", "failure": "failure", "error": "cancelled"}


def headers(token: str) -> dict[str, str]:
    """What carries the token."""
    return {"Authorization": f"Bearer {token}"}


@dataclass(frozen=True, slots=True)
class Gitee:
    """One pull request."""

    api: Api
    repository: str
    change: int
    has_statuses: bool = True

    @property
    def _pulls(self) -> str:
        return f"/repos/{self.repository}/pulls"

    async def head(self) -> str:
        """As the protocol says."""
        pull = await self.api.call("GET", f"{self._pulls}/{self.change}")
        return text_at(self.api.title, pull, "head", "sha")

    async def comments(self) -> Sequence[Comment]:
        """As the protocol says."""
        own = text_at(self.api.title, await self.api.call("GET", "/user"), "id")
        path = f"{self._pulls}/{self.change}/comments"
        return [
            Comment(text_or(one, "id"), int(text_at(self.api.title, one, "id")), text_or(one, "body"))
            async for one in self.api.pages(path, {"comment_type": "pr_comment"})
            if text_or(one, "user", "id") == own
        ]

    async def create(self, body: str) -> None:
        """As the protocol says."""
        await self.api.call("POST", f"{self._pulls}/{self.change}/comments", {"body": body})

    async def edit(self, comment: Comment, body: str) -> bool:
        """As the protocol says."""
        return await self.api.reaches("PATCH", self._path(comment), {"body": body})

    async def delete(self, comment: Comment) -> None:
        """As the protocol says."""
        await self.api.reaches("DELETE", self._path(comment))

    async def shows(self, commit: str, context: str, status: Status) -> bool:
        """As the protocol says; the newest check run has the largest id."""
        path = f"/repos/{self.repository}/commits/{commit}/check-runs"
        runs = [one async for one in self.api.pages(path, {"check_name": context}, _check_runs)]
        named = [one for one in runs if text_or(one, "name") == context]
        if not named:
            return False
        newest = max(named, key=lambda one: int(text_at(self.api.title, one, "id")))
        said = (text_or(newest, "conclusion"), text_or(newest, "output", "summary"))
        return said == (_WRITTEN[status.state], status.description)

    async def set_status(self, commit: str, context: str, status: Status) -> None:
        """As the protocol says."""
        facts = {
            "name": context,
            "head_sha": commit,
            "status": "completed",
            "conclusion": _WRITTEN[status.state],
            "output": {"title": context, "summary": status.description},
        }
        await self.api.call("POST", f"/repos/{self.repository}/check-runs", facts)

    def _path(self, comment: Comment) -> str:
        return f"{self._pulls}/comments/{comment.comment_id}"


def _check_runs(page: Any) -> list[Any]:  # noqa: ANN401 - JSON
    return list(page["check_runs"])
