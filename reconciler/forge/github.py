"""GitHub, and GitHub Enterprise.

https://docs.github.com/en/rest/issues/comments · https://docs.github.com/en/rest/commits/statuses ·
https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api ·
https://docs.github.com/en/actions/reference/workflows-and-actions/variables
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from reconciler.errors import ForgeError
from reconciler.forge.host import Comment, Host

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class GitHub(Host):
    """One pull request; its comments are those of an issue."""

    title = "GitHub"
    hint = "pull-requests: write and statuses: write"
    most_characters = 65_536  # GitHub's own message of a longer one: "maximum is 65536 characters"
    repository_variables = ("GITHUB_REPOSITORY",)
    base_variables = ("GITHUB_BASE_REF",)
    url_variable = "GITHUB_API_URL"
    token_variable = "GITHUB_TOKEN"  # noqa: S105 - a name
    default_url = "https://api.github.com"
    change_path = "/repos/{repository}/pulls/{change}"
    comments_path = "/repos/{repository}/issues/{change}/comments"
    comment_path = "/repos/{repository}/issues/comments/{comment}"
    statuses_path = "/repos/{repository}/commits/{commit}/statuses"  # the newest first
    status_path = "/repos/{repository}/statuses/{commit}"

    @staticmethod
    def headers(token: str) -> Mapping[str, str]:
        """What carries the token, and the version of the API."""
        return {
            **Host.headers(token),
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": "2022-11-28",
        }

    async def comments(self) -> Sequence[Comment]:
        """As of every host; the token of a job or an app may not ask whose it is: that is a bot's."""
        try:
            own, keys = await self.user("login"), ("user", "login")
        except ForgeError as error:
            if error.status not in (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND):
                raise
            own, keys = "Bot", ("user", "type")
        return await self.comments_of(self.api.pages(self.path(self.comments_path), {}), own, *keys)
