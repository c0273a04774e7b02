"""Gitee. It has check runs in place of commit statuses.

https://gitee.com/api/v5/swagger: `repos/…/pulls/…/comments`, `repos/…/check-runs` ·
https://help.gitee.com/gitee-go/pipeline/parameter
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from reconciler.forge.api import text_or
from reconciler.forge.host import Comment, Host

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.forge.host import Status


class Gitee(Host):
    """One pull request."""

    title = "Gitee"
    hint = "the scopes pull_requests, notes and user_info"
    most_characters = 60_000  # Gitee documents no limit; every other host but CodeArts takes as much
    repository_variables = ("GITEE_REPOSITORY",)
    change_variable = "GITEE_PULL_ID"
    head_variables = ("GITEE_SOURCE_COMMIT",)
    url_variable = "GITEE_API_URL"
    token_variable = "GITEE_TOKEN"  # noqa: S105 - a name
    default_url = "https://gitee.com/api/v5"
    change_path = "/repos/{repository}/pulls/{change}"
    comments_path = f"{change_path}/comments"
    comment_path = "/repos/{repository}/pulls/comments/{comment}"
    state_words = MappingProxyType({"success": "success", "failure": "failure", "error": "cancelled"})

    async def comments(self) -> Sequence[Comment]:
        """As of every host."""
        written = self.api.pages(self.path(self.comments_path), {"comment_type": "pr_comment"})
        return await self.comments_of(written, await self.user("id"), "user", "id")

    async def shows(self, commit: str, context: str, status: Status) -> bool:
        """As of every host; the newest check run has the largest id."""
        path = self.path("/repos/{repository}/commits/{commit}/check-runs", commit=commit)
        runs = [one async for one in self.api.pages(path, {"check_name": context}, _check_runs)]
        named = [one for one in runs if text_or(one, "name") == context]
        if not named:
            return False
        newest = max(named, key=lambda one: int(self.api.text_at(one, "id")))
        said = (text_or(newest, "conclusion"), text_or(newest, "output", "summary"))
        return said == (self.state_words[status.state], status.description)

    async def set_status(self, commit: str, context: str, status: Status) -> None:
        """As of every host."""
        facts = {
            "name": context,
            "head_sha": commit,
            "status": "completed",
            "conclusion": self.state_words[status.state],
            "output": {"title": context, "summary": status.description},
        }
        await self.api.call("POST", self.path("/repos/{repository}/check-runs"), facts)


def _check_runs(page: Any) -> list[Any]:  # noqa: ANN401 - JSON
    return list(page["check_runs"])
