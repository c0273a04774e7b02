"""GitLab, of gitlab.com or one's own.

https://docs.gitlab.com/api/notes/ · https://docs.gitlab.com/api/commits/#set-commit-pipeline-status ·
https://docs.gitlab.com/api/rest/#pagination ·
https://docs.gitlab.com/ci/variables/predefined_variables/
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.forge.api import text_or
from reconciler.forge.host import PART, Comment, Host

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reconciler.forge.host import State, Status

_WRITTEN: Mapping[State, str] = {"success": "success", "failure": "failed", "error": "failed"}
"""GitLab knows no `error` of a status."""


class GitLab(Host):
    """One merge request; its comments are called notes."""

    title = "GitLab"
    hint = "the scope api and the role Developer"
    most_characters = 1_000_000  # docs.gitlab.com/administration/instance_limits: size of comments
    head_keys = ("sha",)
    edits_by = "PUT"
    repository_variables = ("CI_PROJECT_ID", "CI_PROJECT_PATH")
    change_variable = "CI_MERGE_REQUEST_IID"
    head_variables = ("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA", "CI_COMMIT_SHA")
    base_variables = ("CI_MERGE_REQUEST_TARGET_BRANCH_NAME",)
    url_variable = "CI_API_V4_URL"
    token_variable = "GITLAB_TOKEN"  # noqa: S105 - a name
    default_url = "https://gitlab.com/api/v4"
    change_path = "/projects/{repository}/merge_requests/{change}"
    comments_path = f"{change_path}/notes"
    comment_path = f"{comments_path}/{{comment}}"
    repository_form = rf"\d+|{PART}(?:/{PART})+"
    example = "a number or GROUP/NAME"
    kept_in_names = ""

    @staticmethod
    def headers(token: str) -> Mapping[str, str]:
        """What carries the token."""
        return {"PRIVATE-TOKEN": token}

    async def comments(self) -> Sequence[Comment]:
        """As of every host."""
        written = self.api.pages(self.path(self.comments_path), {"order_by": "created_at", "sort": "asc"})
        return await self.comments_of(written, await self.user("id"), "author", "id")

    async def shows(self, commit: str, context: str, status: Status) -> bool:
        """As of every host; of one name, GitLab lists the newest alone."""
        path = self.path("/projects/{repository}/repository/commits/{commit}/statuses", commit=commit)
        async for one in self.api.pages(path, {"name": context}):
            if text_or(one, "name") == context:
                said = (text_or(one, "status"), text_or(one, "description"))
                return said == (_WRITTEN[status.state], status.description)
        return False

    async def set_status(self, commit: str, context: str, status: Status) -> None:
        """As of every host."""
        facts = {"state": _WRITTEN[status.state], "name": context, "description": status.description}
        await self.api.call(
            "POST", self.path("/projects/{repository}/statuses/{commit}", commit=commit), facts
        )
