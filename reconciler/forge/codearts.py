"""CodeArts Repo of Huawei Cloud, API v4. It has no commit statuses, and does not tell whose a token is.

https://support.huaweicloud.com/api-codeartsrepo/: `CreateMergeRequestDiscussion` and the same with `List…s`,
`Update…` and `Delete…`; `ShowMergeRequestDetail` ·
https://support.huaweicloud.com/usermanual-pipeline/pipeline_01_0003.html
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from reconciler.forge.api import text_or
from reconciler.forge.host import Comment, Host

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


_LARGEST = 0xFFFF
"""The last character that CodeArts takes; emoji and rare ideographs come after it."""


class CodeArts(Host):
    """One merge request; a comment is a discussion of one note."""

    title = "CodeArts Repo"
    hint = "codeartsrepo:repository:commentMergeRequest and getMergeRequest"
    most_characters = (
        8_000  # the reference of CreateMergeRequestDiscussion: "Maximum length: 8,000 characters"
    )
    has_statuses = False
    head_keys = ("sha",)
    edits_by = "PUT"
    not_ours = (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND)
    repository_variables = ("CODEARTS_REPOSITORY_ID",)
    change_variable = "MERGE_ID"  # and no variable of its head: COMMIT_ID may be of another repository
    url_variable = "CODEARTS_API_URL"
    token_variable = "CODEARTS_TOKEN"  # noqa: S105 - a name
    change_path = "/v4/repositories/{repository}/merge-requests/{change}"
    comments_path = f"{change_path}/discussions"
    comment_path = f"{comments_path}/{{comment}}"
    repository_form = r"\d+"
    example = "the repository's number"

    @staticmethod
    def headers(token: str) -> Mapping[str, str]:
        """What carries the token: one of IAM."""
        return {"X-Auth-Token": token}

    async def comments(self) -> Sequence[Comment]:
        """Those of everybody; the host refuses an edit of what somebody else has written."""
        comments = []
        async for discussion in self.api.pages(self.path(self.comments_path), {}, by_offset=True):
            notes = discussion.get("notes")
            if isinstance(notes, list) and notes:
                note = self.api.text_at(notes[0], "id")
                name = f"{self.api.text_at(discussion, 'id')}/notes/{note}"
                comments.append(Comment(name, int(note), text_or(notes[0], "body")))
        return comments

    async def create(self, body: str) -> None:
        """As of every host."""
        facts = {"body": _taken(body), "severity": "suggestion"}
        await self.api.call("POST", self.path(self.comments_path), facts)

    async def edit(self, comment: Comment, body: str) -> bool:
        """As of every host."""
        return await super().edit(comment, _taken(body))


def _taken(body: str) -> str:
    """A comment without the characters that CodeArts refuses."""
    return "".join(character if ord(character) <= _LARGEST else "\ufffd" for character in body)
