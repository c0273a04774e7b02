"""GitLab, of gitlab.com or one's own.

https://docs.gitlab.com/api/notes/ · https://docs.gitlab.com/api/commits/#set-commit-pipeline-status ·
https://docs.gitlab.com/api/rest/#pagination ·
https://docs.gitlab.com/ci/variables/predefined_variables/
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from reconciler.forge.host import PART, Comment, Host

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


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
    statuses_path = "/projects/{repository}/repository/commits/{commit}/statuses"
    status_path = "/projects/{repository}/statuses/{commit}"
    context_key, state_key = "name", "status"
    filters_statuses = True  # and of one name, the newest alone is listed
    state_words = MappingProxyType({"success": "success", "failure": "failed", "error": "failed"})  # no more
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
